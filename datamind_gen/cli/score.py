"""`score RUN`: what would other judges and filters have kept?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail


def score_command(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    out: Annotated[Path, typer.Option(help="Where the scored run goes; the first one is left as it is.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change judge, reflect, rules …; repeatable."),
    ] = None,
    pipeline: Annotated[Path | None, typer.Option(help="The pipeline's file, where it has moved.")] = None,
    allow_unsandboxed: Annotated[
        bool, typer.Option(help="Run where the kernel cannot confine code.")
    ] = False,
) -> None:
    """Judges and filters a run's trajectories under other settings, generating nothing.

    Author and expert say only what was recorded; rows that need more fail, and the funnel says so.

    Example:

      python -m datamind_gen score runs/quickstart --out runs/majority --set judge.require=majority
    """
    from rich.console import Console

    from datamind_gen.cli.validate import load_or_exit
    from datamind_gen.run.display import make_display
    from datamind_gen.run.folder import RunFolder
    from datamind_gen.run.stopping import ExitCode
    from datamind_gen.run.summary import print_summary
    from datamind_gen.run.supervisor import supervise
    from datamind_gen.run.tables import open_console
    from datamind_gen.trust.diff import compare_runs
    from datamind_gen.trust.diff_tables import print_diff
    from datamind_gen.trust.published import NotPublished
    from datamind_gen.trust.score import CannotScore, prepare_score

    try:
        job = prepare_score(run, out, overrides=tuple(set_ or ()), pipeline=pipeline)
    except CannotScore as error:
        fail(str(error))
    loaded = load_or_exit(Path(job.pipeline), job.overrides)
    finished = supervise(
        replace(job, allow_unsandboxed=allow_unsandboxed),
        display=make_display(loaded.spec.run.display, Console(stderr=True)),
        stall_seconds=loaded.spec.run.stall_seconds,
    )
    console = open_console()
    print_summary(console, RunFolder(Path(job.out)), finished)
    if finished.code is not ExitCode.BAD_INPUT:
        console.print()
        try:
            print_diff(console, compare_runs(run, out))
        except NotPublished as error:
            console.print(f"nothing to compare with: {error}", markup=False, soft_wrap=True)
    raise typer.Exit(finished.code)
