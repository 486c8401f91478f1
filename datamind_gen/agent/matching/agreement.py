"""Which of several answers to one question say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from datamind_gen.agent.matching.match import match
from datamind_gen.agent.matching.tables import CELL_TOLERANCE, match_csv
from datamind_gen.agent.matching.verdict import Match, Sameness


@dataclass(frozen=True, slots=True)
class Agreement:
    """`clusters` are indices into the answers, the largest first; each real answer is in exactly one."""

    clusters: tuple[tuple[int, ...], ...]
    unsure: tuple[tuple[int, int], ...]
    """Pairs that rules could not settle; they stand in different clusters."""
    whys: tuple[tuple[int, int, str], ...] = ()
    """For each pair that is not the same, why."""

    @property
    def largest(self) -> tuple[int, ...]:
        return self.clusters[0] if self.clusters else ()


def agree(
    answers: Sequence[str | None], *, tolerance: float = 0.03, question: str = "", tables: bool = False
) -> Agreement:
    """Clusters answers that say the same. With `tables`, the answers are the texts of result CSVs.

    An answer joins a cluster only when it is the same as every member, for sameness within a tolerance does
    not carry over. None, a refusal and an answer that instructs its judge are in no cluster.
    The outcome does not depend on the order of the answers.
    """
    compare = partial(match_csv, question=question, tolerance=min(tolerance, CELL_TOLERANCE))
    if not tables:
        compare = partial(match, question=question, tolerance=tolerance)
    given = [i for i, answer in enumerate(answers) if answer is not None and compare(answer, answer).same]
    pairs: dict[tuple[int, int], Match] = {}
    for position, i in enumerate(given):
        for j in given[position + 1 :]:
            one, other = sorted((answers[i] or "", answers[j] or ""))
            pairs[i, j] = compare(one, other)
    clusters: list[list[int]] = []
    for index in sorted(given, key=lambda i: (answers[i] or "", i)):
        for cluster in clusters:
            if all(pairs[min(index, member), max(index, member)].same for member in cluster):
                cluster.append(index)
                break
        else:
            clusters.append([index])
    settled = sorted((tuple(sorted(cluster)) for cluster in clusters), key=lambda c: (-len(c), c))
    return Agreement(
        clusters=tuple(settled),
        unsure=tuple(pair for pair, found in pairs.items() if found.verdict is Sameness.UNSURE),
        whys=tuple((i, j, found.why) for (i, j), found in pairs.items() if not found.same),
    )
