"""Select: what the whole set of candidates decides, once, on all of them sorted by id.

Never in the order of arrival: the same candidates give the same dataset. The licence policy is applied
by `publish`, which alone copies files.
"""

from __future__ import annotations

from collections.abc import Sequence

from datamind_gen.ledger.shelf import choose
from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules import build_rules, check_set
from datamind_gen.spec.pipeline import PipelineSpec


def select(candidates: Sequence[Candidate], spec: PipelineSpec) -> dict[str, tuple[Reason, str]]:
    """The ids of candidates that stay out, with the reason and its detail."""
    dropped: dict[str, tuple[Reason, str]] = {}
    left: Sequence[Candidate] = candidates
    for rule in build_rules(spec.rules):
        found = check_set(rule, left)
        dropped |= {id: (rule.reason, f"{rule.name}: {detail}") for id, detail in found.items()}
        if found:
            left = choose(candidates, [at for at, row in enumerate(candidates) if row.id not in dropped])
    return dropped
