"""Rows that wait for each other are let through by the set, never by the order of arrival."""

from __future__ import annotations

import asyncio

import pytest

from datamind_gen.rows import Stage, Status
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.gates import FileGate, ProfileGate
from datamind_gen.run.stopping import Draining


def envelope(id: str, file: str = "f", wave: int = 1) -> Envelope:
    return Envelope(id=id, file=file, wave=wave, stage=Stage.COMPOSE, status=Status.KEPT)


def test_the_profile_gate_opens_when_every_file_has_settled() -> None:
    async def scenario() -> bool:
        gate = ProfileGate()
        gate.expect(2)
        waiting = asyncio.create_task(gate.wait())
        gate.settle("a", None)
        await asyncio.sleep(0)
        early = waiting.done()
        gate.settle("b", None)
        await waiting
        return early

    assert asyncio.run(scenario()) is False


@pytest.mark.parametrize("order", [("b", "a", "c"), ("c", "b", "a")], ids=["bac", "cba"])
def test_a_file_gate_gives_everyone_the_same_sorted_set(order: tuple[str, ...]) -> None:
    async def scenario() -> list[list[str]]:
        gate = FileGate()
        gate.expect(1, "f", 3)
        sets = await asyncio.gather(*(gate.arrive(envelope(id)) for id in order))
        return [[found.id for found in together] for together in sets]

    assert asyncio.run(scenario()) == [["a", "b", "c"]] * 3


def test_waves_of_one_file_do_not_mix() -> None:
    async def scenario() -> list[str]:
        gate = FileGate()
        gate.expect(1, "f", 2)
        gate.expect(2, "f", 1)
        first = asyncio.create_task(gate.arrive(envelope("a")))
        second = await gate.arrive(envelope("b", wave=2))
        assert not first.done()
        first.cancel()
        return [found.id for found in second]

    assert asyncio.run(scenario()) == ["b"]


def test_a_stop_lets_nobody_wait_for_ever() -> None:
    async def scenario() -> None:
        gate = FileGate()
        gate.expect(1, "f", 2)
        waiting = asyncio.create_task(gate.arrive(envelope("a")))
        await asyncio.sleep(0)
        gate.abandon(1, "f")
        with pytest.raises(Draining):
            await waiting
        profiles = ProfileGate()
        profiles.expect(1)
        profiles.abandon()
        with pytest.raises(Draining):
            await profiles.wait()

    asyncio.run(scenario())
