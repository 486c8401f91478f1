"""Moves rows through the stages without distilabel: the same rows, in one process.

Used by tests, by `score`, and where distilabel cannot be imported (`--set run.graph=local`).
"""

from __future__ import annotations

import asyncio

from datamind_gen.rows import Stage
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.traffic import Traffic


async def move_locally(traffic: Traffic) -> None:
    """Runs wave after wave until there is nothing more to do."""
    stages = tuple(traffic.engine.flow)
    while (sources := await traffic.next_sources()) is not None:
        async with asyncio.TaskGroup() as tasks:
            for envelope in sources:
                tasks.create_task(_move(traffic, stages, envelope))


async def _move(traffic: Traffic, stages: tuple[Stage, ...], envelope: Envelope) -> None:
    if not stages:
        traffic.deliver(envelope)
        return
    outputs = await traffic.step(stages[0], envelope)
    if len(outputs) == 1:
        await _move(traffic, stages[1:], outputs[0])
        return
    async with asyncio.TaskGroup() as tasks:
        for output in outputs:
            tasks.create_task(_move(traffic, stages[1:], output))
