"""Applies rules to candidates, in the order that the pipeline gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.ledger.shelf import choose
from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import AsyncRowRule, RowRule, Rule, RuleContext, RuleFailed, SetRule


@dataclass(frozen=True, slots=True)
class Rejection:
    """The first rule that a candidate did not pass."""

    rule: str
    reason: Reason
    """The rule's, or what failed (`sandbox`) where the rule could not say."""
    detail: str
    failed: bool = False
    """The rule could not say: the row has failed, and may be tried again."""


async def check_candidate(
    candidate: Candidate, rules: Sequence[Rule], context: RuleContext
) -> Rejection | None:
    """What becomes of one candidate under the rules that look at one; set rules are passed over."""
    for rule in rules:
        try:
            if isinstance(rule, RowRule):
                finding = rule.check(candidate, context)
            elif isinstance(rule, AsyncRowRule):
                finding = await rule.check(candidate, context)
            else:
                continue
        except RuleFailed as error:
            return Rejection(rule.name, error.reason, str(error), failed=True)
        if finding is not None:
            return Rejection(rule.name, rule.reason, finding.detail)
    return None


def check_set(rule: Rule, candidates: Sequence[Candidate]) -> dict[str, str]:
    """The candidates that a set rule rejects, by id, with the detail; none for a rule of another kind."""
    if not isinstance(rule, SetRule):
        return {}
    ids = [candidate.id for candidate in candidates]
    ordered = choose(candidates, sorted(range(len(ids)), key=ids.__getitem__))
    return {id: finding.detail for id, finding in rule.check_all(ordered).items()}
