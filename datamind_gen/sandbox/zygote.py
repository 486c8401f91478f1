"""The engine's end of a zygote: starts the process, sends orders, awaits replies, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datamind_gen.sandbox.inside import frames

START_TIMEOUT_S = 120.0
ANSWER_TIMEOUT_S = 60.0
"""Beyond a turn's own time."""
_MAIN = "datamind_gen.sandbox.inside.zygote"


class ZygoteDied(Exception):
    """The zygote is gone; whoever waited for it may start another."""


class SessionLost(Exception):
    """A session's process is gone, outside any turn."""


class Zygote:
    """A running zygote. Sessions are known by number; one request of each is under way at a time."""

    def __init__(self, *, lean: bool, scratch: Path, on_held: Callable[[int, int], None]) -> None:
        self.alive = False
        self.facts: dict[str, Any] = {}
        """What it said when it was ready: pid, kernel features, libraries that are missing."""
        self._lean = lean
        self._scratch = scratch
        self._on_held = on_held
        self._pending: dict[int, asyncio.Future[frames.Frame]] = {}
        self._groups: dict[int, int] = {}
        self._log = scratch / ("zygote-lean.log" if lean else "zygote.log")

    async def start(self) -> None:
        """Starts the process and waits until it has imported its libraries. Raises ZygoteDied."""
        ours, theirs = socket.socketpair()
        self._process = await asyncio.to_thread(self._spawn, theirs)
        theirs.close()
        ours.setblocking(False)
        self._stream, self._writer = await asyncio.open_connection(sock=ours)
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[dict[str, Any]] = loop.create_future()
        self._listening = asyncio.create_task(self._listen())
        try:
            self.facts = await asyncio.wait_for(asyncio.shield(self._ready), START_TIMEOUT_S)
        except TimeoutError:
            await self.stop()
            raise ZygoteDied(f"the sandbox's zygote was not ready after {START_TIMEOUT_S:g} s") from None
        self.alive = True

    def _spawn(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        package = Path(__file__).resolve().parents[2]
        boot = f"import sys; sys.path.insert(0, {str(package)!r}); import {_MAIN} as zygote; zygote.main()"
        arguments = [str(theirs.fileno()), str(int(self._lean)), str(self._scratch)]
        with open(self._log, "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-s", "-P", "-X", "frozen_modules=on", "-c", boot, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env=_environment(self._scratch),
                cwd="/",
                start_new_session=True,
            )

    async def _listen(self) -> None:
        reader = frames.FrameReader()
        with contextlib.suppress(OSError, ValueError):
            while data := await self._stream.read(1 << 20):
                for frame in reader.feed(data):
                    self._hear(frame)
        self._die()

    def _hear(self, frame: frames.Frame) -> None:
        header = frame.header
        if header["op"] == "ready":
            self._ready.set_result(header)
            return
        if "held" in header:
            self._on_held(header["session"], header["held"])
        if header["op"] != "held":
            if header["op"] == "opened":
                self._groups[header["session"]] = header["pid"]
            future = self._pending.pop(header["session"], None)
            if future is not None and not future.done():
                future.set_result(frame)

    def _die(self) -> None:
        self.alive = False
        for group in self._groups.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self._groups.clear()
        said = ""
        with contextlib.suppress(FileNotFoundError):  # a sandbox that closes removes its directory meanwhile
            said = self._log.read_text(errors="replace")[-2000:]
        death = ZygoteDied(f"the sandbox's zygote died{': ' + said if said else ''}")
        for future in self._pending.values():
            if not future.done():
                future.set_exception(death)
        self._pending.clear()
        if not self._ready.done():
            self._ready.set_exception(death)

    async def _ask(
        self, session: int, header: dict[str, Any], patience_s: float, body: bytes = b""
    ) -> frames.Frame:
        if not self.alive:
            raise ZygoteDied("the sandbox's zygote died")
        future: asyncio.Future[frames.Frame] = asyncio.get_running_loop().create_future()
        self._pending[session] = future
        self._writer.write(frames.pack(header, body))
        try:
            return await asyncio.wait_for(future, patience_s)
        except TimeoutError:  # it owns every limit, so one that does not answer is stuck
            self._process.kill()
            raise ZygoteDied(f"the sandbox's zygote did not answer within {patience_s:g} s") from None

    async def open_session(self, session: int, order: dict[str, Any]) -> None:
        """Forks a session. Raises SessionLost with its last words, or ZygoteDied."""
        reply = await self._ask(session, {"op": "open", "session": session, **order}, ANSWER_TIMEOUT_S)
        if reply.header["op"] != "opened":
            raise SessionLost(reply.header.get("why", "it did not open"))

    async def run_turn(self, session: int, header: dict[str, Any], code: str) -> frames.Frame:
        """Runs a turn. Raises SessionLost if the session was already gone, or ZygoteDied."""
        reply = await self._ask(
            session,
            {"op": "turn", "session": session, **header},
            header["limits"]["wall_s"] + ANSWER_TIMEOUT_S,
            code.encode("utf-8", "surrogatepass"),
        )
        if reply.header["op"] != "turned":
            raise SessionLost(reply.header.get("why", "it is gone"))
        return reply

    def close_session(self, session: int) -> None:
        """Ends a session's processes."""
        self._groups.pop(session, None)
        if self.alive:
            self._writer.write(frames.pack({"op": "close", "session": session}))

    async def stop(self) -> None:
        """Ends the zygote with every session."""
        self.alive = False
        self._writer.close()
        try:
            await asyncio.wait_for(asyncio.to_thread(self._process.wait), 10)
        except TimeoutError:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        await self._listening


def _environment(scratch: Path) -> dict[str, str]:
    """All that a session may know of this machine's environment. No variable of the engine's passes."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "SQLITE_TMPDIR": ".",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(scratch / "matplotlib"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
        "POLARS_ALLOW_FORKING_THREAD": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "_RJEM_MALLOC_CONF": "background_thread:false",
        "JOBLIB_MULTIPROCESSING": "0",
    }
