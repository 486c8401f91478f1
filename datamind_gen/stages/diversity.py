"""How different a set of questions is: pure functions of the set, whatever order it comes in."""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from datamind_gen.rows import Profile, Query, seed_from

PAIRS = 20_000
"""Pairs that similarity is measured on; drawn, where there are more."""
NEAR = 0.85
"""Jaccard similarity of character 5-grams from which two questions about one file are near duplicates."""
RELEASED = (207, 199, 11_707)
"""Exact and near duplicates, by character n-grams, among the rows that the paper released."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """Measures of a set of queries. Shares are between 0 and 1."""

    queries: int
    distinct_1: float
    """Distinct words as a share of all."""
    distinct_2: float
    distinct_3: float
    """Distinct word 3-grams as a share of all: 1 where no three words ever follow one another twice."""
    templates: int
    """Different templates (programs, or prompts) behind the questions."""
    template_entropy: float
    """Of the templates' shares, over its maximum: 1 where all are used alike."""
    column_coverage: float
    """Columns of the files that some question uses or names, as a share of all."""
    similarity_mean: float
    """Jaccard similarity of word 3-grams over pairs of questions about the same file."""
    similarity_95: float
    """Its 95th percentile."""
    exact_duplicates: int
    """Questions that say word for word what another one about the same file says."""
    near_duplicates: int
    """Further ones that are `NEAR` to another one about the same file, also where only a number differs."""

    def lines(self) -> tuple[tuple[str, str], ...]:
        """What a person reads: each measure's name and its value."""
        exact, near, rows = RELEASED
        return (
            (
                "distinct words, 2-grams, 3-grams",
                _percents(self.distinct_1, self.distinct_2, self.distinct_3),
            ),
            ("templates behind the questions", f"{self.templates:,}"),
            ("entropy of their shares, of its maximum", f"{self.template_entropy:.2f}"),
            ("columns of the files that a question uses", _percents(self.column_coverage)),
            (
                "word 3-gram Jaccard of two questions about one file, mean and 95th percentile",
                f"{self.similarity_mean:.3f}, {self.similarity_95:.3f}",
            ),
            (
                f"exact and near duplicates (character 5-gram Jaccard of {NEAR} within one file)",
                f"{self.exact_duplicates:,} and {self.near_duplicates:,} of {self.queries:,} "
                f"(the released DataMind-12K: {exact} and {near} of {rows:,})",
            ),
        )


def _percents(*shares: float) -> str:
    return ", ".join(f"{share:.1%}" for share in shares)


def measure_diversity(queries: Sequence[Query], profiles: Sequence[Profile]) -> Diversity:
    """The measures of a set of queries about these files."""
    ordered = sorted(queries, key=lambda query: query.id)
    words = [_words(query.question) for query in ordered]
    templates = Counter(query.template or query.origin.value for query in ordered)
    similarities = sorted(_similarities(ordered, words))
    exact, near = _count_duplicates(ordered)
    return Diversity(
        queries=len(ordered),
        distinct_1=_distinct(words, 1),
        distinct_2=_distinct(words, 2),
        distinct_3=_distinct(words, 3),
        templates=len(templates),
        template_entropy=normalised_entropy(list(templates.values())),
        column_coverage=_cover_columns(ordered, profiles),
        similarity_mean=sum(similarities) / len(similarities) if similarities else 0.0,
        similarity_95=similarities[math.ceil(0.95 * len(similarities)) - 1] if similarities else 0.0,
        exact_duplicates=exact,
        near_duplicates=near,
    )


def normalised_entropy(counts: Sequence[int]) -> float:
    """Shannon entropy of shares over that of equal shares; 1 for a single kind, 0 for none."""
    total = sum(counts)
    if not total:
        return 0.0
    if len(counts) == 1:
        return 1.0
    return -sum(count / total * math.log(count / total) for count in counts if count) / math.log(len(counts))


def _words(question: str) -> list[str]:
    return re.findall(r"\w+", question.casefold())


def _grams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]


def _distinct(texts: Sequence[Sequence[str]], size: int) -> float:
    total = 0
    seen: set[int] = set()  # hashes: millions of word tuples take gigabytes
    for words in texts:
        grams = _grams(words, size)
        total += len(grams)
        seen.update(map(hash, grams))
    return len(seen) / total if total else 0.0


def _similarities(queries: Sequence[Query], words: Sequence[Sequence[str]]) -> list[float]:
    by_file: dict[str, list[int]] = defaultdict(list)
    for place, query in enumerate(queries):
        by_file[query.file_id].append(place)
    # Pairs are numbered, not listed: there are half a million among a thousand queries of a file.
    groups = list(by_file.values())
    firsts = [(group, rank) for group in groups for rank in range(len(group))]
    before = [0, *accumulate(len(group) - 1 - rank for group, rank in firsts)]
    numbers: Sequence[int] = range(before[-1])
    if len(numbers) > PAIRS:
        rng = random.Random(seed_from("diversity", *(query.id for query in queries)))
        numbers = rng.sample(numbers, PAIRS)

    def compare(number: int) -> float:
        first = bisect_right(before, number) - 1
        group, rank = firsts[first]
        one, other = group[rank], group[rank + 1 + number - before[first]]
        return _jaccard(frozenset(_grams(words[one], 3)), frozenset(_grams(words[other], 3)))

    return [compare(number) for number in numbers]


def _jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def _count_duplicates(queries: Sequence[Query]) -> tuple[int, int]:
    """Questions that repeat an earlier one of their file, word for word and nearly."""
    texts: dict[str, set[str]] = defaultdict(set)
    for query in queries:
        texts[query.file_id].add(" ".join(_words(query.question)))
    near = sum(_count_near(sorted(found)) for found in texts.values())
    return len(queries) - sum(len(found) for found in texts.values()), near


def _count_near(texts: Sequence[str]) -> int:
    grams = sorted(
        (frozenset(text[place : place + 5] for place in range(max(1, len(text) - 4))) for text in texts),
        key=len,
    )
    count = 0
    for place, one in enumerate(grams):
        for other in reversed(grams[:place]):
            if len(other) < NEAR * len(one):
                break  # all that are left are shorter still
            shared = len(one & other)
            if shared >= NEAR * (len(one) + len(other) - shared):
                count += 1
                break
    return count


def _cover_columns(queries: Sequence[Query], profiles: Sequence[Profile]) -> float:
    used: dict[str, set[str]] = defaultdict(set)
    told: dict[str, list[str]] = defaultdict(list)
    for query in queries:
        used[query.file_id] |= {slot.column for hop in query.hops for slot in hop.slots if slot.column}
        told[query.file_id].append(query.question.casefold())
    every = covered = 0
    for profile in profiles:
        text = " ".join(told[profile.file.id])
        for name in {column.name for table in profile.tables for column in table.columns}:
            every += 1
            named = re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", text) is not None
            covered += name in used[profile.file.id] or named
    return covered / every if every else 0.0
