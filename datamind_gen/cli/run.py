"""`run PIPELINE`: files in, dataset out; and `status RUN`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail
from datamind_gen.cli.validate import load_or_exit


class Resume(StrEnum):
    IF_POSSIBLE = "if-possible"
    ALWAYS = "always"
    NEVER = "never"


def run_command(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline's YAML file, or the name of a shipped one.")],
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/NAME.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many queries.")] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on this Ray cluster (HOST:PORT, or auto).")
    ] = None,
    resume: Annotated[
        Resume, typer.Option(help="Whether to go on with a run that the directory holds.")
    ] = Resume.IF_POSSIBLE,
    allow_unsandboxed: Annotated[
        bool, typer.Option(help="Run where the kernel cannot confine code. Written into every row.")
    ] = False,
) -> None:
    """Makes a dataset from a pipeline; run again to go on after a stop.

    Examples:

      python -m datamind_gen run quickstart

      python -m datamind_gen run full --out runs/mine --set seed=7 --limit 20
    """
    from rich.console import Console

    from datamind_gen.run.display import make_display
    from datamind_gen.run.folder import RunFolder
    from datamind_gen.run.job import Job
    from datamind_gen.run.summary import print_summary
    from datamind_gen.run.supervisor import supervise
    from datamind_gen.run.tables import open_console

    overrides = (*(set_ or ()), *([f"run.ray={ray}"] if ray else []))
    loaded = load_or_exit(pipeline, overrides)
    folder = RunFolder((out or Path(loaded.spec.run.out or f"runs/{loaded.spec.name}")).absolute())
    check_folder(folder.root, holds_run=folder.holds_run, resume=resume)
    console = Console(stderr=True)
    job = Job(
        pipeline=str(loaded.origin),
        overrides=overrides,
        out=str(folder.root),
        limit=limit,
        allow_unsandboxed=allow_unsandboxed,
    )
    finished = supervise(
        job,
        display=make_display(loaded.spec.run.display, console),
        stall_seconds=loaded.spec.run.stall_seconds,
    )
    print_summary(open_console(), folder, finished)
    raise typer.Exit(finished.code)


def check_folder(root: Path, *, holds_run: bool, resume: Resume) -> None:
    """Refuses a run directory that is not what `--resume` expects, or that cannot be written."""
    if resume is Resume.NEVER and holds_run:
        fail(f"{root} holds a run; give another --out, or leave --resume at if-possible to go on with it")
    if resume is Resume.ALWAYS and not holds_run:
        fail(f"{root} holds no run to go on with; check --out, or leave --resume at if-possible")
    if not holds_run and (root / "dataset").exists():
        fail(f"{root}/dataset was made by something else; give another --out")
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        fail(f"cannot write to {root}: {error.strerror}; give another --out")


def status_command(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Says how far a run is, from another terminal or after its end.

    Example:

      python -m datamind_gen status runs/full --json
    """
    from datamind_gen.run.status import print_status, read_status

    if not (run / "ledger").is_dir():
        fail(f"{run} is not a run directory: it has no ledger; `run PIPELINE --out {run}` makes one")
    print_status(read_status(run), as_json=json_)
