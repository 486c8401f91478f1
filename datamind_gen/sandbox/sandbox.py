"""The sandbox: admits turns by core count, keeps sessions awake within a memory budget, outlives faults."""

from __future__ import annotations

import asyncio
import os
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.sandbox.inside.removal import remove_tree
from datamind_gen.sandbox.isolation import Isolation, SandboxUnavailable, fix_for, read_facts
from datamind_gen.sandbox.results import OnError
from datamind_gen.sandbox.session import Session
from datamind_gen.sandbox.settings import SandboxSettings
from datamind_gen.sandbox.workspace import Workspace, check_files
from datamind_gen.sandbox.zygote import Zygote, ZygoteDied

_START_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Stats:
    """What a sandbox holds and has done."""

    awake: int
    asleep: int
    turns: int
    """Turns run, replays not counted."""
    wakes: int
    """Sessions woken by replay."""
    restarts: int
    """Zygotes started after one died."""
    held_mb: float
    """Memory that only the awake sessions hold, as last measured."""
    turn_seconds: float
    """How long turns ran, all together; waiting to be admitted is not counted."""


class Sandbox:
    """Runs untrusted code in sessions; `async with` starts and ends its processes."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.isolation = Isolation.NONE
        self.places: list[tuple[str, str]] = []
        self._sessions: dict[int, Session] = {}
        self._opened = 0
        self._turns = self._wakes = self._restarts = 0
        self._turn_seconds = 0.0
        self._zygotes: dict[bool, Zygote] = {}

    async def __aenter__(self) -> Sandbox:
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable(fix_for(0, ()))
        concurrency = self.settings.concurrency or len(os.sched_getaffinity(0)) + 1
        self.admission = asyncio.Semaphore(concurrency)
        self._starting = asyncio.Lock()
        self._scratch = _make_scratch(self.settings.scratch)
        self.places = _library_places()
        self._budget = self.settings.awake_memory_mb or _machine_memory_mb() // 2
        try:
            probe = read_facts((await self.zygote(lean=False)).facts)
            self.isolation = probe.isolation
            if probe.fix is not None and not self.settings.allow_unsandboxed:
                raise SandboxUnavailable(probe.fix)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        for session in list(self._sessions.values()):
            session.doze()
        for zygote in self._zygotes.values():
            await zygote.stop()
        self._zygotes.clear()
        await asyncio.to_thread(remove_tree, self._scratch)

    @property
    def confines(self) -> bool:
        """Whether sessions are put under confinement."""
        return self.isolation is not Isolation.NONE

    async def open(
        self,
        files: Mapping[str, Path],
        *,
        seed: str,
        on_error: OnError | None = None,
        sql_only: bool = False,
        db_info: str | None = None,
    ) -> Session:
        """A session that sees each of `files` as data/files/NAME. Its process starts with its first turn.

        `seed` is what its random numbers depend on: the trajectory's id. `sql_only` takes the lean path.
        `db_info` is what get_db_info() shows; by default the schema is read from the database.
        Raises FileNotFoundError or ValueError naming the bad file.
        """
        self._opened += 1
        number = self._opened
        workspace = Workspace(self._scratch / f"s{number}", check_files(files))
        await asyncio.to_thread(workspace.lay_out)
        session = Session(
            self,
            number,
            workspace=workspace,
            seed=seed,
            on_error=on_error or self.settings.on_error,
            sql_only=sql_only,
            db_info=db_info,
        )
        self._sessions[number] = session
        return session

    def stats(self) -> Stats:
        """What it holds and has done so far."""
        awake = sum(session.awake for session in self._sessions.values())
        held = sum(session.held_bytes for session in self._sessions.values())
        return Stats(
            awake=awake,
            asleep=len(self._sessions) - awake,
            turns=self._turns,
            wakes=self._wakes,
            restarts=self._restarts,
            held_mb=held / 1024 / 1024,
            turn_seconds=self._turn_seconds,
        )

    # --- for its sessions -----------------------------------------------------------------------

    async def zygote(self, *, lean: bool) -> Zygote:
        """A living zygote of the kind; one is started where there is none. Raises ZygoteDied."""
        async with self._starting:
            for attempt in range(_START_ATTEMPTS):
                known = self._zygotes.get(lean)
                if known is not None and known.alive:
                    return known
                self._restarts += known is not None
                fresh = Zygote(lean=lean, scratch=self._scratch, on_held=self._on_held)
                try:
                    await fresh.start()
                except ZygoteDied:
                    if attempt == _START_ATTEMPTS - 1:
                        raise
                    continue
                self._zygotes[lean] = fresh
            return self._zygotes[lean]

    def _on_held(self, number: int, size: int) -> None:
        session = self._sessions.get(number)
        if session is not None and session.awake:
            session.held_bytes = size
            self._make_room()

    def _make_room(self) -> None:
        awake = [session for session in self._sessions.values() if session.awake]
        excess = sum(session.held_bytes for session in awake) - self._budget * 1024 * 1024
        for session in sorted(awake, key=lambda s: s.last_used):
            if excess <= 0:
                return
            if not session.busy:
                excess -= session.held_bytes
                session.doze()

    def turn_ended(self, seconds: float) -> None:
        """Counts a turn that ran so long."""
        self._turns += 1
        self._turn_seconds += seconds

    def session_woken(self) -> None:
        """Counts a waking."""
        self._wakes += 1

    def session_closed(self, number: int) -> None:
        """Forgets a session."""
        self._sessions.pop(number, None)


def _make_scratch(parent: Path | None) -> Path:
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="datamind-sandbox-", dir=parent)).resolve()


def _library_places() -> list[tuple[str, str]]:
    paths = sysconfig.get_paths()
    places = {
        paths["purelib"]: "site-packages",
        paths["platlib"]: "site-packages",
        paths["stdlib"]: "lib",
        str(Path(__file__).resolve().parents[2]): "engine",
    }
    return sorted(places.items(), key=lambda pair: -len(pair[0]))


def _machine_memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)
