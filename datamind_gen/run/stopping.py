"""Why a run stops before its end, and the exit code that says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """The exit codes of every verb."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    STOPPED = 3
    """Stopped and resumable."""


NO_CLUSTER = 69
"""How the graph's process ends where it finds no Ray cluster (EX_UNAVAILABLE)."""


class StopKind(StrEnum):
    INTERRUPT = "interrupt"
    BUDGET = "budget"
    PROVIDER = "provider"
    """No request can succeed any more: a revoked key, a missing model, too many failures."""
    ERROR_RATE = "error_rate"
    DISK = "disk"
    BUG = "bug"
    """Something of ours raised: the log has it."""


@dataclass(frozen=True, slots=True)
class StopCause:
    kind: StopKind
    message: str


class Draining(Exception):
    """The run is stopping: this row is left where it is, unsettled, for the next start."""
