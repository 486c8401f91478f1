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


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process uses, as the kernel counts it."""

    held: int = 0
    """Bytes resident, mapped files apart."""
    peak: int = 0
    """The most that was resident at once since the turn began, in bytes."""
    threads: int = 0


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
    usage: Usage = Usage()
    """As the session's process ended the turn."""
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
    weighed: int = 0
    """Bytes that were its own alone when they were last counted."""
    held_when_weighed: int = 0
    weigh_since: float = 0.0
    """Since when they are to be counted again; 0 if they are not."""
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

    def adopt_copy(self, pid: int) -> None:
        """Notes the checkpoint, if the session may have one and this is a process of its own."""
        if self.turn is None or self.copy or pid == self.pid:
            return
        unasked = self.listener is None and self.turn.checkpoint  # not confined: nobody asks before forking
        if self.turn.checkpointed or unasked:
            with contextlib.suppress(OSError, OverflowError):
                if os.getpgid(pid) == self.group:
                    self.copy = pid

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

    def measure(self) -> Usage:
        """What the session's process uses now; nothing if it is gone."""
        figures = self._figures("status")
        held = figures.get(b"RssAnon", 0) + figures.get(b"RssShmem", 0)
        return Usage(held * 1024, figures.get(b"VmHWM", 0) * 1024, figures.get(b"Threads", 0))

    def weigh(self) -> int:
        """Counts the bytes that are this session's alone: what putting it to sleep gives back."""
        figures = self._figures("smaps_rollup")
        self.weigh_since = 0.0
        self.held_when_weighed = self.measure().held
        self.weighed = (figures.get(b"Private_Clean", 0) + figures.get(b"Private_Dirty", 0)) * 1024
        return self.weighed

    def estimate(self, held: int) -> int:
        """About what `weigh` would count, from how much the process grew since."""
        return max(0, self.weighed + held - self.held_when_weighed)

    def _figures(self, file: str) -> dict[bytes, int]:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{self.pid}/{file}").read_bytes().splitlines()
            words = [line.split(maxsplit=2) for line in lines]
            return {
                word[0].rstrip(b":"): int(word[1]) for word in words if len(word) > 1 and word[1].isdigit()
            }
        return {}

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
                    if status.st_nlink == 0 and int(entry.name) > exchange.CHECKPOINT_FD:
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
