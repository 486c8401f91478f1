"""A table as a plan loads it: the plan with its code, the values, and what reading learned on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from datamind_gen.files.columns import Hint
from datamind_gen.rows import Column, Issue, ReadPlan

FOLDER = "data/files"
"""Where the sandbox shows files to code, relative to its working directory."""


def shown_path(part: str) -> str:
    """The path that generated code uses for a file."""
    return f"{FOLDER}/{part}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """One table, read."""

    name: str
    plan: ReadPlan
    frame: pl.DataFrame
    """The values, as the plan's code binds them in `df`."""
    rows: int = -1
    """All rows; more than the frame's when the table was too large to hold."""
    hints: dict[str, Hint] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    confidence: float = 1.0
    primary_key: tuple[str, ...] = ()
    """As declared; empty when only the values can tell."""

    columns: tuple[Column, ...] | None = None
    """Described already, when the table was streamed and `frame` is a sample."""
    width: int = -1
    """All columns; more than the frame's when only some were described."""

    def __post_init__(self) -> None:
        if self.rows < 0:
            object.__setattr__(self, "rows", self.frame.height)
        if self.width < 0:
            object.__setattr__(self, "width", self.frame.width)
