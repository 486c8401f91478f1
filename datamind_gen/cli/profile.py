"""`profile FILE…`: what files hold, as a table for people or one JSON object a line for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datamind_gen.cli.output import describe_missing

if TYPE_CHECKING:
    from datamind_gen.files import FileError
    from datamind_gen.rows import Profile, Table

_KINDS = {
    "number": "cyan", "money": "green", "percent": "green", "date": "magenta", "year": "magenta",
    "category": "yellow",
    "identifier": "blue", "name": "bright_blue", "boolean": "yellow", "geographic": "cyan",
    "empty": "bright_black",
}  # fmt: skip
_SHOWN_COLUMNS = 40


def profile_command(
    files: Annotated[list[Path], typer.Argument(help="Data files; a folder means every data file in it.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for each table.")] = False,
    show_code: Annotated[
        bool, typer.Option("--code", help="Show the Python that loads each table right.")
    ] = False,
) -> None:
    """Reads and describes data files: tables, columns, what they mean, and how to load them right.

    Examples:

      python -m datamind_gen profile sales.xlsx --code

      python -m datamind_gen profile data/ --json
    """
    from datamind_gen.files import FileError, ReadSettings, find_file, profile_in_limits
    from datamind_gen.rows import Reason

    failed = 0
    for path in _expand(files):
        try:
            if not path.exists():
                raise FileError(Reason.UNREADABLE, describe_missing(path))
            found = find_file(path)
            profile = profile_in_limits(found, ReadSettings.accept_all(), all_columns=as_json)
        except FileError as error:
            failed += 1
            _show_error(path, error, as_json=as_json)
            continue
        if as_json:
            for table in profile.tables:
                print(json.dumps(_described(path, profile, table), ensure_ascii=False), flush=True)
        else:
            _show(profile, show_code=show_code)
    if failed:
        raise typer.Exit(1)


def _expand(files: list[Path]) -> list[Path]:
    from datamind_gen.files.find import data_files

    return [path for file in files for path in (data_files(file) if file.is_dir() else [file])]


def _described(path: Path, profile: Profile, table: Table) -> dict[str, Any]:
    listed = [{"name": column.name, "type": column.kind.value} for column in table.columns]
    issues = [
        {key: value for key, value in (
            ("kind", issue.kind), ("detail", issue.detail), ("column", issue.column), ("rows", issue.rows),
            ("example", issue.example),
        ) if value is not None}
        for issue in (*profile.issues, *table.issues)
    ]  # fmt: skip
    return {
        "path": str(path),
        "table": table.name,
        "rows": table.rows,
        "columns": listed,
        "column_count": table.column_count,
        "plan": {
            "pandas": table.plan.pandas,
            "polars": table.plan.polars,
            "duckdb": table.plan.duckdb,
            "decisions": [[one.what, one.value, one.evidence] for one in table.plan.decisions],
        },
        "issues": issues,
        "confidence": table.confidence,
        "license": profile.file.license,
        "primary_key": list(table.primary_key),
        "format": profile.file.format.value,
    }


def _show_error(path: Path, error: FileError, *, as_json: bool) -> None:
    if as_json:
        line = {"path": str(path), "error": error.detail, "reason": error.reason.value}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        return
    from rich.console import Console
    from rich.text import Text

    said = error.detail.removeprefix(f"{path}: ")
    Console(stderr=True).print(
        Text.assemble(("✗ ", "red"), (str(path), "bold"), f"  {error.reason.value}: {said}"), soft_wrap=True
    )


def _show(profile: Profile, *, show_code: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    size = sum(part.size for part in profile.file.parts)
    about = f"  {profile.file.format.value}, {size:,} bytes, licence {profile.file.license}"
    console.print(Text.assemble(("● ", "green"), (profile.file.name, "bold"), (about, "bright_black")))
    for table in profile.tables:
        _show_table(console, table, show_code=show_code)
    for one in profile.relationships:
        told = "declared" if one.declared else f"inferred, {one.coverage:.0%} of the values found"
        line = f"  {one.child}.{', '.join(one.child_columns)} → {one.parent}.{', '.join(one.parent_columns)}"
        console.print(Text.assemble(line, (f"  {told}", "bright_black")))
    for issue in profile.issues:
        console.print(Text(f"  ! {issue.detail}", style="yellow"))
    console.print()


def _show_table(console: Any, table: Table, *, show_code: bool) -> None:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    sure = "" if table.confidence >= 0.9 else f", read with confidence {table.confidence:.0%}"
    title = f"{table.name}: {table.rows:,} rows × {table.column_count:,} columns{sure}"
    grid = Grid(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=True)
    for heading, options in (
        ("column", {"overflow": "fold", "max_width": 36}), ("means", {}), ("nulls", {"justify": "right"}),
        ("distinct", {"justify": "right"}), ("range or most frequent", {"overflow": "ellipsis",
        "max_width": 60}),
    ):  # fmt: skip
        grid.add_column(heading, **options)
    for column in table.columns[:_SHOWN_COLUMNS]:
        key = " *" if column.name in table.primary_key else ""
        unit = f" {column.unit}" if column.unit else ""
        grid.add_row(
            Text(column.name + key),
            Text(column.kind.value + unit, style=_KINDS.get(column.kind.value, "")),
            f"{column.nulls:,}" if column.nulls else "",
            f"{column.distinct:,}",
            Text(_range(column), no_wrap=True),
        )
    console.print(grid)
    if table.column_count > _SHOWN_COLUMNS:
        console.print(
            Text(f"  … and {table.column_count - _SHOWN_COLUMNS:,} more columns", style="bright_black")
        )
    for issue in table.issues[:12]:
        where = f"{issue.column}: " if issue.column else ""
        rows = f" ({issue.rows:,} rows)" if issue.rows else ""
        example = f", as in {issue.example!r}" if issue.example else ""
        console.print(Text(f"  ! {where}{issue.detail}{rows}{example}", style="yellow"))
    if show_code:
        from rich.syntax import Syntax

        console.print(Syntax(table.plan.pandas, "python", background_color="default", word_wrap=True))


def _range(column: Any) -> str:
    if column.top and column.kind.value in ("category", "boolean"):
        return ", ".join(f"{value} ({count:,})" for value, count in column.top[:4])
    if column.minimum is not None and column.kind.value not in ("name", "text", "nested"):
        middle = f", median {column.quantiles[2]:g}" if len(column.quantiles) == 5 else ""
        return f"{column.minimum} to {column.maximum}{middle}"
    return ", ".join(str(value) for value in column.examples[:3])
