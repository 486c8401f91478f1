"""How verbs speak: one way to fail, with the exit code that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import typer


def describe_missing(path: Path) -> str:
    """That a file is not there, and the one beside it that was probably meant."""
    from datamind_gen.spec.problems import find_nearest

    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    near = find_nearest(path.name, (entry.name for entry in beside))
    return "no such file" + (f"; did you mean {path.with_name(near)}?" if near else "")


def require_files(paths: Iterable[Path]) -> None:
    """Ends the verb where one of the files is not there."""
    if missing := [f"{path}: {describe_missing(path)}" for path in paths if not path.is_file()]:
        fail("\nerror: ".join(missing))


def fail(message: str, code: int = 2) -> NoReturn:
    """Says what is wrong on standard error and ends the verb. 2 is bad input."""
    typer.secho(f"error: {message}", fg=typer.colors.RED, err=True)
    raise typer.Exit(code)
