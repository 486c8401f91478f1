"""How different a set of questions is: pure functions of the set, whatever order it comes in."""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.rows import Profile, Query, seed_from

PAIRS = 20_000
"""Pairs that similarity is measured on; drawn, where there are more."""


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


def measure_diversity(queries: Sequence[Query], profiles: Sequence[Profile]) -> Diversity:
    """The measures of a set of queries about these files."""
    ordered = sorted(queries, key=lambda query: query.id)
    words = [_words(query.question) for query in ordered]
    templates = Counter(query.template or query.origin.value for query in ordered)
    similarities = sorted(_similarities(ordered, words))
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
    grams = [gram for words in texts for gram in _grams(words, size)]
    return len(set(grams)) / len(grams) if grams else 0.0


def _similarities(queries: Sequence[Query], words: Sequence[Sequence[str]]) -> list[float]:
    by_file: dict[str, list[int]] = defaultdict(list)
    for place, query in enumerate(queries):
        by_file[query.file_id].append(place)
    pairs = [(one, other) for group in by_file.values() for one in group for other in group if one < other]
    if len(pairs) > PAIRS:
        rng = random.Random(seed_from("diversity", *(query.id for query in queries)))
        pairs = rng.sample(pairs, PAIRS)
    grams = [frozenset(_grams(text, 3)) for text in words]
    return [_jaccard(grams[one], grams[other]) for one, other in pairs]


def _jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 1.0


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
