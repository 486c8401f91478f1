"""The engine's local socket: where the graph's steps hand in rows and fetch what has finished.

A step's call never waits for its rows: it hands in what came, and takes whatever is ready by then. The
graph's source asks for the next rows; while there are none it gets a tick as soon as some step has
finished rows to fetch, and so keeps rows moving past distilabel's batch barrier.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from datamind_gen.rows import Stage, encode
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.job import Job
from datamind_gen.run.node_wire import Enlistment
from datamind_gen.run.traffic import Traffic
from datamind_gen.run.wire import Call, Reply, Verb, read_message, write_message

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.1
"""The shortest time between two ticks: each costs a small batch a step."""


class StepServer:
    """Serves the steps of one graph."""

    def __init__(self, traffic: Traffic, job: Job, on_lost: Callable[[str], None]) -> None:
        self.traffic = traffic
        self._job = job
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the source has nothing more to enter; fails with what kept it from knowing."""
        self._on_lost = on_lost
        self._ready: dict[Stage, deque[Envelope]] = defaultdict(deque)
        self._something_ready = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sources: asyncio.Task[list[Envelope] | None] | None = None
        self._server: asyncio.Server | None = None
        self._last_fetch = 0.0

    async def start(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(path))

    async def close(self) -> None:
        for task in [*self._tasks, *([self._sources] if self._sources else [])]:
            task.cancel()
        if self._server is not None:
            self._server.close()

    @property
    def waiting_since(self) -> float | None:
        """When finished rows began to wait for a step to fetch them (event loop time), if they do."""
        return self._last_fetch if self._something_ready.is_set() else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = "?"
        said_goodbye = False
        try:
            while (message := await read_message(reader)) is not None:
                call = Call.from_wire(message)
                name = call.step
                if call.verb is Verb.GOODBYE:
                    said_goodbye = True
                    break
                reply = await self._answer(call)
                await write_message(writer, reply.to_wire())
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            logger.error("the connection to step %s broke: %s", name, error)
        finally:
            writer.close()
            if not said_goodbye and not self.finished.done():
                self._on_lost(name)

    async def _answer(self, call: Call) -> Reply:
        self._last_fetch = asyncio.get_running_loop().time()
        match call.verb:
            case Verb.NEXT:
                return await self._next()
            case Verb.DELIVER:
                for row in call.rows:
                    self.traffic.deliver(Envelope.from_wire(row))
                return Reply()
            case Verb.GATHER:
                return await self._gather(call.rows[0]["address"])
            case _:
                return self._exchange(Stage(call.step), call)

    async def _gather(self, address: str) -> Reply:
        port, token = await self.traffic.engine.crew.listen(address)
        job = replace(self._job, pipeline=str(Path(self._job.pipeline).absolute()))
        return Reply(rows=[{"enlistment": encode(Enlistment(job, address, port, token))}])

    def _exchange(self, stage: Stage, call: Call) -> Reply:
        for row in call.rows:
            task = asyncio.create_task(self._step(stage, Envelope.from_wire(row)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        ready = self._ready[stage]
        rows = [envelope.to_wire() for envelope in ready]
        ready.clear()
        if not any(self._ready.values()):
            self._something_ready.clear()
        return Reply(rows=rows)

    async def _step(self, stage: Stage, envelope: Envelope) -> None:
        outputs = await self.traffic.step(stage, envelope)
        if outputs:
            self._ready[stage].extend(outputs)
            if not self._something_ready.is_set():
                self._last_fetch = asyncio.get_running_loop().time()
            self._something_ready.set()

    async def _next(self) -> Reply:
        if self._sources is None:
            self._sources = asyncio.create_task(self.traffic.next_sources())
        await asyncio.sleep(TICK_SECONDS)
        ready = asyncio.create_task(self._something_ready.wait())
        await asyncio.wait({self._sources, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self._sources.done():
            return Reply(tick=True)
        planned, self._sources = self._sources, None
        if (error := planned.exception()) is not None:
            self.finished.set_exception(error)
            return Reply(end=True)
        sources = planned.result()
        if sources is None:
            self.finished.set_result(None)
            return Reply(end=True)
        return Reply(rows=[envelope.to_wire() for envelope in sources])
