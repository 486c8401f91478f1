"""`plan PIPELINE`: what a run will ask, cost and keep, before anything is spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamind_gen.cli.output import fail
from datamind_gen.cli.validate import load_or_exit

if TYPE_CHECKING:
    from rich.table import Table

    from datamind_gen.run.forecast import Forecast, Interval
    from datamind_gen.run.planning import Plan
    from datamind_gen.run.preview import Preview
    from datamind_gen.stages.matrix import Matrix


def plan_command(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline's YAML file, or the name of a bundled one.")],
    measure: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Run N queries for real and reckon from them; this costs."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/NAME.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many queries.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    allow_unsandboxed: Annotated[
        bool, typer.Option(help="With --measure: run where the kernel cannot confine code.")
    ] = False,
) -> None:
    """Says what a run will ask, cost and keep: by category, format and hops, then calls, tokens, money and
    hours, each with the interval that holds nine in ten cases. What is unknown is called so.

    Without --measure it spends nothing, needs no key, and reckons from assumptions. With it, N queries drawn
    from the plan are run; the run itself asks none of that again, in the same run directory.

    Examples:

      python -m datamind_gen plan quickstart

      python -m datamind_gen plan full --measure 10
    """
    import tempfile

    from rich.console import Console

    from datamind_gen.cli.preview import run_preview
    from datamind_gen.run.folder import RunFolder
    from datamind_gen.run.opening import BadInput
    from datamind_gen.run.planning import make_plan

    overrides = tuple(set_ or ())
    loaded = load_or_exit(pipeline, overrides)
    preview: Preview | None = None
    if measure is not None:
        preview = run_preview(
            loaded, overrides, queries=measure, out=out, limit=limit, allow_unsandboxed=allow_unsandboxed
        )
        if len(preview.cases) < 2:
            fail("one query is too few to measure by: the plan has no more", code=1)
    with tempfile.TemporaryDirectory() as place, Console(stderr=True).status("reading files …") as status:
        try:
            plan = make_plan(
                loaded,
                RunFolder(Path(place)),
                limit=limit,
                preview=preview,
                advance=lambda left: status.update(f"reading files … {left} left"),
            )
        except BadInput as error:
            fail(str(error))
    if json_:
        from datamind_gen.rows import encode

        print(encode(plan))
    else:
        print_plan(plan)
    if not plan.matrix.planned:
        fail("no query can be planned: no file is usable, or none fits a category", code=1)


def print_plan(plan: Plan) -> None:
    """The matrix, the forecast, and what to know about both."""
    from rich.text import Text

    from datamind_gen.run.tables import open_console

    console = open_console()
    matrix, forecast = plan.matrix, plan.forecast
    console.print(matrix_table(matrix))
    files = f"{matrix.files:,} file{'' if matrix.files == 1 else 's'}"
    said = f"\n{matrix.planned:,} queries in the first wave, on {files}"
    if matrix.planned < matrix.wanted:
        said += f"; {matrix.wanted:,} are wanted, and the files have room for no more (coverage.per_file)"
    console.print(Text(said))
    if matrix.empty_categories:
        console.print(Text(f"nothing is asked in: {', '.join(matrix.empty_categories)}", style="yellow"))
    for name, why in plan.unusable:
        console.print(Text(f"not used: {name}: {why}", style="yellow"))
    console.print()
    console.print(forecast_table(forecast))
    console.print(Text(f"\n{describe_basis(plan)}"))
    if plan.unpriced:
        models = ", ".join(plan.unpriced)
        console.print(
            Text(f"unknown price: {models}; add prices: {{input: …, output: …}} to count it", style="yellow")
        )


def describe_basis(plan: Plan) -> str:
    """What the figures rest on."""
    if not plan.forecast.measured:
        return (
            "Reckoned from assumptions, nothing was measured; --measure 10 runs ten queries to know better."
        )
    return (
        f"Reckoned from {plan.forecast.measured} queries that were run: {plan.paid:,} replies asked for, "
        f"{plan.found:,} found recorded. The run asks none of them again."
    )


def matrix_table(matrix: Matrix) -> Table:
    """Queries of the first wave by category, with their formats and hops."""
    from rich.table import Table

    table = Table(title="Planned queries", title_justify="left", header_style="dim", box=None, padding=(0, 2))
    table.add_column("category", no_wrap=True)
    for name in (*matrix.formats, *(f"{hops} hop{'s' * (hops > 1)}" for hops in matrix.hops), "all"):
        table.add_column(name, justify="right")
    for category in (*matrix.categories, None):
        cells = [cell for cell in matrix.cells if category in (None, cell.category)]
        if not cells:
            continue
        numbers = [
            *(sum(cell.queries for cell in cells if cell.format == format) for format in matrix.formats),
            *(sum(cell.queries for cell in cells if cell.hops == hops) for hops in matrix.hops),
            sum(cell.queries for cell in cells),
        ]
        table.add_row(category or "all", *(f"{number:,}" if number else "·" for number in numbers))
    return table


def forecast_table(forecast: Forecast) -> Table:
    """Each figure with its interval."""
    from rich.table import Table

    table = Table(title="The run", title_justify="left", header_style="dim", box=None, padding=(0, 2))
    table.add_column("", no_wrap=True)
    for name in ("from", "about", "to"):
        table.add_column(name, justify="right")

    def add(name: str, interval: Interval | None, say: str = "{:,.0f}") -> None:
        if interval is None:
            table.add_row(name, "", "unknown", "")
        else:
            table.add_row(
                name, *(say.format(value) for value in (interval.low, interval.middle, interval.high))
            )

    add("queries", forecast.queries)
    for role in forecast.roles:
        if role.calls.high > 0:
            add(f"calls of the {role.role} ({role.model})", role.calls)
    add("tokens", forecast.tokens)
    add("money", forecast.usd, "${:,.2f}")
    if forecast.hours is not None and forecast.hours.high < 2:
        add("minutes", forecast.hours.scaled(60), "{:,.1f}")
    else:
        add("hours", forecast.hours, "{:,.1f}")
    add("kept trajectories", forecast.kept)
    return table
