"""`schema`: the JSON Schema of a pipeline, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail


def schema_command(
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Prints the JSON Schema of a pipeline, which gives editors completion and checks.

    Example:

      python -m datamind_gen schema --out pipeline.schema.json

    and as the first line of a pipeline: # yaml-language-server: $schema=pipeline.schema.json
    """
    import json

    from datamind_gen.spec.schema import pipeline_schema

    text = json.dumps(pipeline_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror}")
