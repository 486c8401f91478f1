"""Replay in the real sandbox: what is fixed passes, what depends on chance or on planted text is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from datamind_gen.agent.loop import Episode, run_episode
from datamind_gen.agent.observation import describe
from datamind_gen.agent.policy import Action
from datamind_gen.rows import Candidate, Message, Reason
from datamind_gen.rules.apply import Rejection, check_candidate
from datamind_gen.rules.base import RuleContext
from datamind_gen.rules.examples import WrittenCandidate, make_candidate
from datamind_gen.rules.replay import ReplayRule
from datamind_gen.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


class Reader:
    """A policy that reads its lines."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)

    async def begin(self, prompt: tuple[Message, ...]) -> None: ...

    async def act(self) -> Action:
        return Action(self._lines.pop(0), "stop")

    async def observe(self, observation: str) -> None: ...


async def play(sandbox: Sandbox, path: Path, *codes: str) -> Candidate:
    lines = [f"<think>t</think><code>{code}</code>" for code in codes]
    session = await sandbox.open({"data.csv": path}, seed="replay")
    episode: Episode = await run_episode(
        Reader(*lines, "<think>t</think><answer>done</answer>"), session, (Message("user", "q"),)
    )
    await session.close()
    candidate, _ = make_candidate(WrittenCandidate())
    return replace(
        candidate, trajectory=replace(candidate.trajectory, turns=episode.turns, answer=episode.answer)
    )


@dataclass(frozen=True)
class Outcome:
    difference: str | None
    error: str | None = None


def context(sandbox: Sandbox, path: Path, candidate: Candidate) -> RuleContext:
    async def run_again() -> Outcome:
        session = await sandbox.open({"data.csv": path}, seed="replay")
        try:
            for number, turn in enumerate(candidate.trajectory.turns, start=1):
                seen = describe(await session.run(turn.code)).text if turn.code else turn.observation
                if seen != turn.observation:
                    return Outcome(f"turn {number}: {turn.observation} became {seen}")
        finally:
            await session.close()
        return Outcome(None)

    return RuleContext(replay=run_again)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "data.csv"
    file.write_text("x\n1\n2\n3\n")
    return file


async def test_a_trajectory_with_state_errors_and_seeded_chance_replays(sandbox: Sandbox, path: Path) -> None:
    candidate = await play(
        sandbox,
        path,
        "import pandas as pd, numpy as np\ndf = pd.read_csv('data/files/data.csv')\nprint(df.x.sum())",
        "df = df * 2\nprint(df.nope)",
        "print(df.x.sum(), np.random.rand(), hash('a'))",
    )
    assert [turn.status for turn in candidate.trajectory.turns] == ["ok", "error", "ok", None]
    assert await ReplayRule().check(candidate, context(sandbox, path, candidate)) is None


async def test_chance_from_the_system_is_found(sandbox: Sandbox, path: Path) -> None:
    candidate = await play(sandbox, path, "import os\nprint(os.urandom(16).hex())")
    finding = await ReplayRule().check(candidate, context(sandbox, path, candidate))
    assert finding is not None
    assert finding.detail.startswith("turn 1: ")


async def test_an_observation_that_was_changed_afterwards_is_found(sandbox: Sandbox, path: Path) -> None:
    candidate = await play(sandbox, path, "print(41)")
    first, last = candidate.trajectory.turns
    forged = replace(first, observation=(first.observation or "").replace("41", "42"))
    candidate = replace(candidate, trajectory=replace(candidate.trajectory, turns=(forged, last)))
    finding = await ReplayRule().check(candidate, context(sandbox, path, candidate))
    assert finding is not None
    assert "42" in finding.detail
    assert "41" in finding.detail


async def test_a_changed_file_is_found(sandbox: Sandbox, path: Path) -> None:
    candidate = await play(sandbox, path, "print(open('data/files/data.csv').read())")
    path.write_text("x\n1\n2\n4\n")
    assert await ReplayRule().check(candidate, context(sandbox, path, candidate)) is not None


async def test_a_sandbox_that_fails_is_no_rejection() -> None:
    candidate, _ = make_candidate(WrittenCandidate())

    async def run_again() -> Outcome:
        return Outcome(None, error="the zygote died")

    found = await check_candidate(candidate, [ReplayRule()], RuleContext(replay=run_again))
    assert found == Rejection("replay", Reason.SANDBOX, "the zygote died", failed=True)


async def test_without_a_sandbox_the_rule_says_so() -> None:
    candidate, _ = make_candidate(WrittenCandidate())
    with pytest.raises(ValueError, match="needs a sandbox"):
        await ReplayRule().check(candidate, RuleContext())
