"""An engine on another node of the cluster: it works on the rows that the run's own engine gives it.

Started by `ray_cluster.py` as `python -m datamind_gen.run.node`, with an `Enlistment` as the first line on
standard input, whose end means that the node is let go and so ends the process. It has its own sandbox
and models, and its own segment in the run's ledger, where it records the replies that its models give;
results go back to the run's engine, which alone decides and publishes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from datamind_gen.ledger import Ledger
from datamind_gen.rows import decode
from datamind_gen.run.engine import Engine
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.guard import die_at_end_of
from datamind_gen.run.node_wire import (
    Beat,
    Brief,
    Done,
    Enlistment,
    Halt,
    Hello,
    Task,
    Welcome,
    read_node_message,
    send_node_message,
)
from datamind_gen.run.opening import BadInput, open_engine
from datamind_gen.run.stopping import Draining, ExitCode
from datamind_gen.spec.loader import load_pipeline

BEAT_SECONDS = 0.5
SYNC_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Node:
    """One engine at work for a run that is led elsewhere."""

    def __init__(self, enlistment: Enlistment) -> None:
        self._enlistment = enlistment
        self._paths: dict[str, dict[str, Path]] = {}
        self._epoch = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> ExitCode:
        """Works until the run is over or gone."""
        async with AsyncExitStack() as stack:
            try:
                engine = await self._open(stack)
            except BadInput as error:
                await self._greet(self._hello(problem=str(error)))
                return ExitCode.BAD_INPUT
            fingerprints = {stage.value: found.digest for stage, found in engine.fingerprints.items()}
            cores = len(os.sched_getaffinity(0))
            connection = await self._greet(self._hello(cores=cores, fingerprints=fingerprints))
            if connection is None:
                return ExitCode.BAD_INPUT
            beat = asyncio.create_task(self._beat(engine, connection[1]))
            stack.callback(beat.cancel)
            # However the connection ends, the run is over or wants this engine no more.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._work(engine, *connection)
        return ExitCode.DONE

    async def _open(self, stack: AsyncExitStack) -> Engine:
        job = self._enlistment.job
        loaded = load_pipeline(job.pipeline, overrides=job.overrides)
        ledger = stack.enter_context(Ledger.join(RunFolder(Path(job.out)).ledger))
        return await open_engine(loaded, ledger, self._paths, job, stack)

    def _hello(
        self, *, cores: int = 1, fingerprints: dict[str, str] | None = None, problem: str = ""
    ) -> Hello:
        return Hello(
            token=self._enlistment.token,
            node=self._enlistment.node,
            cores=cores,
            fingerprints=fingerprints or {},
            problem=problem,
        )

    async def _greet(self, hello: Hello) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        reader, writer = await asyncio.open_connection(self._enlistment.address, self._enlistment.port)
        send_node_message(writer, hello)
        answer = await read_node_message(reader)
        return (reader, writer) if isinstance(answer, Welcome) and answer.joined else None

    async def _work(self, engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await read_node_message(reader)) is not None:
            match message:
                case Halt(cause):
                    engine.request_stop(cause)
                case Task():
                    if message.brief is not None:
                        self._learn(engine, message.brief)
                    if self._epoch < message.epoch:
                        self._epoch = message.epoch
                        engine.ledger.refresh()
                    task = asyncio.create_task(self._do(engine, writer, message))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    def _learn(self, engine: Engine, brief: Brief) -> None:
        self._paths[brief.file] = {name: Path(path) for name, path in brief.paths.items()}
        if brief.profile is not None:
            engine.learn(brief.file, brief.profile)

    async def _do(self, engine: Engine, writer: asyncio.StreamWriter, task: Task) -> None:
        try:
            worked = await engine.work(task.stage, task.envelope, None)
        except Draining:
            worked = None
        if worked is not None and worked.retry:
            engine.ledger.sync()  # whoever tries it again must find what was replied here
        send_node_message(writer, Done(task.number, worked))
        await writer.drain()

    async def _beat(self, engine: Engine, writer: asyncio.StreamWriter) -> None:
        synced = time.monotonic()
        while True:
            send_node_message(writer, Beat(engine.models.usage(), engine.stop))
            if time.monotonic() - synced > SYNC_SECONDS:
                await asyncio.to_thread(engine.ledger.sync)
                synced = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)


def main() -> int:
    enlistment = decode(Enlistment, sys.stdin.readline())
    die_at_end_of(sys.stdin.fileno())
    folder = RunFolder(Path(enlistment.job.out))
    logging.basicConfig(
        filename=folder.node_log(enlistment.node),
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        return asyncio.run(Node(enlistment).run())
    except ConnectionError as error:
        logger.warning("the run is gone: %s", error)
        return ExitCode.STOPPED


if __name__ == "__main__":
    sys.exit(main())
