"""`verify RUN [ROW]`: does every published row still give what it says?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail


def verify_command(
    run: Annotated[Path, typer.Argument(help="A run directory, or a dataset's folder.")],
    row: Annotated[str | None, typer.Argument(help="Only the row of this id.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
    allow_unsandboxed: Annotated[
        bool, typer.Option(help="Run where the kernel cannot confine code.")
    ] = False,
) -> None:
    """Runs published rows again in a fresh sandbox and compares every observation.

    Exit code 1 if any row differs or could not be run.

    Example: python -m datamind_gen verify runs/quickstart
    """
    import asyncio

    from datamind_gen.trust.published import NotPublished, read_rows

    try:
        rows = [found for found in read_rows(run) if row in (None, found.id)]
    except NotPublished as error:
        fail(str(error))
    if row is not None and not rows:
        fail(f"{run} has no row {row}; ids are in the `id` column of sft")
    raise typer.Exit(asyncio.run(_verify(rows, as_json=json_, allow_unsandboxed=allow_unsandboxed)))


async def _verify(rows, *, as_json: bool, allow_unsandboxed: bool) -> int:  # type: ignore[no-untyped-def]
    from rich.console import Console
    from rich.progress import Progress

    from datamind_gen.rows import encode
    from datamind_gen.sandbox import Sandbox, SandboxSettings
    from datamind_gen.trust.verify import Verification, verify_rows

    console = Console()
    bad = turns = 0
    settings = SandboxSettings(allow_unsandboxed=allow_unsandboxed)
    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as progress:
        bar = progress.add_task("verifying", total=len(rows))
        async with Sandbox(settings) as sandbox:
            async for verified in verify_rows(rows, sandbox):
                progress.advance(bar)
                turns += verified.turns
                bad += verified.verification is not Verification.SAME
                if as_json:
                    print(encode(verified))
                elif verified.verification is not Verification.SAME:
                    console.print(f"{verified.id}: {verified.verification}: {verified.detail}", markup=False)
    if not as_json:
        said = f"{len(rows) - bad} of {len(rows)} rows the same, {turns:,} turns run"
        console.print(said, style="red" if bad else "green")
    return 1 if bad else 0
