"""The engines that work for a run: this node's own, and on a Ray cluster one for each other node.

The run's own engine decides (plans, gates, counts) and keeps the results; a row that a stage has to work
on goes to the engine that has the fewest in hand for its cores. Engines on other nodes connect here, ask
their models themselves and record the replies in segments of their own, on the shared path. When one is
lost, its rows go to the others, which find its replies in the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from datamind_gen.models.usage import ModelUsage, add_up
from datamind_gen.rows import Stage, encode
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.node_wire import (
    Beat,
    Brief,
    Done,
    Halt,
    Hello,
    Task,
    Welcome,
    Worked,
    read_node_message,
    send_node_message,
)
from datamind_gen.run.stopping import Draining, StopCause

if TYPE_CHECKING:
    from datamind_gen.run.engine import Engine

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 512
"""Rows of one stage that an engine has in hand: bounds memory, not the models or the sandbox."""
SILENCE_SECONDS = 30.0
"""Without any word for so long, a node counts as lost."""


class EngineLost(Exception):
    """The engine went away before it was done with a row."""


class Hand(Protocol):
    """An engine that works on rows."""

    cores: int
    in_hand: Counter[Stage]

    async def work(self, stage: Stage, envelope: Envelope, row: object | None) -> Worked:
        """What the stage makes of the row. Raises Draining, or EngineLost."""
        ...


class OwnHand:
    """The run's own engine."""

    def __init__(self, engine: Engine) -> None:
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        self.in_hand: Counter[Stage] = Counter()
        self._engine = engine
        self._epoch = 0

    async def work(self, stage: Stage, envelope: Envelope, row: object | None) -> Worked:
        if self._epoch < self._engine.crew.epoch:
            self._epoch = self._engine.crew.epoch
            self._engine.ledger.refresh()
        return await self._engine.work(stage, envelope, row)


class NodeHand:
    """An engine on another node, behind its connection."""

    def __init__(self, name: str, cores: int, writer: asyncio.StreamWriter, engine: Engine) -> None:
        self.name = name
        self.cores = cores
        self.in_hand: Counter[Stage] = Counter()
        self.usage: tuple[ModelUsage, ...] = ()
        self.is_gone = False
        """Whether it takes no more rows; a write may tell before its connection's end is read."""
        self._writer = writer
        self._engine = engine
        self._numbers = 0
        self._tasks: dict[int, asyncio.Future[Done]] = {}
        self._briefed: dict[str, bool] = {}
        """Files that the node knows of, and whether it has the profile too."""

    async def work(self, stage: Stage, envelope: Envelope, row: object | None) -> Worked:
        self._numbers += 1
        number = self._numbers
        if row is not None:
            envelope = replace(envelope, payload=encode(row))
        done = self._tasks[number] = asyncio.get_running_loop().create_future()
        task = Task(number, stage, envelope, self._engine.crew.epoch, self._brief(envelope.file))
        try:
            send_node_message(self._writer, task)
            await self._writer.drain()
            answer = await done
        except ConnectionError as error:
            self.is_gone = True
            raise EngineLost(self.name) from error
        finally:
            self._tasks.pop(number, None)
        if answer.worked is None:
            raise Draining
        return answer.worked

    def settle(self, done: Done) -> None:
        future = self._tasks.get(done.number)
        if future is not None and not future.done():
            future.set_result(done)

    def lose(self) -> int:
        """The node is gone; how many rows it had in hand."""
        self.is_gone = True
        waiting = [future for future in self._tasks.values() if not future.done()]
        for future in waiting:
            future.set_exception(EngineLost(self.name))
        return len(waiting)

    def halt(self, cause: StopCause) -> None:
        send_node_message(self._writer, Halt(cause))

    def close(self) -> None:
        self._writer.close()

    def _brief(self, file: str) -> Brief | None:
        profile = self._engine.profiles.get(file)
        if self._briefed.get(file) is (profile is not None):
            return None
        self._briefed[file] = profile is not None
        return Brief(
            file=file,
            paths={name: str(path) for name, path in self._engine.paths(file).items()},
            profile=profile,
        )


class Crew:
    """All engines of one run. One event loop's."""

    def __init__(self, engine: Engine) -> None:
        self.epoch = 0
        """Raised when engines should read what others have recorded since."""
        self.say: Callable[[str], None] = logger.info
        self._engine = engine
        self._own = OwnHand(engine)
        self._nodes: list[NodeHand] = []
        self._spent: list[tuple[ModelUsage, ...]] = []
        """What lost engines had spent."""
        self._waiting: dict[Stage, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._server: asyncio.Server | None = None
        self._token = secrets.token_hex(32)
        self._closing = False

    @contextlib.asynccontextmanager
    async def hand(self, stage: Stage) -> AsyncIterator[Hand]:
        """The engine with the fewest rows of the stage in hand for its cores, once there is room."""
        while (chosen := self._choose(stage)) is None:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[stage].append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake(stage)
                raise
        chosen.in_hand[stage] += 1
        try:
            yield chosen
        finally:
            chosen.in_hand[stage] -= 1
            self._wake(stage)

    def usage(self) -> tuple[ModelUsage, ...]:
        """What all engines have asked and spent, lost ones too."""
        return add_up([self._engine.models.usage(), *self._spent, *(node.usage for node in self._nodes)])

    def halt(self, cause: StopCause) -> None:
        """Has every node start nothing new."""
        for node in self._nodes:
            node.halt(cause)

    async def listen(self, address: str) -> tuple[int, str]:
        """Lets engines on other nodes join, at this address of this node; the port and the password."""
        self._server = await asyncio.start_server(self._welcome, address, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port, self._token

    def close(self) -> None:
        """Sends the engines on other nodes home."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for node in self._nodes:
            node.close()

    def _choose(self, stage: Stage) -> Hand | None:
        hands: Iterable[Hand] = (self._own, *(node for node in self._nodes if not node.is_gone))
        room = [hand for hand in hands if hand.in_hand[stage] < ROWS_AT_ONCE]
        return min(room, key=lambda hand: hand.in_hand.total() / hand.cores, default=None)

    def _wake(self, stage: Stage) -> None:
        waiting = self._waiting[stage]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                hello = await read_node_message(reader)
            if not isinstance(hello, Hello) or not hmac.compare_digest(hello.token, self._token):
                logger.warning("somebody without the run's token connected; sent away")
                return
            problem = hello.problem or self._differs(hello.fingerprints)
            send_node_message(writer, Welcome(not problem))
            await writer.drain()
            if problem:
                self.say(f"node {hello.node} is not used: {problem}")
                return
            await self._serve(NodeHand(hello.node, hello.cores, writer, self._engine), reader)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError) as error:
            logger.warning("a node's connection broke: %s", error)
        finally:
            writer.close()

    async def _serve(self, node: NodeHand, reader: asyncio.StreamReader) -> None:
        self.say(f"an engine on node {node.name} joined, with {node.cores} cores")
        self._nodes.append(node)
        for stage in self._waiting:
            for _ in range(len(self._waiting[stage])):
                self._wake(stage)
        if self._engine.stop is not None:
            node.halt(self._engine.stop)
        try:
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    message = await read_node_message(reader)
                match message:
                    case Done():
                        node.settle(message)
                    case Beat(usage, stop):
                        node.usage = usage
                        if stop is not None:
                            self._engine.request_stop(stop)
                    case _:
                        return
        finally:
            self._nodes.remove(node)
            self._spent.append(node.usage)
            self.epoch += 1
            lost = node.lose()
            if not self._closing:
                self.say(
                    f"lost the engine on node {node.name}: the {lost} rows that it had in hand go to other "
                    "engines; nothing that it recorded is lost"
                )

    def _differs(self, fingerprints: Mapping[str, str]) -> str:
        ours = {stage.value: found.digest for stage, found in self._engine.fingerprints.items()}
        differing = sorted(stage for stage in ours if ours[stage] != fingerprints.get(stage))
        if not differing:
            return ""
        return (
            f"its {', '.join(differing)} would give other results: the pipeline, prompts, taxonomy or "
            "version of datamind_gen there are not the ones here"
        )
