"""Replay: the trajectory's code, run again in a fresh sandbox, shows the same observations."""

from __future__ import annotations

from datamind_gen.agent.replay import compare
from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import AsyncRowRule, RuleContext, RuleFinding


class ReplayRule(AsyncRowRule):
    """Catches what depends on time, chance or a state that is not in the trajectory."""

    name = "replay"
    reason = Reason.REPLAY_DIFFERENCE

    async def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        """Raises ReplayFailed when the sandbox is to blame, and ValueError where there is no sandbox."""
        if context.replay is None:
            raise ValueError("the replay rule needs a sandbox: RuleContext.replay is not set")
        differences = compare(candidate.trajectory, await context.replay(candidate))
        return RuleFinding("; ".join(map(str, differences[:3]))) if differences else None
