"""How verbs speak: one way to fail, with the exit code that scripts rely on."""

from __future__ import annotations

from typing import NoReturn

import typer


def fail(message: str, code: int = 2) -> NoReturn:
    """Says what is wrong on standard error and ends the verb. 2 is bad input."""
    typer.secho(f"error: {message}", fg=typer.colors.RED, err=True)
    raise typer.Exit(code)
