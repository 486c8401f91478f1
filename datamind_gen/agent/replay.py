"""Runs a trajectory's code again and compares what it shows: used by the replay rule and by `verify`."""

from __future__ import annotations

from dataclasses import dataclass

from datamind_gen.agent.loop import CodeSession, result_name
from datamind_gen.agent.observation import describe
from datamind_gen.rows import StopReason, Trajectory
from datamind_gen.sandbox.results import TurnStatus


class ReplayFailed(Exception):
    """The sandbox, not the trajectory, is to blame: nothing was compared."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a fresh session showed for each turn that had run code, in order."""

    observations: tuple[str, ...]
    result_csv: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    turn: int
    """1-based; 0 for the result file."""
    expected: str
    got: str

    def __str__(self) -> str:
        place = f"turn {self.turn}" if self.turn else "the result file"
        a, b = _first_difference(self.expected, self.got)
        return f"{place}: {a!r} became {b!r}"


async def replay(session: CodeSession, trajectory: Trajectory, *, observation_chars: int = 2048) -> Replay:
    """Runs the trajectory's code in a fresh session over the same files. Raises ReplayFailed."""
    observations = []
    for turn in trajectory.turns:
        if turn.code is None or turn.status is None:
            continue
        result = await session.run(turn.code)
        if result.status is TurnStatus.SANDBOX_FAILED:
            raise ReplayFailed(result.error or "the sandbox failed")
        observations.append(describe(result, limit=observation_chars).text)
    name = result_name(trajectory.answer or "") if trajectory.stop is StopReason.ANSWERED else None
    return Replay(tuple(observations), await session.read_file(name) if name else None)


def compare(trajectory: Trajectory, again: Replay) -> list[Difference]:
    """Where the replay shows something else than the trajectory."""
    ran = [
        (index, turn.observation or "")
        for index, turn in enumerate(trajectory.turns, start=1)
        if turn.code is not None and turn.status is not None
    ]
    found = [
        Difference(index, expected, got)
        for (index, expected), got in zip(ran, again.observations, strict=True)
        if expected != got
    ]
    if trajectory.result_csv != again.result_csv:
        found.append(Difference(0, trajectory.result_csv or "", again.result_csv or ""))
    return found


def _first_difference(expected: str, got: str) -> tuple[str, str]:
    start = next(
        (i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b),
        min(len(expected), len(got)),
    )
    start = max(0, start - 10)
    return expected[start : start + 60], got[start : start + 60]
