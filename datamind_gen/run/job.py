"""What the supervisor asks the engine's process to run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    pipeline: str
    overrides: tuple[str, ...]
    out: str
    socket: str = ""
    """Where the engine listens for the graph's steps."""
    parent: int = 0
    """The supervisor's process id: the engine dies with it."""
    limit: int | None = None
    """At most so many queries."""
    allow_unsandboxed: bool = False
    preview: int | None = None
    """Runs so many queries, drawn from the first wave's plan; publishes nothing, writes RUN/preview.json."""
    recorded_only: bool = False
    """Generates nothing: author and expert say only what the ledger holds, and waves ask what they asked."""
