"""Plans what a wave asks: how many queries, in which category, format and number of hops, of which file.

A pure function of settings, profiles and what earlier waves settled: the same plan on every start, on any
machine. Each step goes to where the distance from the wanted shares is largest, so categories, formats,
hops and authors all approach their shares, and so do their combinations as far as the data allow.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from datamind_gen.rows import Column, FileFormat, Level, Origin, Profile, make_id, seed_from
from datamind_gen.spec.queries import CoverageSettings, QuerySettings
from datamind_gen.taxonomy import Category, Taxonomy, may_end
from datamind_gen.taxonomy.fill import fill, has_kind
from datamind_gen.taxonomy.views import list_views

Key = TypeVar("Key", bound=Hashable)
MIN_YIELD = 0.02


@dataclass(frozen=True, slots=True)
class Assignment:
    """One query to write: of which file, of which category, how hard, by whom."""

    id: str
    wave: int
    file_id: str
    category: str
    hops: int
    origin: Origin
    index: int
    """Tells apart the assignments of a wave that agree in all else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledQuery:
    """A query that an earlier wave asked, and what it left in the dataset."""

    category: str
    format: FileFormat
    hops: int
    level: Level
    file_id: str
    kept_trajectories: int


def plan_wave(
    coverage: CoverageSettings,
    queries: QuerySettings,
    taxonomy: Taxonomy,
    profiles: Sequence[Profile],
    settled: Sequence[SettledQuery],
    *,
    wave: int,
    seed: int,
    limit: int | None,
    expected_kept_per_query: float,
) -> tuple[Assignment, ...]:
    """The assignments of a wave; fewer than wanted where files run out, none where all is reached.

    `limit` bounds the queries of all waves. `expected_kept_per_query` is what a planned query is expected
    to leave in the dataset.
    """
    kept = sum(query.kept_trajectories for query in settled)
    missing = coverage.target - kept
    count = math.ceil(missing / max(expected_kept_per_query, MIN_YIELD)) if missing > 0 else 0
    if limit is not None:
        count = min(count, limit - len(settled))
    if count <= 0 or not profiles:
        return ()
    planner = _Planner(coverage, queries, taxonomy, profiles, settled, wave=wave, seed=seed)
    found: list[Assignment] = []
    while len(found) < count:
        assignment = planner.next()
        if assignment is None:
            break
        found.append(assignment)
    return tuple(found)


class _Planner:
    """Keeps count of what was settled and planned, and says where the next query is missing most."""

    def __init__(
        self,
        coverage: CoverageSettings,
        queries: QuerySettings,
        taxonomy: Taxonomy,
        profiles: Sequence[Profile],
        settled: Sequence[SettledQuery],
        *,
        wave: int,
        seed: int,
    ) -> None:
        self._wave, self._seed, self._per_file = wave, seed, coverage.per_file
        self._profiles = {profile.file.id: profile for profile in profiles}
        self._files: dict[str, Counter[str]] = {id: Counter() for id in self._profiles}
        self._categories = _shares(coverage.categories or taxonomy.weights())
        formats = Counter(profile.file.format.value for profile in profiles)
        self._formats = _shares(coverage.formats or formats)
        self._hops = _shares(queries.hops)
        self._origins = _shares({Origin.MODEL: queries.author.model, Origin.PROGRAM: queries.author.program})
        self._supported = {
            (origin, id, category.name)
            for origin in self._origins
            for id, profile in self._profiles.items()
            for category in taxonomy.categories
            if supports(category, profile, origin)
        }
        self._have: Counter[tuple[str, ...]] = Counter()
        for query in settled:
            if query.file_id in self._files:
                self._files[query.file_id][query.category] += 1
            if query.kept_trajectories:
                self._count(query.category, query.format.value, str(query.hops), None)
        self._indices: Counter[tuple[str, ...]] = Counter()
        self._rng = random.Random(seed_from("plan", str(seed), str(wave)))
        self._order = {id: self._rng.random() for id in sorted(self._profiles)}

    def next(self) -> Assignment | None:
        """The next assignment, or None where no file has room for any."""
        origin = Origin(self._most_missing(self._origins, ("origin",), set(self._origins)))
        for category in self._by_need(self._categories, ("category",)):
            formats = {
                self._profiles[id].file.format.value for id in self._open_files(origin, category)
            } & self._formats.keys()
            if not formats:
                continue
            format = self._most_missing(self._formats, ("format",), formats, joint=("category", category))
            hops = self._most_missing(self._hops, ("hops",), set(self._hops), joint=("category", category))
            file_id = self._pick_file(origin, category, format)
            self._count(category, format, str(hops), origin)
            self._files[file_id][category] += 1
            key = (file_id, category, str(hops), origin.value)
            self._indices[key] += 1
            index = self._indices[key]
            id = make_id("assignment", str(self._seed), str(self._wave), *key, str(index))
            return Assignment(id, self._wave, file_id, category, int(hops), origin, index)
        return None

    def _count(self, category: str, format: str, hops: str, origin: Origin | None) -> None:
        self._have[("all",)] += 1
        for key in (("category", category), ("format", format), ("hops", hops)):
            self._have[key] += 1
        self._have[("category", category, "format", format)] += 1
        self._have[("category", category, "hops", hops)] += 1
        if origin is not None:
            self._have[("origin", origin.value)] += 1
            self._have[("planned",)] += 1

    def _most_missing(
        self,
        shares: Mapping[Key, float],
        axis: tuple[str, ...],
        allowed: set[Key],
        joint: tuple[str, ...] = (),
    ) -> Key:
        total = self._have[("planned",)] if axis == ("origin",) else self._have[("all",)]
        within = self._have[joint] if joint else 0

        def missing(key: Key) -> tuple[float, float]:
            overall = shares[key] * (total + 1) - self._have[(*axis, str(key))]
            here = shares[key] * (within + 1) - self._have[(*joint, *axis, str(key))] if joint else 0.0
            return overall + here, shares[key]

        return max((key for key in shares if key in allowed), key=missing)

    def _by_need(self, shares: Mapping[str, float], axis: tuple[str, ...]) -> list[str]:
        total = self._have[("all",)]
        return sorted(
            (key for key in shares if shares[key] > 0),
            key=lambda key: (self._have[(*axis, key)] - shares[key] * (total + 1), key),
        )

    def _open_files(self, origin: Origin, category: str) -> Iterable[str]:
        for id in self._profiles:
            room = sum(self._files[id].values()) < self._per_file
            if room and (origin, id, category) in self._supported:
                yield id

    def _pick_file(self, origin: Origin, category: str, format: str) -> str:
        """The file of the format with fewest queries, those of the category counting double."""
        return min(
            (
                id
                for id in self._open_files(origin, category)
                if self._profiles[id].file.format.value == format
            ),
            key=lambda id: (
                sum(self._files[id].values()) + self._files[id][category],
                self._order[id],
            ),
        )


def supports(category: Category, profile: Profile, origin: Origin) -> bool:
    """Whether a file has what a category needs; for programs, whether any can be filled and answered."""
    views = list_views(profile)
    if not any(_meets_needs(category, view.columns) for view in views):
        return False
    if origin is Origin.MODEL:
        return True
    return any(
        may_end(program, profile)
        and any(fill(program, view.columns, view.rows, random.Random(0)) is not None for view in views)
        for program in category.programs
    )


def _meets_needs(category: Category, columns: Sequence[Column]) -> bool:
    return all(
        sum(has_kind(column, kind) for column in columns) >= count for kind, count in category.needs.items()
    )


def _shares(weights: Mapping[Key, float]) -> dict[Key, float]:
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items() if weight > 0}
