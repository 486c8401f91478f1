"""The command line: `python -m datamind_gen VERB`, one file a verb or family of verbs.

Verbs import what they need when they run, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from datamind_gen.cli.audit import audit_command
from datamind_gen.cli.diff import diff_command
from datamind_gen.cli.doctor import doctor_command
from datamind_gen.cli.exec import exec_command
from datamind_gen.cli.export import export_command
from datamind_gen.cli.profile import profile_command
from datamind_gen.cli.push import push_command
from datamind_gen.cli.report import report_command
from datamind_gen.cli.run import run_command, status_command
from datamind_gen.cli.schema import schema_command
from datamind_gen.cli.score import score_command
from datamind_gen.cli.validate import validate_command
from datamind_gen.cli.verify import verify_command

app = typer.Typer(
    name="datamind_gen",
    help="Makes training trajectories for data-analytic agents from real data files.",
    epilog="Start with: python -m datamind_gen run pipelines/quickstart.yaml",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

VERBS: dict[str, Callable[..., None]] = {
    "run": run_command,
    "status": status_command,
    "validate": validate_command,
    "schema": schema_command,
    "profile": profile_command,
    "exec": exec_command,
    "doctor": doctor_command,
    "verify": verify_command,
    "audit": audit_command,
    "score": score_command,
    "diff": diff_command,
    "push": push_command,
    "export": export_command,
    "report": report_command,
}

for name, verb in VERBS.items():
    app.command(name)(verb)


def main() -> int:
    """Runs the command line. Returns the exit code."""
    app(prog_name="datamind_gen", standalone_mode=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
