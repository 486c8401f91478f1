"""Reference match: a verified query's answer says what the executed reference says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from datamind_gen.agent.matching import Sameness, match, match_result
from datamind_gen.rows import AnswerType, Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams


class ReferenceRule(RowRule):
    """Stricter than the judges: the same to the last digit that is asked for. Unverified queries pass."""

    name = "reference"
    reason = Reason.REFERENCE_MISMATCH

    class Params(RuleParams):
        tolerance: float = Field(1e-6, ge=0, lt=1)
        """Relative, beside rounding to the decimals that the question asks for."""
        unsure: Literal["reject", "keep"] = "reject"
        """What becomes of an answer of which rules cannot say whether it matches."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        reference = candidate.query.reference
        if reference is None:
            return None
        trajectory, question = candidate.trajectory, candidate.query.question
        from_file = context.is_database or reference.type is AnswerType.TABLE
        if from_file or trajectory.result_csv is not None:
            found = match_result(
                reference, trajectory.result_csv, tolerance=self.params.tolerance, question=question
            )
        else:
            answer = trajectory.answer or ""
            found = match(reference, answer, tolerance=self.params.tolerance, question=question)
        if found.same or (found.verdict is Sameness.UNSURE and self.params.unsure == "keep"):
            return None
        return RuleFinding(f"{found.verdict}: {found.why}")
