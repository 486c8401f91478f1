"""Plans what a wave asks: how many queries, in which category, format and number of hops, of which file.

A pure function of settings, profiles and what earlier waves settled: the same plan on every start, on any
machine. Each step goes to where the distance from the wanted shares is largest, so categories, formats,
hops and authors all approach their shares, and so do their combinations as far as the data allow.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from datamind_gen.rows import FileFormat, Level, Origin, Profile, make_id, seed_from
from datamind_gen.spec.queries import CoverageSettings, QuerySettings
from datamind_gen.stages.reach import Reach
from datamind_gen.taxonomy import Taxonomy
from datamind_gen.taxonomy.level import levels_of

Key = TypeVar("Key", bound=Hashable)
MIN_YIELD = 0.02
DOUBT = 4
"""Queries of a category after which its own losses count as much as the average."""


class Cell(NamedTuple):
    """A place in the matrix of what a dataset covers."""

    category: str
    format: str
    hops: int


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
    level: Level | None = None
    """What a program's question is drawn towards, where the pipeline says how levels are to spread."""


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
    reach: Reach | None = None,
) -> tuple[Assignment, ...]:
    """The assignments of a wave; fewer than wanted where files run out, none where all is reached.

    Cells with fewer than `coverage.each_cell` trajectories come first, then whatever brings the shares
    nearest to what is wanted. `limit` bounds the queries of all waves. `expected_kept_per_query` is what a
    planned query is expected to leave in the dataset. `reach` keeps what was found for an earlier wave.
    """
    if not profiles:
        return ()
    reach = reach or find_reach(queries, taxonomy, profiles)
    planner = _Planner(coverage, queries, taxonomy, profiles, settled, wave=wave, seed=seed, reach=reach)
    missing = coverage.target - sum(query.kept_trajectories for query in settled)
    expected = max(expected_kept_per_query, MIN_YIELD)
    most = math.inf if limit is None else limit - len(settled)
    found: list[Assignment] = []
    for one in planner.fill_cells(coverage.each_cell):
        if len(found) >= most:
            break
        found.append(one)
    promised = expected * sum(planner.prospect(one.category) for one in found)
    while promised < missing - 1e-6 and len(found) < most and (likely := planner.next()) is not None:
        found.append(likely)
        promised += expected * planner.prospect(likely.category)
    return tuple(found)


def list_cells(
    coverage: CoverageSettings,
    queries: QuerySettings,
    taxonomy: Taxonomy,
    profiles: Sequence[Profile],
    reach: Reach,
) -> frozenset[Cell]:
    """The cells that have a share and that the data allow."""
    return _Planner(coverage, queries, taxonomy, profiles, (), wave=1, seed=0, reach=reach).list_cells()


def find_reach(queries: QuerySettings, taxonomy: Taxonomy, profiles: Sequence[Profile]) -> Reach:
    """What these files allow, as far as their profiles tell."""
    return Reach(taxonomy, {profile.file.id: profile for profile in profiles}, max(queries.hops))


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
        reach: Reach,
    ) -> None:
        self._wave, self._seed, self._per_file = wave, seed, coverage.per_file
        self._reach = reach
        self._format_of = {profile.file.id: profile.file.format.value for profile in profiles}
        self._room = dict.fromkeys(self._format_of, coverage.per_file)
        self._asked: Counter[tuple[str, str]] = Counter()
        self._categories = _shares(coverage.categories or taxonomy.weights())
        self._formats = _shares(coverage.formats or Counter(self._format_of.values()))
        self._hops = _shares(queries.hops)
        self._levels = _shares(coverage.levels or {})
        self._origins = _shares({Origin.MODEL: queries.author.model, Origin.PROGRAM: queries.author.program})
        self._have: dict[tuple[Hashable, ...], float] = defaultdict(float)
        self._lost = _Losses(settled)
        for query in settled:
            if query.file_id in self._room:
                self._room[query.file_id] -= 1
                self._asked[query.file_id, query.category] += 1
            if query.kept_trajectories:
                self._count(Cell(query.category, query.format.value, query.hops), 1.0)
                self._have[query.level,] += 1
        self._indices: Counter[tuple[Hashable, ...]] = Counter()
        rng = random.Random(seed_from("plan", str(seed), str(wave)))
        self._order = {id: rng.random() for id in sorted(self._format_of)}

    def fill_cells(self, each_cell: int) -> Iterator[Assignment]:
        """What cells with fewer than `each_cell` trajectories need. Later waves try more often: what they
        find empty has refused before."""
        for cell in sorted(cell for cell in self.list_cells() if self._have[cell] < each_cell):
            for _ in range((each_cell - int(self._have[cell])) * self._wave):
                origin = self._most_missing_origin()
                if cell not in self._cells(origin, cell.category):
                    break
                yield self._assign(origin, cell)

    def next(self) -> Assignment | None:
        """The assignment that brings the shares nearest to what is wanted; None where no file has room."""
        origin = self._most_missing_origin()
        for category in self._by_need():
            cells = self._cells(origin, category)
            if cells:
                return self._assign(origin, max(sorted(cells), key=self._missing))
        return None

    def list_cells(self) -> frozenset[Cell]:
        """The cells that some file with room can fill."""
        return frozenset(
            cell
            for category in self._categories
            for origin in self._origins
            for cell in self._cells(origin, category)
        )

    def _cells(self, origin: Origin, category: str) -> set[Cell]:
        """The cells of a category that some file with room can fill."""
        most: dict[str, int] = {}
        for id in self._open_files(origin, category, 1):
            format = self._format_of[id]
            most[format] = max(most.get(format, 0), self._reach(origin, id, category))
        return {
            Cell(category, format, hops)
            for format, reached in most.items()
            if format in self._formats
            for hops in self._hops
            if hops <= reached
        }

    def _assign(self, origin: Origin, cell: Cell) -> Assignment:
        file_id, level = self._pick_file(origin, cell), self._most_missing_level(cell.hops)
        self._count(cell, self._lost.chance(cell.category))
        self._have[level,] += self._lost.chance(cell.category)
        self._have[origin,] += 1
        self._have["planned",] += 1
        self._room[file_id] -= 1
        self._asked[file_id, cell.category] += 1
        key = (file_id, cell.category, str(cell.hops), origin.value)
        self._indices[key] += 1
        index = self._indices[key]
        id = make_id("assignment", str(self._seed), str(self._wave), *key, str(index))
        return Assignment(id, self._wave, file_id, cell.category, cell.hops, origin, index, level)

    def prospect(self, category: str) -> float:
        """How much likelier than the average a query of a category is to be kept."""
        return self._lost.chance(category) / self._lost.average

    def _count(self, cell: Cell, kept: float) -> None:
        """What is planned counts as much as it is likely to leave: what loses many rows is asked more."""
        have = self._have
        for key in ((), (cell.category,), (cell.format,), (cell.hops,), cell):
            have[key] += kept
        have[cell.category, cell.format] += kept
        have[cell.category, cell.hops] += kept

    def _most_missing_origin(self) -> Origin:
        planned = self._have["planned",]

        def missing(origin: Origin) -> tuple[float, float]:
            return self._origins[origin] * (planned + 1) - self._have[origin,], self._origins[origin]

        return max(self._origins, key=missing)

    def _most_missing_level(self, hops: int) -> Level | None:
        """Among the levels that have a share and that so many hops come to; None where there are none."""
        total = self._have[()]

        def missing(level: Level) -> float:
            return self._levels[level] * total - self._have[level,]

        return max((level for level in levels_of(hops) if level in self._levels), key=missing, default=None)

    def _by_need(self) -> list[str]:
        total = self._have[()] + 1
        return sorted(
            self._categories,
            key=lambda name: (self._have[name,] - self._categories[name] * total, name),
        )

    def _missing(self, cell: Cell) -> tuple[float, ...]:
        """How far the shares of the cell's format and hops are from what is wanted, overall and within the
        category; an empty cell counts as one row more."""
        total, within = self._have[()] + 1, self._have[cell.category,] + 1
        format, hops = self._formats[cell.format], self._hops[cell.hops]
        missing = (
            format * (total + within)
            - self._have[cell.format,]
            - self._have[cell.category, cell.format]
            + hops * (total + within)
            - self._have[cell.hops,]
            - self._have[cell.category, cell.hops]
        )
        return missing + (not self._have[cell]), format, hops, -cell.hops

    def _open_files(self, origin: Origin, category: str, hops: int) -> Iterator[str]:
        for id, room in self._room.items():
            if room > 0 and self._reach(origin, id, category) >= hops:
                yield id

    def _pick_file(self, origin: Origin, cell: Cell) -> str:
        """The file of the format with fewest queries, those of the category counting double."""
        return min(
            (
                id
                for id in self._open_files(origin, cell.category, cell.hops)
                if self._format_of[id] == cell.format
            ),
            key=lambda id: (self._asked[id, cell.category] - self._room[id], self._order[id]),
        )


class _Losses:
    """How often queries of a category were kept, so far."""

    def __init__(self, settled: Sequence[SettledQuery]) -> None:
        self._asked = Counter(query.category for query in settled)
        self._kept = Counter(query.category for query in settled if query.kept_trajectories)
        self.average = max(self._kept.total() / len(settled), MIN_YIELD) if settled else 1.0

    def chance(self, category: str) -> float:
        """Between 0 and 1; near the average as long as little was asked."""
        return (self._kept[category] + DOUBT * self.average) / (self._asked[category] + DOUBT)


def _shares(weights: Mapping[Key, float]) -> dict[Key, float]:
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items() if weight > 0}
