"""Contamination: no question, table or file of the benchmarks that the user points to."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams
from datamind_gen.rules.contamination_list import (
    ContaminationList,
    gram_hashes,
    header_hash,
    load_contamination_list,
    question_hash,
)


class ContaminationRule(RowRule):
    """Compares with lists made by rules/contamination_list.py."""

    name = "contamination"
    reason = Reason.CONTAMINATION

    class Params(RuleParams):
        lists: tuple[str, ...] = Field(min_length=1)
        """Files that build_contamination_list saved."""
        max_overlap: float = Field(0.3, ge=0, le=1)
        """The share of a question's 8-word sequences that may stand in a list."""
        headers: bool = True
        """Reject questions about a table whose set of column names is in a list."""

    params: Params

    def __init__(self, params: RuleParams | None = None) -> None:
        super().__init__(params)
        _ = self._lists  # read now: a list that cannot be read is a mistake of the pipeline

    @cached_property
    def _lists(self) -> tuple[ContaminationList, ...]:
        return tuple(load_contamination_list(path) for path in self.params.lists)

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        question = candidate.query.question
        grams = gram_hashes(question)
        for known in self._lists:
            if question_hash(question) in known.questions:
                return RuleFinding(f"a question of {known.name}")
            overlap = len(grams & known.grams) / len(grams) if grams else 0.0
            if overlap > self.params.max_overlap:
                return RuleFinding(f"{overlap:.0%} of the question stands in {known.name}")
            if context.profile is None:
                continue
            if any(part.sha256 in known.files for part in context.profile.file.parts):
                return RuleFinding(f"a file of {known.name}")
            for table in context.profile.tables if self.params.headers else ():
                names = [column.name for column in table.columns]
                if len(names) > 2 and header_hash(names) in known.headers:
                    return RuleFinding(f"the columns of {table.name!r} are those of a table of {known.name}")
        return None
