"""Replay: run a trajectory's code again in a fresh session, and compare every observation.

The filter's replay rule and `verify` use it. A difference is a property of the trajectory (time, chance,
order of a set); a sandbox that fails is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.agent.observation import describe, first_difference
from datamind_gen.rows import Trajectory
from datamind_gen.sandbox import OnError, Sandbox, TurnStatus


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of running a trajectory again."""

    difference: str | None = None
    """The first observation that came out differently, in words."""
    error: str | None = None
    """The sandbox failed: nothing is known."""

    @property
    def same(self) -> bool:
        return self.difference is None and self.error is None


async def replay_trajectory(
    trajectory: Trajectory,
    sandbox: Sandbox,
    paths: Mapping[str, Path],
    *,
    on_error: str,
    observation_chars: int,
    sql_only: bool,
    db_info: str | None,
) -> Replay:
    """Runs every turn's code in order. Sees the data under the same names as the first time.

    Where every turn but the last succeeded there was nothing to roll back, so no checkpoints are taken: a
    turn that fails now is a difference, and ends the replay.
    """
    executed = [turn.status for turn in trajectory.turns if turn.code is not None and turn.status is not None]
    nothing_to_undo = all(status == TurnStatus.OK for status in executed[:-1])
    session = await sandbox.open(
        paths,
        seed=str(trajectory.seed),
        on_error=OnError.KEEP if nothing_to_undo else OnError(on_error),
        sql_only=sql_only,
        db_info=db_info,
    )
    try:
        for number, turn in enumerate(trajectory.turns, start=1):
            if turn.code is None or turn.status is None:
                continue
            result = await session.run(turn.code)
            if result.status is TurnStatus.SANDBOX_FAILED:
                return Replay(error=result.error or "the sandbox failed")
            seen = describe(result, limit=observation_chars).text
            if seen != turn.observation:
                return Replay(difference=f"turn {number}: {first_difference(turn.observation or '', seen)}")
        return Replay()
    finally:
        await session.close()
