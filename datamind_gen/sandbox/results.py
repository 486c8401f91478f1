"""What running one turn of untrusted code gives back: a closed status and typed, bounded output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OnError(StrEnum):
    """What a failing turn leaves behind."""

    ROLLBACK = "rollback"
    """The state before the turn: a failed turn never happened."""
    KEEP = "keep"
    """Notebook semantics: the statements before the failing one stay done."""


class TurnStatus(StrEnum):
    """How a turn ended. Only OK is success; warnings and text on stderr are not failures."""

    OK = "ok"
    ERROR = "error"
    """The code raised, or did not compile."""
    EXITED = "exited"
    """The code ended the process: sys.exit, os._exit."""
    TIMEOUT = "timeout"
    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    PROCESS_LIMIT = "process_limit"
    DISK_LIMIT = "disk_limit"
    OUTPUT_LIMIT = "output_limit"
    """The code flooded its output."""
    CRASHED = "crashed"
    """A signal ended the process: a segfault, an abort."""
    SANDBOX_FAILED = "sandbox_failed"
    """The sandbox, not the code, is to blame: retryable, never a wrong answer."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """Characters left out of what the result holds. Zero means whole."""

    stdout: int = 0
    echo: int = 0
    error: int = 0


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One turn's outcome. Times and memory are for the ledger; no row holds them."""

    status: TurnStatus
    stdout: str
    """Standard output and standard error in the order written."""
    echo: str | None
    """repr of the last expression, notebook style; not part of the paper's protocol."""
    error: str | None
    """Traceback with the user's frames only, or the limit that was hit and what to do about it."""
    wall_s: float
    cpu_s: float
    peak_mb: float
    truncated: Truncation = Truncation()
    figures: tuple[str, ...] = ()
    """Names of picture files that the turn wrote in its directory."""
    deterministic: bool = True
    """False when the turn is known to depend on time, process ids or the like."""

    @property
    def ok(self) -> bool:
        return self.status is TurnStatus.OK
