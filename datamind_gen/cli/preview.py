"""`preview PIPELINE`: a few rows made for real and shown, before a run is started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamind_gen.cli.validate import load_or_exit

if TYPE_CHECKING:
    from datamind_gen.run.preview import Preview
    from datamind_gen.spec.loader import LoadedPipeline


def preview_command(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline's YAML file, or the name of a bundled one.")],
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="How many queries to run.")] = 3,
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/NAME.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value; repeatable.")
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="One JSON object: what RUN/preview.json holds.")
    ] = False,
    allow_unsandboxed: Annotated[
        bool, typer.Option(help="Run where the kernel cannot confine code.")
    ] = False,
) -> None:
    """Runs a few queries of the plan and shows each with all its samples: question, turns, code, observations
    and verdict. In a terminal n and p go from row to row, and h tells the other keys.

    Replies are recorded in the run directory, so that the run itself asks none of them again; nothing is
    published.

    Examples:

      python -m datamind_gen preview quickstart

      python -m datamind_gen preview my.yaml -n 5 --set sample.samples=1 | less
    """
    overrides = tuple(set_ or ())
    loaded = load_or_exit(pipeline, overrides)
    preview = run_preview(loaded, overrides, queries=rows, out=out, allow_unsandboxed=allow_unsandboxed)
    if json_:
        from datamind_gen.rows import encode

        print(encode(preview))
        return
    from datamind_gen.cli.browser import browse, print_cases
    from datamind_gen.run.tables import open_console

    if sys.stdin.isatty() and sys.stdout.isatty():
        browse(preview.cases)
    else:
        print_cases(open_console(), preview.cases)


def run_preview(
    loaded: LoadedPipeline,
    overrides: tuple[str, ...],
    *,
    queries: int,
    out: Path | None,
    limit: int | None = None,
    allow_unsandboxed: bool = False,
) -> Preview:
    """Runs so many queries of the pipeline in its run directory. Ends the verb where that fails."""
    from rich.console import Console

    from datamind_gen.cli.run import Resume, check_folder
    from datamind_gen.run.display import make_display
    from datamind_gen.run.folder import RunFolder
    from datamind_gen.run.job import Job
    from datamind_gen.run.preview import read_preview
    from datamind_gen.run.stopping import ExitCode
    from datamind_gen.run.supervisor import supervise

    folder = RunFolder((out or Path(loaded.spec.run.out or f"runs/{loaded.spec.name}")).absolute())
    check_folder(folder.root, holds_run=folder.holds_run, resume=Resume.IF_POSSIBLE)
    console = Console(stderr=True)
    job = Job(
        pipeline=str(loaded.origin),
        # A few rows need no graph, and a second look at what failed would be another run.
        overrides=(*overrides, "run.graph=local", "run.salvage_rounds=0"),
        out=str(folder.root),
        limit=limit,
        allow_unsandboxed=allow_unsandboxed,
        preview=queries,
    )
    finished = supervise(
        job,
        display=make_display(loaded.spec.run.display, console),
        stall_seconds=loaded.spec.run.stall_seconds,
    )
    if finished.code is not ExitCode.DONE:
        console.print(f"[red]{finished.message}[/red]", soft_wrap=True)
        if finished.fix:
            console.print(finished.fix, soft_wrap=True)
        raise typer.Exit(finished.code)
    return read_preview(folder)
