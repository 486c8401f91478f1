"""The same table in polars and DuckDB, where one call can load it: proven by running, else left out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from datamind_gen.files.code import Recipe
from datamind_gen.files.plan import shown_path


def polars_code(recipe: Recipe, path: Path) -> str | None:
    """polars code that binds `df`, or None where no plain read_csv gives the table."""
    if not _is_simple(recipe) or recipe.dialect.delimiter == " ":
        return None
    options = ["infer_schema_length=None"]
    if recipe.dialect.delimiter != ",":
        options.append(f"separator={recipe.dialect.delimiter!r}")
    if recipe.dialect.quote != '"':
        options.append(f"quote_char={recipe.dialect.quote!r}")
    if recipe.layout.header[0]:
        options.append(f"skip_rows={recipe.layout.header[0]}")
    if recipe.trailing:
        options.append(f"n_rows={len(recipe.layout.body)}")
    nulls = _nulls(recipe)
    if nulls:
        options.append(f"null_values={nulls!r}")
    code = "import polars as pl\n\ndf = pl.read_csv({place}, " + ", ".join(options) + ")\n"
    scope: dict[str, object] = {}
    try:
        exec(code.replace("{place}", repr(str(path))), scope)
    except BaseException as error:  # a polars panic is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return None
    frame = scope["df"]
    assert isinstance(frame, pl.DataFrame)
    right = frame.height == len(recipe.layout.body) and frame.columns == recipe.names
    return code.replace("{place}", repr(shown_path(recipe.part))) if right else None


def duckdb_code(recipe: Recipe, path: Path) -> str | None:
    """A DuckDB expression to select from, or None where no read_csv gives the table."""
    if not _is_simple(recipe) or recipe.trailing or recipe.dialect.delimiter == " ":
        return None
    options = ["header = true", "sample_size = -1"]
    if recipe.dialect.delimiter != ",":
        options.append(f"delim = {_quoted(recipe.dialect.delimiter)}")
    if recipe.dialect.quote != '"':
        options.append(f"quote = {_quoted(recipe.dialect.quote or '')}")
    if recipe.layout.header[0]:
        options.append(f"skip = {recipe.layout.header[0]}")
    nulls = _nulls(recipe)
    if nulls:
        options.append(f"nullstr = [{', '.join(map(_quoted, ['', *nulls]))}]")
    text = "read_csv({place}, " + ", ".join(options) + ")"
    try:
        relation = _connection().sql(f"SELECT * FROM {text.replace('{place}', _quoted(str(path)))}")
        names = relation.columns
        count = relation.aggregate("count(*)").fetchall()[0][0]
    except duckdb.Error:
        return None
    right = count == len(recipe.layout.body) and list(names) == recipe.names
    return text.replace("{place}", _quoted(shown_path(recipe.part))) if right else None


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


def _is_simple(recipe: Recipe) -> bool:
    """One header row, no rows to leave out, UTF-8, numbers and dates that any reader takes."""
    layout = recipe.layout
    return (
        len(layout.header) == 1
        and recipe.header_width == layout.width <= 500
        and not recipe.dropped
        and not layout.ragged
        and not recipe.dialect.wrapped
        and not recipe.dialect.escape
        and recipe.encoding.name in ("utf-8", "utf-8-sig")
        and recipe.encoding.errors == "strict"
        and all(
            column.notation.is_plain_number or column.notation.kind in ("string", "boolean", "empty", "date")
            for column in recipe.columns
        )
        and not any(column.notation.code for column in recipe.columns)
    )


def _nulls(recipe: Recipe) -> list[str]:
    return sorted(set().union(*(column.null_tokens for column in recipe.columns)) - {""})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
