"""`export RUN --format F --out FILE`: published rows in the form that another trainer loads."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail


class Format(StrEnum):
    """As publish.exports.ExportFormat, which is not imported before the verb runs."""

    TRL = "trl"
    LLAMAFACTORY = "llamafactory"
    SHAREGPT = "sharegpt"
    VERL = "verl"
    OPENAI = "openai"
    JSONL = "jsonl"


def export_command(
    run: Annotated[Path, typer.Argument(help="A run directory, or its dataset folder.")],
    format: Annotated[Format, typer.Option("--format", "-f", help="For whom.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
) -> None:
    """Writes a run's rows for another trainer.

    trl, openai, jsonl: .jsonl; llamafactory (with dataset_info.json beside it), sharegpt: .json;
    verl: .parquet of the RL tasks.

    Examples:

      python -m datamind_gen export runs/quickstart --format trl --out sft.jsonl

      python -m datamind_gen export runs/quickstart --format verl --out train.parquet
    """
    from datamind_gen.publish.exports import ExportFormat, export
    from datamind_gen.publish.finished import PublishError
    from datamind_gen.publish.folder import PublishedRun

    try:
        done = export(PublishedRun.open(run), ExportFormat(format.value), out)
    except PublishError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror}; give another --out")
    typer.echo(f"{done.rows} rows are in {done.path}")
    typer.echo(done.hint)
