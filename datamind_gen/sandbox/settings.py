"""What a sandbox may use, and how it behaves. Every limit is per session or per turn, as it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datamind_gen.sandbox.results import OnError


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Limits and habits of a sandbox. Raises ValueError for a limit that cannot hold."""

    concurrency: int | None = None
    """Turns that run at once. None: one more than there are cores, so that none idles between two turns."""
    on_error: OnError = OnError.ROLLBACK
    """What a failed turn leaves behind, unless a session is opened otherwise."""
    wall_s: float = 30.0
    """Seconds that a turn may take."""
    cpu_s: float = 30.0
    """Seconds of processor time that a turn may take, all its threads together."""
    memory_mb: int = 2048
    """Memory that a session's code may add to what the imported libraries take."""
    processes: int = 0
    """Processes that a turn may start. Threads are bounded by `threads`."""
    threads: int = 128
    """Threads that a session may hold."""
    file_mb: int = 256
    """Size of any one file."""
    directory_mb: int = 512
    """Size of everything in a session's directory."""
    output_chars: int = 65_536
    """Characters kept of a turn's output, and of its echo and its error; the middle is cut."""
    stream_mb: int = 16
    """Output after which a turn is stopped as flooding."""
    sql_timeout_s: float = 20.0
    """Seconds that one execute_sql may take; the turn's own limits hold as well."""
    sql_rows: int = 100_000
    """Rows that one execute_sql may return."""
    awake_memory_mb: int | None = None
    """Memory for all sessions kept awake; the longest idle go to sleep. None: half of this machine's."""
    allow_unsandboxed: bool = False
    """Run where the kernel cannot confine. Every result then says isolation `none`."""
    scratch: Path | None = None
    """Where sessions' directories lie. None: a temporary directory, removed at the end."""

    def __post_init__(self) -> None:
        for name in (
            "wall_s",
            "cpu_s",
            "memory_mb",
            "threads",
            "file_mb",
            "directory_mb",
            "output_chars",
            "stream_mb",
            "sql_timeout_s",
            "sql_rows",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"sandbox: {name} is {getattr(self, name)}; it must be more than 0")
        if self.processes < 0:
            raise ValueError(f"sandbox: processes is {self.processes}; it must be 0 or more")
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError(f"sandbox: concurrency is {self.concurrency}; it must be 1 or more")
        if self.memory_mb < 64:
            raise ValueError(f"sandbox: memory_mb is {self.memory_mb}; pandas needs 64 or more")
