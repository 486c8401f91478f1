"""A session as the zygote sees it: its processes, its descriptors, the turn that runs, what it uses."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from datamind_gen.sandbox.inside import exchange
from datamind_gen.sandbox.inside.birth import MEGABYTE, Birth
from datamind_gen.sandbox.inside.cut import cut_middle
from datamind_gen.sandbox.inside.normalise import normalise

_DIRECTORY_ENTRIES = 10_000
_TOO_MUCH = 1 << 62


class State(StrEnum):
    OPENING = "opening"
    IDLE = "idle"
    RUNNING = "running"
    FALLING_BACK = "falling_back"
    """The session is dead or dying; its checkpoint is to take over."""


class Cause(StrEnum):
    """Why the zygote ended a turn."""

    WALL = "wall"
    CPU = "cpu"
    MEMORY = "memory"
    THREADS = "threads"
    DIRECTORY = "directory"
    OUTPUT = "output"


@dataclass(slots=True)
class Turn:
    """A turn under way."""

    nonce: bytes
    checkpoint: bool
    """Whether the session may make a checkpoint of itself."""
    limits: dict[str, float]
    started: float
    cpu_before: float
    cpu_s: float = 0.0
    ended_at: float = 0.0
    ending: str = ""
    """kept, failed, exited or signaled, once it is known."""
    code: int = 0
    """The exit code or the signal."""
    cause: Cause | None = None
    interrupted: bool = False
    forks_denied: int = 0
    forks_granted: int = 0
    checkpointed: bool = False
    peak: int = 0
    next_survey: float = 0.0
    reply: bytes = b""
    progress: int = 0


@dataclass(slots=True)
class Ward:
    """One session. `pid` is its process; `copy` its checkpoint's, while a turn runs."""

    id: int
    order: dict[str, Any]
    birth: Birth
    pid: int
    state: State = State.OPENING
    copy: int = 0
    listener: int | None = None
    turn: Turn | None = None
    deadline: float = 0.0
    """When a takeover or an opening is overdue."""
    held_at_birth: int = 0
    weigh_since: float = 0.0
    """Since when what it holds is to be measured again; 0 if it is not."""
    successor_ready: bool = False
    """Whether the checkpoint has taken over and only the zygote's own books are behind."""

    @property
    def group(self) -> int:
        return self.birth.pid

    @property
    def work(self) -> Path:
        return Path(self.order["work"])

    def kill(self) -> None:
        """Ends every process of the session. None can leave the group, and none can fork unasked."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Signals the session's process alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end_strays(self) -> None:
        """Ends processes that the turn's code was allowed to start, and nothing else of the group."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) not in (self.pid, self.copy):
                with contextlib.suppress(OSError):
                    if os.getpgid(int(entry.name)) == self.group:
                        os.kill(int(entry.name), signal.SIGKILL)

    def end_copy(self) -> None:
        """Ends the checkpoint, which the session itself reaps."""
        if self.copy:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.copy, signal.SIGKILL)
            self.copy = 0

    def begin(self, header: dict[str, Any], request: dict[str, Any]) -> None:
        """Hands the session a turn."""
        os.ftruncate(self.birth.stdout_fd, 0)
        self._drain_notes()
        exchange.write_request(self.birth.exchange_fd, request)
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # restarts the peak's count
        now = time.monotonic()
        self.turn = Turn(
            nonce=header["nonce"].encode(),
            checkpoint=bool(request["checkpoint"]),
            limits=header["limits"],
            started=now,
            cpu_before=self.cpu_seconds(),
            next_survey=now + 0.25,
        )
        self.state = State.RUNNING
        self.signal(signal.SIGCONT)
        self.birth.channel.send(exchange.RUN + self.turn.nonce)

    def _drain_notes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.birth.channel.recv(64):
                pass

    def cpu_seconds(self) -> float:
        """Processor time of the session's process, all its threads."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return 0.0

    def measure(self) -> tuple[int, int]:
        """Bytes that the session's process holds, mapped files apart, and its threads."""
        held = threads = 0
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_bytes().splitlines():
                if line.startswith((b"RssAnon:", b"RssShmem:")):
                    held += int(line.split()[1]) * 1024
                elif line.startswith(b"Threads:"):
                    threads = int(line.split()[1])
        return held, threads

    def peak_bytes(self) -> int:
        """The most that was resident at once since the turn began."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_bytes().splitlines():
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def private_bytes(self) -> int:
        """Bytes that are this session's alone: what putting it to sleep gives back."""
        total = 0
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/smaps_rollup").read_bytes().splitlines():
                if line.startswith((b"Private_Clean:", b"Private_Dirty:")):
                    total += int(line.split()[1]) * 1024
        return total

    def disk_bytes(self) -> int:
        """Bytes in the directory and in files deleted but still open. Very many entries count as too much."""
        total = entries = 0
        pending = [self.order["work"]]
        while pending:
            try:
                with os.scandir(pending.pop()) as found:
                    for entry in found:
                        entries += 1
                        if entries > _DIRECTORY_ENTRIES:
                            return _TOO_MUCH
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:  # buried deeper than can be looked at
                    return _TOO_MUCH
        return total + self._deleted_bytes()

    def _deleted_bytes(self) -> int:
        total = 0
        with contextlib.suppress(OSError), os.scandir(f"/proc/{self.pid}/fd") as found:
            for entry in found:
                with contextlib.suppress(OSError):
                    status = os.stat(entry.path)
                    if status.st_nlink == 0 and int(entry.name) > exchange.EXCHANGE_FD:
                        total += status.st_blocks * 512
        return total

    def read_output(self) -> tuple[str, int]:
        """What the turn wrote, bounded, without this machine's places in it; and how much was cut."""
        size = os.fstat(self.birth.stdout_fd).st_size
        raw = os.pread(self.birth.stdout_fd, min(size, 4 * self.order["stream_mb"] * MEGABYTE), 0)
        text = normalise(raw.decode("utf-8", "replace"), self.order["places"])
        return cut_middle(text, self.order["output_chars"])

    def close(self) -> None:
        """Closes the zygote's descriptors of it."""
        self.birth.channel.close()
        os.close(self.birth.stdout_fd)
        os.close(self.birth.exchange_fd)
        if self.listener is not None:
            os.close(self.listener)
            self.listener = None
