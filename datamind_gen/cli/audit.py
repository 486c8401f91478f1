"""`audit RUN`: how well did judges, rules and the whole chain tell right from wrong?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamind_gen.cli.output import fail

if TYPE_CHECKING:
    from datamind_gen.trust.audit import Audit
    from datamind_gen.trust.marks import Mark
    from datamind_gen.trust.published import PublishedRow


def audit_command(
    run: Annotated[Path, typer.Argument(help="A run directory, or a dataset's folder.")],
    json_: Annotated[
        bool, typer.Option("--json", help="One JSON object: what RUN/audit.json holds.")
    ] = False,
    mark: Annotated[
        int, typer.Option(min=0, metavar="N", help="Show N published rows for you to mark right or wrong.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Which rows --mark shows.")] = 0,
    allow_unsandboxed: Annotated[
        bool, typer.Option(help="Run where the kernel cannot confine code.")
    ] = False,
) -> None:
    """Measures precision and recall against planted faults and answers computed anew; writes RUN/audit.json.

    Rows of a real model have no planted faults: mark a sample of them yourself with --mark. Marks are kept in
    RUN/marks.json, and every later audit counts them.

    Examples:

      python -m datamind_gen audit runs/quickstart

      python -m datamind_gen audit runs/mine --mark 30
    """
    import asyncio
    import json

    from datamind_gen.rows import encode
    from datamind_gen.run.tables import open_console
    from datamind_gen.trust.audit import write_audit
    from datamind_gen.trust.marks import BadMarks, draw_unmarked, read_marks, write_marks
    from datamind_gen.trust.published import NotPublished, find_dataset, read_rows
    from datamind_gen.trust.tables import print_audit

    try:
        dataset = find_dataset(run)
        rows = list(read_rows(run))
        place = dataset.absolute().parent
        marks = read_marks(place)
        if mark:
            _mark_rows(draw_unmarked(rows, marks, count=mark, seed=seed), marks)
            write_marks(place, marks)
        audit = asyncio.run(
            _audit(run, rows, marks, as_json=json_, allow_unsandboxed=allow_unsandboxed),
        )
        path = write_audit(place, audit)
    except (NotPublished, BadMarks) as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write the audit: {error}")
    if json_:
        typer.echo(json.dumps(json.loads(encode(audit)), ensure_ascii=False))
        return
    console = open_console()
    print_audit(console, audit)
    console.print(
        f"written to {path}; `report` and `push` show it", markup=False, highlight=False, soft_wrap=True
    )


async def _audit(
    run: Path, rows: list[PublishedRow], marks: dict[str, Mark], *, as_json: bool, allow_unsandboxed: bool
) -> Audit:
    from rich.console import Console
    from rich.progress import Progress

    from datamind_gen.sandbox import Sandbox, SandboxSettings
    from datamind_gen.trust.audit import make_audit
    from datamind_gen.trust.cases import read_cases
    from datamind_gen.trust.marks import measure_marks
    from datamind_gen.trust.settings import read_rules
    from datamind_gen.trust.truth import find_truths

    cases = read_cases(run)
    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as progress:
        bar = progress.add_task("computing answers anew", total=len(cases))
        async with Sandbox(SandboxSettings(allow_unsandboxed=allow_unsandboxed)) as sandbox:
            truths = await find_truths(cases, sandbox, advance=lambda: progress.advance(bar))
    return make_audit(cases, truths, rules=read_rules(run), marks=measure_marks(rows, marks))


def _mark_rows(rows: list[PublishedRow], marks: dict[str, Mark]) -> None:
    """Shows rows one by one and adds what is said of each to `marks`; `q` ends it."""
    from rich.console import Console

    from datamind_gen.trust.marks import Mark

    console = Console(stderr=True)
    for number, row in enumerate(rows, start=1):
        console.rule(f"{number} of {len(rows)}  {row.id}  {row.category}")
        for message in row.messages[1:]:
            console.print(message.role, style="bold cyan" if message.role == "user" else "bold green")
            console.print(message.content, markup=False, highlight=False, soft_wrap=True)
        said = ""
        while said not in ("y", "n", "s", "q"):
            said = typer.prompt("Is the answer right, and rightly found? y, n, s(kip) or q(uit)", err=True)
            said = said.strip().lower()[:1]
        if said == "q":
            return
        if said != "s":
            marks[row.id] = Mark.RIGHT if said == "y" else Mark.WRONG
