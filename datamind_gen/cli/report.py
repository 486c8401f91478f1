"""`report RUN`: one offline page with the run's figures and all its trajectories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail


def report_command(
    run: Annotated[Path, typer.Argument(help="A run directory, or its dataset folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Default: RUN/report.html.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Writes RUN/report.html: funnel, coverage, cost and a reader of trajectories, in one offline file.

    Example:

      python -m datamind_gen report runs/quickstart
    """
    from datamind_gen.publish.finished import PublishError
    from datamind_gen.publish.folder import PublishedRun
    from datamind_gen.publish.report import NAME, write_report

    try:
        published = PublishedRun.open(run)
        report = write_report(published, out or published.run / NAME)
    except PublishError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write the report: {error}; give another --out")
    if json_:
        facts = {
            "path": str(report.path),
            "bytes": report.size,
            "cases": report.cases,
            "listed": report.listed,
            "readable": report.readable,
        }
        print(json.dumps(facts))
        return
    typer.echo(f"{report.path} ({report.size / 1e6:.1f} MB)")
    if report.readable < report.cases:
        typer.echo(
            f"It lists {report.listed:,} of {report.cases:,} queries, {report.readable:,} of them in full."
        )
