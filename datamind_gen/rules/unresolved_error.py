"""No unresolved error: the last code that ran before the answer succeeded."""

from __future__ import annotations

from pydantic import Field

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams
from datamind_gen.sandbox.results import TurnStatus


class UnresolvedErrorRule(RowRule):
    """Errors on the way are fine, and instructive; an answer right after one is not."""

    name = "unresolved_error"
    reason = Reason.UNRESOLVED_ERROR

    class Params(RuleParams):
        max_errors: int | None = Field(None, ge=0)
        """Turns that may fail on the way; None is any number."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        ran = [turn for turn in candidate.trajectory.turns if turn.status is not None]
        failed = [turn for turn in ran if turn.status != TurnStatus.OK]
        if ran and ran[-1] in failed:
            return RuleFinding(f"the last code before the answer ended by {ran[-1].status}")
        if self.params.max_errors is not None and len(failed) > self.params.max_errors:
            return RuleFinding(f"{len(failed)} failed turns, more than {self.params.max_errors}")
        return None
