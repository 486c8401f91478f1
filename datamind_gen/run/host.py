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
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from datamind_gen.files import FileError, FoundFile, find_sources
from datamind_gen.ledger import Ledger, LedgerLocked
from datamind_gen.models.base import Role
from datamind_gen.models.budget import budget_problems, budget_reached
from datamind_gen.models.router import Models
from datamind_gen.models.settings import ModelSettings
from datamind_gen.prompts.render import Prompts
from datamind_gen.publish import PublishError
from datamind_gen.publish.manifest import Tick
from datamind_gen.rows import decode
from datamind_gen.run.engine import Engine
from datamind_gen.run.events import Ended, Event, Lost, Note, Order, Ready, Snapshot, write_event
from datamind_gen.run.finish import finish_run
from datamind_gen.run.flow import FLOW
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.guard import die_with
from datamind_gen.run.job import Job
from datamind_gen.run.local import move_locally
from datamind_gen.run.log import rotate_log
from datamind_gen.run.preview import finish_preview
from datamind_gen.run.records import LedgerRecorder, RunRecord, describe_redo, last_run, record_run
from datamind_gen.run.server import StepServer
from datamind_gen.run.snapshot import take_snapshot
from datamind_gen.run.stopping import ExitCode, StopCause, StopKind
from datamind_gen.run.traffic import Traffic
from datamind_gen.run.watching import Watcher
from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings, SandboxUnavailable
from datamind_gen.spec.loader import LoadedPipeline, load_pipeline
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.spec.running import GraphRunner
from datamind_gen.taxonomy import load_taxonomy

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
SYNC_SECONDS = 5.0
TICKS = 300


class BadInput(Exception):
    """Something that the user gave cannot be used. Exit code 2."""


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
            self.folder.stop.unlink(missing_ok=True)  # meant for a run that is over
            stack.callback(self.folder.stop.unlink, missing_ok=True)
            found = find_files(loaded, self.folder)
            engine = await self._open_engine(loaded, ledger, found, stack)
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
            finish = partial(finish_run, started=self.started, ticks=tuple(self._ticks))
            return await asyncio.to_thread(finish, engine, traffic, self.folder)

    async def _open_engine(
        self, loaded: LoadedPipeline, ledger: Ledger, found: list[FoundFile], stack: AsyncExitStack
    ) -> Engine:
        spec = loaded.spec
        prompts = Prompts(loaded.prompts_folder)
        try:
            models = Models.from_settings(
                models_of(spec),
                recorder=LedgerRecorder(ledger),
                retries=spec.run.retries,
                recorded_only=(Role.AUTHOR, Role.EXPERT) if self.job.recorded_only else (),
            )
        except ValueError as error:  # a key that is not there, a class that cannot be used
            raise BadInput(f"{loaded.origin}: {error}") from error
        stack.push_async_callback(models.close)
        if unpriced := budget_problems(spec.run.budget, models.usage()):
            raise BadInput(f"{loaded.origin}: {'; '.join(unpriced)}")
        try:
            sandbox = await stack.enter_async_context(Sandbox(sandbox_settings(spec, self.job)))
        except SandboxUnavailable as error:
            raise BadInput(str(error)) from error
        engine = Engine(
            spec=spec,
            ledger=ledger,
            prompts=prompts,
            taxonomy=load_taxonomy(loaded.taxonomy_folder or spec.taxonomy),
            sandbox=sandbox,
            models=models,
            paths=locate(found),
            flow=FLOW,
            limit=self.job.limit,
            recorded_only=self.job.recorded_only,
            watcher=Watcher(self.job.preview) if self.job.preview is not None else None,
        )
        for line in describe_redo(last_run(ledger), engine.fingerprints):
            say(Note(line))
        record_run(ledger, RunRecord.of(engine, loaded, self.started, overrides=self.job.overrides))
        self._engine = engine
        if self._wanted_stop is not None:
            engine.request_stop(self._wanted_stop)
        return engine

    async def _serve(self, engine: Engine, traffic: Traffic) -> None:
        server = StepServer(traffic, on_lost=lambda step: say(Lost(step)))
        await server.start(Path(self.job.socket))
        beat = asyncio.create_task(self._beat(engine, traffic, server))
        try:
            say(Ready(self.job.socket))
            await server.finished.wait()
        finally:
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
            reached = budget_reached(engine.spec.run.budget, engine.models.usage(), elapsed_s=elapsed)
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


def find_files(loaded: LoadedPipeline, folder: RunFolder) -> list[FoundFile]:
    """All files of the pipeline's sources. Raises BadInput."""
    try:
        return find_sources(loaded.spec.sources, loaded.folder, folder.sources)
    except FileError as error:
        raise BadInput(f"{loaded.origin}: sources: {error}") from error


def models_of(spec: PipelineSpec) -> dict[Role, ModelSettings]:
    """The settings of every role, with the concurrency that `run` puts in their place."""
    concurrency = spec.run.concurrency
    found = {role: spec.models.of(role) for role in Role}
    if concurrency is None:
        return found
    return {role: entry.model_copy(update={"concurrency": concurrency}) for role, entry in found.items()}


def sandbox_settings(spec: PipelineSpec, job: Job) -> SandboxSettings:
    """The pipeline's limits, and what `run` says about this machine."""
    limits = spec.sandbox.model_dump(exclude={"allow_unsandboxed"})
    return SandboxSettings(
        **limits,
        concurrency=spec.run.turns,
        on_error=OnError(spec.sample.on_error),
        awake_memory_mb=spec.run.awake_memory_mb,
        allow_unsandboxed=job.allow_unsandboxed or spec.sandbox.allow_unsandboxed,
        scratch=Path(spec.run.scratch) if spec.run.scratch else None,
    )


def locate(found: list[FoundFile]) -> Mapping[str, Mapping[str, Path]]:
    return {
        item.file.id: {part.name: path for part, path in zip(item.file.parts, item.paths, strict=True)}
        for item in found
    }


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
