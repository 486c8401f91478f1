"""`stop RUN`: drains a live run from another terminal, or another machine that sees the same folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail

WAIT_SECONDS = 0.3


def stop_command(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    wait: Annotated[bool, typer.Option(help="Wait until the run has ended.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Has a live run stop as Ctrl-C does: what is in flight comes in, what passed is published, and running
    again goes on. Exit code 0 also where nothing runs.

    Example:

      python -m datamind_gen stop runs/quickstart
    """
    import json
    import time

    from rich.console import Console

    from datamind_gen.run.folder import RunFolder
    from datamind_gen.run.status import is_running, read_status

    folder = RunFolder(run)
    if not folder.ledger.is_dir():
        fail(f"{run} is not a run directory: it has no ledger")
    was_running = is_running(folder)
    if was_running:
        try:
            folder.stop.touch()
        except OSError as error:
            fail(f"cannot write {folder.stop}: {error.strerror}; press Ctrl-C where the run was started")
        with Console(stderr=True).status("what is in flight comes in …"):
            while wait and is_running(folder):
                time.sleep(WAIT_SECONDS)
    status = read_status(run)
    if json_:
        print(json.dumps({"run": str(run), "was_running": was_running, "state": status.state}))
    elif not was_running:
        typer.echo(f"nothing runs in {run}: it is {status.state}")
    elif wait:
        typer.echo(f"{run} is {status.state}: {status.message}")
    else:
        typer.echo(f"{run} was asked to stop")
