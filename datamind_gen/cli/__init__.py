"""The command line: `python -m datamind_gen VERB`, one file a verb or family of verbs.

Verbs import what they need when they run, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from datamind_gen import __version__
from datamind_gen.cli.ask import ask_command
from datamind_gen.cli.audit import audit_command
from datamind_gen.cli.diff import diff_command
from datamind_gen.cli.doctor import doctor_command
from datamind_gen.cli.exec import exec_command
from datamind_gen.cli.export import export_command
from datamind_gen.cli.init import init_command
from datamind_gen.cli.plan import plan_command
from datamind_gen.cli.preview import preview_command
from datamind_gen.cli.profile import profile_command
from datamind_gen.cli.push import push_command
from datamind_gen.cli.report import report_command
from datamind_gen.cli.run import run_command, status_command
from datamind_gen.cli.schema import schema_command
from datamind_gen.cli.score import score_command
from datamind_gen.cli.stop import stop_command
from datamind_gen.cli.validate import validate_command
from datamind_gen.cli.verify import verify_command

app = typer.Typer(
    name="datamind_gen",
    help="Makes training trajectories for data-analytic agents from real data files.",
    epilog="Start with: python -m datamind_gen run quickstart",
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)

FAMILIES: dict[str, dict[str, Callable[..., None]]] = {
    "Make a dataset": {
        "init": init_command,
        "validate": validate_command,
        "plan": plan_command,
        "preview": preview_command,
        "run": run_command,
        "status": status_command,
        "stop": stop_command,
    },
    "Look at data, ask and run code": {
        "profile": profile_command,
        "ask": ask_command,
        "exec": exec_command,
    },
    "Look at a run": {
        "report": report_command,
        "verify": verify_command,
        "audit": audit_command,
        "score": score_command,
        "diff": diff_command,
    },
    "Give it away": {
        "push": push_command,
        "export": export_command,
    },
    "This machine, this editor": {
        "doctor": doctor_command,
        "schema": schema_command,
    },
}
"""Verbs as `--help` groups them."""

for family, verbs in FAMILIES.items():
    for name, verb in verbs.items():
        app.command(name, rich_help_panel=family)(verb)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version, and end.")] = False,
) -> None:
    if version:
        typer.echo(f"datamind-gen {__version__}")
        raise typer.Exit


def main() -> int:
    """Runs the command line. Returns the exit code."""
    started_as = Path(sys.argv[0]).name
    app(prog_name="python -m datamind_gen" if started_as == "__main__.py" else started_as)
    return 0


if __name__ == "__main__":
    sys.exit(main())
