"""Replay: the trajectory's code, run again in a fresh sandbox, shows the same observations."""

from __future__ import annotations

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import AsyncRowRule, RuleContext, RuleFailed, RuleFinding


class ReplayRule(AsyncRowRule):
    """Catches what depends on time, chance or a state that is not in the trajectory."""

    name = "replay"
    reason = Reason.REPLAY_DIFFERENCE

    async def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        """Raises RuleFailed when the sandbox is to blame, and ValueError where there is no sandbox."""
        if context.replay is None:
            raise ValueError("the replay rule needs a sandbox: RuleContext.replay is not set")
        outcome = await context.replay()
        if outcome.error is not None:
            raise RuleFailed(Reason.SANDBOX, outcome.error)
        return None if outcome.difference is None else RuleFinding(outcome.difference)
