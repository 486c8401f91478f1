"""Near-duplicate questions about one file: a pure function of the sorted set.

Two questions are duplicates when the Jaccard similarity of their word 3-grams reaches the threshold and
they name the same numbers and quoted values: "above 10" and "above 20" are two questions. Of a pair the
one that was asked in an earlier wave stays, else the one with the smaller id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from datamind_gen.rows import Query


def find_duplicate_questions(
    fresh: Sequence[Query], *, asked: Sequence[Query], threshold: float
) -> dict[str, str]:
    """The ids of fresh queries to drop, each with the id of the query that it repeats."""
    standing = [(query.id, _grams(query.question), _values(query.question)) for query in asked]
    standing.sort(key=lambda entry: entry[0])
    duplicates: dict[str, str] = {}
    for query in sorted(fresh, key=lambda query: query.id):
        grams, values = _grams(query.question), _values(query.question)
        original = next(
            (
                id
                for id, other, other_values in standing
                if values == other_values and _similarity(grams, other) >= threshold
            ),
            None,
        )
        if original is None:
            standing.append((query.id, grams, values))
        else:
            duplicates[query.id] = original
    return duplicates


def _grams(question: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", question.casefold())
    if len(words) < 3:
        return frozenset([tuple(words)])
    return frozenset(tuple(words[place : place + 3]) for place in range(len(words) - 2))


def _values(question: str) -> tuple[str, ...]:
    quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", question)
    numbers = re.findall(r"\d+(?:[.,]\d+)*", question)
    return tuple(sorted([*(a or b for a, b in quoted), *numbers]))


def _similarity(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 1.0
