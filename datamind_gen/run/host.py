"""The engine's process: opens everything that a run shares, moves the rows, publishes what came out.

Started by the supervisor as `python -m datamind_gen.run.host JOB`; it speaks events on standard output
and takes orders on standard input, whose end means that the supervisor is gone and so ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from datamind_gen.ledger import Ledger, LedgerLocked
from datamind_gen.models.budget import budget_reached
from datamind_gen.publish import PublishError
from datamind_gen.publish.manifest import Tick
from datamind_gen.publish.recipe import read_parts
from datamind_gen.rows import decode
from datamind_gen.run.engine import Engine
from datamind_gen.run.events import Ended, Event, Lost, Note, Order, Ready, Snapshot, write_event
from datamind_gen.run.finish import finish_run
from datamind_gen.run.folder import RunFolder, clear_scratch
from datamind_gen.run.guard import die_with
from datamind_gen.run.job import Job
from datamind_gen.run.local import move_locally
from datamind_gen.run.log import rotate_log
from datamind_gen.run.opening import BadInput, find_files, locate, open_engine
from datamind_gen.run.preview import finish_preview
from datamind_gen.run.records import RunRecord, describe_redo, last_run, record_run
from datamind_gen.run.server import StepServer
from datamind_gen.run.snapshot import take_snapshot
from datamind_gen.run.stopping import ExitCode, StopCause, StopKind
from datamind_gen.run.traffic import Traffic
from datamind_gen.spec.loader import LoadedPipeline, load_pipeline
from datamind_gen.spec.running import GraphRunner

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
SYNC_SECONDS = 5.0
TICKS = 300


class Host:
    """One run of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.folder = RunFolder(Path(job.out))
        self.started = time.time()
        self._engine: Engine | None = None
        self._wanted_stop: StopCause | None = None
        self._ticks: list[Tick] = []

    async def run(self) -> Ended:
        """Runs to the end, whatever the end is."""
        self._listen()
        loaded = load_pipeline(self.job.pipeline, overrides=self.job.overrides)
        async with AsyncExitStack() as stack:
            try:
                ledger = stack.enter_context(Ledger.open(self.folder.ledger))
            except LedgerLocked as error:
                raise BadInput(f"{error}; wait for it, stop it, or give another --out") from error
            clear_scratch(self.folder, Path(self.job.socket).parent)
            self.folder.stop.unlink(missing_ok=True)  # meant for a run that is over
            stack.callback(self.folder.stop.unlink, missing_ok=True)
            found = find_files(loaded, self.folder)
            engine = await open_engine(loaded, ledger, locate(found), self.job, stack)
            self._take(engine, loaded)
            recipe = read_parts(loaded, engine.prompts)
            traffic = Traffic(engine, [item.file for item in found])
            beat = asyncio.create_task(self._beat(engine, traffic, None))
            stack.callback(beat.cancel)
            if loaded.spec.run.graph is GraphRunner.LOCAL:
                await move_locally(traffic)
            else:
                beat.cancel()
                await self._serve(engine, traffic)
            if engine.watcher is not None:
                return await finish_preview(engine, engine.watcher, traffic, self.folder)
            finish = partial(finish_run, recipe=recipe, started=self.started, ticks=tuple(self._ticks))
            return await asyncio.to_thread(finish, engine, traffic, self.folder)

    def _take(self, engine: Engine, loaded: LoadedPipeline) -> None:
        """The engine is open: says what it does again, and records the start."""
        for line in describe_redo(last_run(engine.ledger), engine.fingerprints):
            say(Note(line))
        record_run(engine.ledger, RunRecord.of(engine, loaded, self.started, overrides=self.job.overrides))
        engine.crew.say = lambda text: say(Note(text))
        self._engine = engine
        if self._wanted_stop is not None:
            engine.request_stop(self._wanted_stop)

    async def _serve(self, engine: Engine, traffic: Traffic) -> None:
        server = StepServer(traffic, self.job, on_lost=lambda step: say(Lost(step)))
        await server.start(Path(self.job.socket))
        beat = asyncio.create_task(self._beat(engine, traffic, server))
        try:
            say(Ready(self.job.socket, ray=engine.spec.run.ray if engine.watcher is None else None))
            await server.finished
        finally:
            engine.crew.close()
            beat.cancel()
            await server.close()

    async def _beat(self, engine: Engine, traffic: Traffic, server: StepServer | None) -> None:
        """Says how far the run is, watches budget, `stop` and log, and has the ledger survive a power cut."""
        synced = time.monotonic()
        while True:
            snapshot = take_snapshot(engine, traffic, server)
            say(snapshot)
            self._tick(snapshot)
            elapsed = time.time() - self.started
            reached = budget_reached(engine.spec.run.budget, engine.crew.usage(), elapsed_s=elapsed)
            if reached:
                engine.request_stop(StopCause(StopKind.BUDGET, reached))
            if engine.stop is None and self.folder.stop.exists():
                engine.request_stop(StopCause(StopKind.INTERRUPT, "somebody ran `stop`"))
                say(Note("stopping, as `stop` asked: what is in flight comes in"))
            if engine.models.stop_reason and engine.stop is None:
                engine.request_stop(StopCause(StopKind.PROVIDER, engine.models.stop_reason))
            if time.monotonic() - synced > SYNC_SECONDS:
                await asyncio.to_thread(engine.ledger.sync)
                rotate_log(self.folder.log)
                synced = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def _tick(self, snapshot: Snapshot) -> None:
        """Remembers the run's course for the report: at most a few hundred points, evenly spread."""
        at = time.time() - self.started
        if self._ticks and at - self._ticks[-1].at_s < max(1.0, at / TICKS):
            return
        settled = sum(state.kept + state.rejected + state.failed for state in snapshot.stages)
        tokens = sum(model.prompt_tokens + model.completion_tokens for model in snapshot.models)
        self._ticks.append(
            Tick(at_s=round(at, 1), settled=settled, kept=snapshot.kept, tokens=tokens or None)
        )

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()

        def drain() -> None:
            cause = StopCause(StopKind.INTERRUPT, "interrupted")
            self._wanted_stop = cause
            if self._engine is not None:
                self._engine.request_stop(cause)

        def watch() -> None:
            for line in sys.stdin:
                if line.strip() == Order.DRAIN:
                    loop.call_soon_threadsafe(drain)
            os._exit(ExitCode.STOPPED)

        threading.Thread(target=watch, daemon=True).start()


def say(event: Event) -> None:
    """One event to the supervisor."""
    _OUT.write(write_event(event) + "\n")
    _OUT.flush()


def main(argument: str) -> int:
    job = decode(Job, argument)
    die_with(job.parent)
    host = Host(job)
    logging.basicConfig(
        filename=host.folder.log,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        finished = asyncio.run(host.run())
    except (BadInput, PublishError) as error:
        finished = Ended(ExitCode.BAD_INPUT, str(error))
    except OSError as error:
        logger.exception("the run ended")
        finished = Ended(
            ExitCode.STOPPED,
            f"{error.filename or host.folder.root}: {error.strerror or error}",
            "what was recorded is safe: mend the cause and run the same command again",
        )
    except Exception as error:
        logger.exception("the run ended")
        finished = Ended(ExitCode.FAILED, f"{type(error).__name__}: {error}", f"see {host.folder.log}")
    say(finished)
    return finished.code


_OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")

if __name__ == "__main__":
    os.dup2(2, 1)  # whatever a library prints must not end up among the events
    sys.exit(main(sys.argv[1]))
