"""The supervisor: starts the engine and the graph, watches both, and ends both in a clear message.

It is the process that a person started. It holds nothing that a run needs: killing it, or any other
process of the run, loses at most what was in flight, and leaves no process and no lock behind.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from datamind_gen.rows import encode
from datamind_gen.run.display import Display
from datamind_gen.run.events import (
    Ended,
    Event,
    Lost,
    Note,
    Order,
    Ready,
    Snapshot,
    read_event,
)
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.job import Job
from datamind_gen.run.stopping import NO_CLUSTER, ExitCode

GRAPH_STALL_SECONDS = 120.0
"""Ended rows that no step has fetched for so long mean that the graph hangs."""
RESUME = "nothing that was settled is lost: run the same command again to go on"


class Supervisor:
    """One run, from start to end."""

    def __init__(
        self, job: Job, *, display: Display, stall_seconds: float, engine: str = "datamind_gen.run.host"
    ) -> None:
        self._job = job
        self._engine_module = engine
        self._folder = RunFolder(Path(job.out))
        self._display = display
        self._stall_seconds = stall_seconds
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._engine: subprocess.Popen[str] | None = None
        self._graph: subprocess.Popen[bytes] | None = None
        self._interrupts = 0
        self._finished: Ended | None = None

    def run(self) -> Ended:
        """Runs the job to its end, whatever the end is."""
        with self._signals(), self._display, contextlib.ExitStack() as stack:
            stack.callback(self._end_children)
            self._start_engine()
            return self._watch()

    def _start_engine(self) -> None:
        log = self._folder.log.open("a", encoding="utf-8")
        self._engine = subprocess.Popen(
            [sys.executable, "-m", self._engine_module, encode(self._job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=self._environment(),
            start_new_session=True,
        )
        log.close()
        threading.Thread(target=self._read_events, daemon=True).start()

    def _start_graph(self, socket: str, ray: str | None) -> None:
        with self._folder.log.open("a", encoding="utf-8") as log:
            self._graph = subprocess.Popen(
                [
                    *(sys.executable, "-m", "datamind_gen.run.dag"),
                    *(socket, str(self._folder.log), str(os.getpid()), *([ray] if ray else [])),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(Path(self._job.socket).parent)}

    def _read_events(self) -> None:
        assert self._engine is not None
        assert self._engine.stdout is not None
        for line in self._engine.stdout:
            self._events.put(read_event(line))
        self._events.put(None)

    def _watch(self) -> Ended:
        heard = time.monotonic()
        while True:
            try:
                event = self._events.get(timeout=0.2)
            except queue.Empty:
                event = None
                silent = time.monotonic() - heard
                if silent > self._stall_seconds:
                    return _stopped(f"the engine has given no sign of life for {silent:.0f} s")
            else:
                if event is None:
                    return self._finished or _stopped(f"the engine {self._how_ended()}")
                heard = time.monotonic()
            if self._interrupts > 1:
                return _stopped("stopped at once")
            if event is not None and (end := self._handle(event)) is not None:
                return end
            if self._graph is not None and (code := self._graph.poll()) not in (None, 0):
                if code == NO_CLUSTER:
                    return Ended(ExitCode.BAD_INPUT, f"no Ray cluster to join: see {self._folder.log}")
                return _stopped(f"the graph's process {_describe_exit(code or 0)}")

    def _handle(self, event: Event) -> Ended | None:
        match event:
            case Ready(socket, ray):
                self._start_graph(socket, ray)
            case Note(text):
                self._display.note(text)
            case Lost(step):
                return _stopped(f"the step {step!r} of the graph died")
            case Snapshot():
                self._display.update(event)
                if event.stalled_s > GRAPH_STALL_SECONDS:
                    return _stopped(f"the graph has fetched no row for {event.stalled_s:.0f} s")
            case Ended():
                self._finished = event
        return None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def interrupt(number: int, frame: object) -> None:
            self._interrupts += 1
            if self._interrupts > 1 or self._engine is None or self._engine.stdin is None:
                return
            self._display.note("stopping: what is in flight comes in; press Ctrl-C again to stop at once")
            with contextlib.suppress(BrokenPipeError):
                self._engine.stdin.write(f"{Order.DRAIN}\n")
                self._engine.stdin.flush()

        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end_children(self) -> None:
        """Gives what is ending on its own a moment, and kills the rest with all it started."""
        patience = 10.0 if self._finished is not None else 0.0
        for process in (self._engine, self._graph):
            if process is None:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=patience)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()

    def _how_ended(self) -> str:
        assert self._engine is not None
        return _describe_exit(self._engine.wait())


def supervise(
    job: Job, *, display: Display, stall_seconds: float, engine: str = "datamind_gen.run.host"
) -> Ended:
    """Runs a job under supervision. The socket and all temporary files of the run's processes lie in a folder
    of their own, removed at the end, and after a kill by the next start. `engine` is the module that runs as
    the engine's process."""
    with tempfile.TemporaryDirectory(prefix=RunFolder(Path(job.out)).scratch_prefix) as place:
        job = replace(job, socket=f"{place}/engine", parent=os.getpid())
        return Supervisor(job, display=display, stall_seconds=stall_seconds, engine=engine).run()


def _stopped(message: str) -> Ended:
    return Ended(ExitCode.STOPPED, message, RESUME)


def _describe_exit(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
