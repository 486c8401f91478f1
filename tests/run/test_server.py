"""The engine's socket, spoken to as the graph's steps do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from datamind_gen.run.job import Job
from datamind_gen.run.server import StepServer
from datamind_gen.run.traffic import Traffic
from datamind_gen.run.wire import Reply, StepClient, Verb


class BrokenPlan:
    """Rows that cannot be planned."""

    async def next_sources(self) -> None:
        raise ZeroDivisionError("a plan of nothing")


def test_a_plan_that_fails_ends_the_run_with_its_error_and_accuses_no_step(tmp_path: Path) -> None:
    lost: list[str] = []

    def ask() -> Reply:
        client = StepClient(str(tmp_path / "socket"), "source")
        reply = client.call(Verb.NEXT)
        client.close()
        return reply

    async def serve() -> Reply:
        server = StepServer(cast(Traffic, BrokenPlan()), Job("", (), str(tmp_path)), on_lost=lost.append)
        await server.start(tmp_path / "socket")
        reply = await asyncio.to_thread(ask)
        with pytest.raises(ZeroDivisionError, match="a plan of nothing"):
            await server.finished
        await server.close()
        return reply

    assert asyncio.run(serve()).end
    assert lost == []
