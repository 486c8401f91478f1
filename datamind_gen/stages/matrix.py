"""The planned matrix of a pipeline: how many queries it will ask by category, format and hops.

A pure function of settings and profiles, for people who want to see a plan before it costs anything. It
shows the first wave; later ones depend on what is kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.rows import Profile
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.plan import plan_wave
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
