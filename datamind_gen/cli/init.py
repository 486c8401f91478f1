"""`init DIR`: a pipeline and a taxonomy to edit, that run as they are."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from datamind_gen.cli.output import fail, require_files

_ASKED = 60
"""Questions that the starter's target of 30 trajectories may need: filters drop some."""
_FEWEST_A_FILE = 12


def init_command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", "-d", help="A data file to ask about; repeatable.")
    ] = None,
    taxonomy: Annotated[str, typer.Option(help="The bundled taxonomy to start from.")] = "data_analysis",
) -> None:
    """Writes a pipeline and a copy of a taxonomy to edit. They run as they are, with no key and no network.

    Example:

      python -m datamind_gen init mine --data sales.csv
    """
    import shutil

    from datamind_gen.spec.resources import bundled_taxonomies

    known = bundled_taxonomies()
    if taxonomy not in known:
        fail(f"no bundled taxonomy is called {taxonomy!r}; there are {', '.join(known)}")
    if folder.is_dir() and any(folder.iterdir()):
        fail(f"{folder} is not empty; give another folder")
    require_files(data or [])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(known[taxonomy], folder / "taxonomy", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "pipeline.yaml").write_text(_write_pipeline(folder, data or []), encoding="utf-8")
    except OSError as error:
        fail(f"cannot write to {folder}: {error.strerror}")
    typer.echo(f"{folder}/pipeline.yaml   what to ask about, how much, and who answers")
    typer.echo(f"{folder}/taxonomy/       what to ask, one file a category")
    typer.echo(f"next: python -m datamind_gen run {folder}/pipeline.yaml")


def _write_pipeline(folder: Path, data: list[Path]) -> str:
    from jinja2 import Environment, StrictUndefined

    template = (Path(__file__).parent / "starter.yaml.jinja").read_text("utf-8")
    words = re.sub(r"\W+", " ", folder.resolve().name).strip() or "mine"
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    return environment.from_string(template).render(
        place=str(folder),
        name=words.lower().replace(" ", "-"),
        title=words.capitalize(),
        files=[os.path.relpath(path.resolve(), folder.resolve()) for path in data],
        per_file=max(_FEWEST_A_FILE, -(-_ASKED // max(1, len(data)))),
    )
