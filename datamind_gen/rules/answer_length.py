"""Length control: the final answer is not longer than a number of tokens (the paper: 1,024)."""

from __future__ import annotations

from pydantic import Field

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams


class AnswerLengthRule(RowRule):
    """Counts with the context's tokenizer, by default the approximation of rules/tokens.py."""

    name = "answer_length"
    reason = Reason.ANSWER_LENGTH

    class Params(RuleParams):
        max_tokens: int = Field(1024, ge=1)
        min_tokens: int = Field(1, ge=0)

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        tokens = context.count_tokens(candidate.trajectory.answer or "")
        if tokens > self.params.max_tokens:
            return RuleFinding(f"{tokens} tokens, more than {self.params.max_tokens}")
        if tokens < self.params.min_tokens:
            return RuleFinding(f"{tokens} tokens, fewer than {self.params.min_tokens}")
        return None
