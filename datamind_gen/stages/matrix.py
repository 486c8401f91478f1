"""The planned matrix of a pipeline: how many queries it will ask by category, format and hops.

A pure function of settings and profiles, for people who want to see a plan before it costs anything. It
shows the first wave; later ones depend on what is kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from datamind_gen.rows import Profile
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.plan import Cell as PlannedCell
from datamind_gen.stages.plan import list_cells, plan_wave
from datamind_gen.stages.reach import Reach
from datamind_gen.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Cell:
    """Queries planned alike."""

    category: str
    format: str
    hops: int
    queries: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """The first wave's plan. Categories, formats and hops in the order in which they are to be shown."""

    cells: tuple[Cell, ...]
    categories: tuple[str, ...]
    """All of the taxonomy, those that nothing is planned for included."""
    formats: tuple[str, ...]
    hops: tuple[int, ...]
    origins: tuple[tuple[str, int], ...]
    files: int
    """Files that at least one query is planned for."""
    wanted: int
    """Queries that the target calls for; more than `planned` where files run out."""

    @property
    def planned(self) -> int:
        return sum(cell.queries for cell in self.cells)

    @property
    def empty_categories(self) -> tuple[str, ...]:
        """Categories that no file supports, or that have no share."""
        asked = {cell.category for cell in self.cells}
        return tuple(name for name in self.categories if name not in asked)


class GapCause(StrEnum):
    """Why a cell is empty."""

    NOT_ALLOWED = "the data do not allow them"
    """No file of the format has what such a question takes."""
    NOT_REACHED = "not reached"
    """Never asked, or nothing that was asked was kept: more waves, a higher target or `each_cell` help."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A cell of the matrix that no kept trajectory is in."""

    category: str
    format: str
    hops: int
    cause: GapCause


def find_gaps(
    spec: PipelineSpec,
    taxonomy: Taxonomy,
    profiles: Sequence[Profile],
    kept: Collection[PlannedCell],
    reach: Reach,
) -> tuple[Gap, ...]:
    """The empty cells among those that have a share, each with why it is empty."""
    allowed = list_cells(spec.coverage, spec.queries, taxonomy, profiles, reach)
    categories = spec.coverage.categories or taxonomy.weights()
    formats = spec.coverage.formats or {profile.file.format.value: 1.0 for profile in profiles}
    cells = (
        PlannedCell(category, format, hops)
        for category in sorted(name for name, share in categories.items() if share > 0)
        for format in sorted(name for name, share in formats.items() if share > 0)
        for hops in sorted(hops for hops, share in spec.queries.hops.items() if share > 0)
    )
    return tuple(
        Gap(*cell, GapCause.NOT_REACHED if cell in allowed else GapCause.NOT_ALLOWED)
        for cell in cells
        if cell not in kept
    )


def plan_matrix(
    spec: PipelineSpec,
    taxonomy: Taxonomy,
    profiles: Sequence[Profile],
    *,
    limit: int | None = None,
    expected_kept_per_query: float = 0.7,
) -> Matrix:
    """What the first wave of a pipeline asks of these files."""
    plan = plan_wave(
        spec.coverage,
        spec.queries,
        taxonomy,
        profiles,
        (),
        wave=1,
        seed=spec.seed,
        limit=limit,
        expected_kept_per_query=expected_kept_per_query,
    )
    formats = {profile.file.id: profile.file.format.value for profile in profiles}
    counts = Counter((found.category, formats[found.file_id], found.hops) for found in plan)
    origins = Counter(found.origin.value for found in plan)
    wanted = math.ceil(spec.coverage.target / expected_kept_per_query)
    return Matrix(
        cells=tuple(Cell(*key, count) for key, count in sorted(counts.items())),
        categories=tuple(category.name for category in taxonomy.categories),
        formats=tuple(sorted(set(formats.values()))),
        hops=tuple(sorted(hops for hops, share in spec.queries.hops.items() if share > 0)),
        origins=tuple(sorted(origins.items())),
        files=len({found.file_id for found in plan}),
        wanted=wanted if limit is None else min(wanted, limit),
    )
