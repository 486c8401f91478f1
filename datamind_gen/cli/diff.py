"""`diff RUN RUN`: what is different between two runs?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail


def diff_command(
    before: Annotated[Path, typer.Argument(help="A run directory, or a dataset's folder.")],
    after: Annotated[Path, typer.Argument(help="The other one.")],
    json_: Annotated[bool, typer.Option("--json", help="One JSON object, with every id.")] = False,
) -> None:
    """Compares settings, funnels, lengths, rows and costs of two runs.

    Exit code 0 whether they differ or not.

    Example: python -m datamind_gen diff runs/quickstart runs/mine
    """
    from datamind_gen.publish.finished import PublishError
    from datamind_gen.rows import encode
    from datamind_gen.run.tables import open_console
    from datamind_gen.trust.diff import compare_runs
    from datamind_gen.trust.diff_tables import print_diff
    from datamind_gen.trust.published import NotPublished

    try:
        found = compare_runs(before, after)
    except (NotPublished, PublishError) as error:
        fail(str(error))
    if json_:
        typer.echo(encode(found))
    else:
        print_diff(open_console(), found)
