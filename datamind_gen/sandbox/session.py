"""A session: one trajectory's state, its turn log, and the way back to it after sleep or a fault.

The log holds every turn whose work counts. A session whose process is gone (asleep, crashed in `keep`
mode, its zygote killed) is woken by replaying the log, muted, in a fresh process and directory; what it
prints is compared with what it printed before, and a difference marks the session as not deterministic.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from datamind_gen.sandbox.determinism import depends_on_the_moment
from datamind_gen.sandbox.inside import frames
from datamind_gen.sandbox.outcome import Observed, interpret
from datamind_gen.sandbox.results import OnError, TurnResult, TurnStatus
from datamind_gen.sandbox.workspace import Workspace
from datamind_gen.sandbox.zygote import SessionLost, Zygote, ZygoteDied

if TYPE_CHECKING:
    from datamind_gen.sandbox.sandbox import Sandbox

_ATTEMPTS = 3
_REPLAY_PATIENCE = 4.0
"""Replays get this many times a turn's limits: the machine may be busier than it was."""


@dataclass(frozen=True, slots=True)
class _Logged:
    number: int
    code: str
    statements: int | None
    """How many top-level statements count; None: all of them."""
    printed: str


class _Unwakeable(Exception):
    """A replay did not get through."""


class _Wrecked(Exception):
    """After so many turns of the log, no turn can begin."""

    def __init__(self, turns: int) -> None:
        super().__init__("what runs the turns broke")
        self.turns = turns


class _Overfull(Exception):
    """What a stopped turn is replayed to, at this place of the log, already fills what stopped it."""

    def __init__(self, position: int) -> None:
        super().__init__("what was done before the turn was stopped does not fit its limits")
        self.position = position


_HELD = (TurnStatus.DISK_LIMIT, TurnStatus.MEMORY_LIMIT, TurnStatus.PROCESS_LIMIT)
"""Limits on what a session holds, which a later turn would hit again."""


class Session:
    """Runs turns one after another. Made by Sandbox.open; closes with `async with` or close()."""

    def __init__(
        self,
        sandbox: Sandbox,
        number: int,
        *,
        workspace: Workspace,
        seed: str,
        on_error: OnError,
        sql_only: bool,
        db_info: str | None,
    ) -> None:
        self.on_error = on_error
        self.last_used = time.monotonic()
        self.held_bytes = 0
        self.turns = 0
        self._sandbox = sandbox
        self._number = number
        self._workspace = workspace
        self._seed = seed
        self._sql_only = sql_only
        self._db_info = db_info
        self._zygote: Zygote | None = None
        self._log: list[_Logged] = []
        self._deterministic = True
        self._torn = False
        """Whether the directory shows a turn that was rolled back, its process being gone."""
        self._closed = False
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def awake(self) -> bool:
        """Whether the next turn runs without replay."""
        return self._zygote is not None and self._zygote.alive

    @property
    def busy(self) -> bool:
        """Whether a turn is running or waiting to run."""
        return self._lock.locked()

    async def run(self, code: str) -> TurnResult:
        """Runs one turn. Whatever the code does, this returns; only a closed session raises ValueError."""
        if self._closed:
            raise ValueError("sandbox: the session is closed")
        async with self._lock, self._sandbox.admission:
            self.turns += 1
            self.last_used = began = time.monotonic()
            result = await self._run_admitted(code)
        self._sandbox.turn_ended(time.monotonic() - began)
        return result

    async def _run_admitted(self, code: str) -> TurnResult:
        why = ""
        failures = 0
        while failures < _ATTEMPTS:
            try:
                zygote = await self._wake()
                observed = await self._turn(zygote, self.turns, code, statements=None, patience=1.0)
                if observed.wrecked:
                    raise _Wrecked(len(self._log))
            except _Wrecked as error:
                self._fall_asleep()
                why = str(error)
                if error.turns:
                    del self._log[
                        error.turns - 1
                    ]  # its code broke it: the session goes on as if it had not run
                else:
                    failures += 1
                continue
            except _Overfull as error:
                self._fall_asleep()
                self._undo_last_statement(error.position)
                continue
            except (ZygoteDied, SessionLost, _Unwakeable, OSError) as error:
                self._fall_asleep()
                why = str(error)
                failures += 1
                continue
            except asyncio.CancelledError:
                self._fall_asleep()  # the turn is not wanted any more: end it, and rebuild when asked again
                raise
            if observed.killed_from_outside and why != observed.result.error:
                why = observed.result.error or ""  # not our signal: once may be anyone's, twice is the code's
                failures += 1
                if not observed.alive:
                    self._fall_asleep()
                continue
            self._after(observed, code)
            steady = self._deterministic and not depends_on_the_moment(code)
            return replace(observed.result, deterministic=steady)
        return _sandbox_failed(why)

    def _after(self, observed: Observed, code: str) -> None:
        result = observed.result
        if not observed.alive:
            self._fall_asleep()
            self._torn = self.on_error is OnError.ROLLBACK
        if result.ok:
            self._log.append(_Logged(self.turns, code, None, observed.printed))
        elif self.on_error is OnError.KEEP and observed.progress:
            self._log.append(_Logged(self.turns, code, observed.progress, observed.printed))

    def _undo_last_statement(self, position: int) -> None:
        entry = self._log[position]
        assert entry.statements is not None
        self._log[position : position + 1] = (
            [replace(entry, statements=entry.statements - 1)] if entry.statements > 1 else []
        )

    async def _turn(
        self, zygote: Zygote, number: int, code: str, *, statements: int | None, patience: float
    ) -> Observed:
        settings = self._sandbox.settings
        rollback = self.on_error is OnError.ROLLBACK
        header = {
            "nonce": secrets.token_hex(8),
            "limits": {"wall_s": settings.wall_s * patience, "cpu_s": settings.cpu_s * patience},
            "request": {
                "turn": number,
                "rollback": rollback and statements is None,
                "checkpoint": rollback and bool(self._log) and statements is None and patience == 1.0,
                "statements": statements,
                "output_chars": settings.output_chars,
                "stream_bytes": settings.stream_mb * 1024 * 1024,
            },
        }
        reply: frames.Frame = await zygote.run_turn(self._number, header, code)
        return interpret(reply, settings)

    async def _wake(self) -> Zygote:
        if self._zygote is not None and self._zygote.alive:
            return self._zygote
        woken = bool(self._log)
        zygote = await self._sandbox.zygote(lean=self._sql_only)
        await asyncio.to_thread(self._workspace.lay_out)
        self._torn = False
        await zygote.open_session(self._number, self._order())
        self._zygote = zygote
        for position, entry in enumerate(self._log):
            statements = entry.statements
            observed = await self._turn(
                zygote, entry.number, entry.code, statements=statements, patience=_REPLAY_PATIENCE
            )
            if observed.wrecked:
                raise _Wrecked(position)
            if statements is not None and observed.result.status in _HELD:
                raise _Overfull(position)
            if not observed.alive or (statements is None and not observed.result.ok):
                ending = f"{observed.result.status}: {observed.result.error}"
                raise _Unwakeable(f"replaying turn {entry.number} ended with {ending}")
            if statements is None and observed.printed != entry.printed:
                self._deterministic = False
        if woken:
            self._sandbox.session_woken()
        return zygote

    def _order(self) -> dict[str, Any]:
        settings = self._sandbox.settings
        return {
            "work": str(self._workspace.work),
            "shadow": str(self._workspace.shadow),
            "files": {name: str(path) for name, path in self._workspace.files.items()},
            "places": self._workspace.places() + self._sandbox.places,
            "seed": self._seed,
            "db_info": self._db_info,
            "confine": self._sandbox.confines,
            "memory_mb": settings.memory_mb,
            "processes": settings.processes,
            "threads": settings.threads,
            "file_mb": settings.file_mb,
            "directory_mb": settings.directory_mb,
            "output_chars": settings.output_chars,
            "stream_mb": settings.stream_mb,
            "sql_timeout_s": settings.sql_timeout_s,
            "sql_rows": settings.sql_rows,
        }

    async def read_file(self, name: str, *, max_bytes: int = 1 << 20) -> str | None:
        """Text of a file that the code wrote, at most `max_bytes` of it; None if there is none.

        Raises ValueError for a name that leaves the session's directory.
        """
        if self._torn:
            async with self._lock, self._sandbox.admission:
                await self._wake()
        raw = await asyncio.to_thread(self._workspace.read, name, max_bytes)
        return None if raw is None else raw.decode("utf-8", "replace")

    async def sleep(self) -> None:
        """Gives the session's memory back; the next turn wakes it by replay."""
        async with self._lock:
            self._fall_asleep()

    def doze(self) -> None:
        """As sleep, for a session that is not busy."""
        self._fall_asleep()

    def _fall_asleep(self) -> None:
        if self._zygote is not None:
            self._zygote.close_session(self._number)
            self._zygote = None
        self.held_bytes = 0

    async def close(self) -> None:
        """Ends the session and removes its directory."""
        if self._closed:
            return
        self._closed = True
        async with self._lock:
            self._fall_asleep()
            await asyncio.to_thread(self._workspace.remove)
        self._sandbox.session_closed(self._number)


def _sandbox_failed(why: str) -> TurnResult:
    return TurnResult(TurnStatus.SANDBOX_FAILED, "", None, f"The sandbox failed: {why}", 0.0, 0.0, 0.0)
