"""What the card and its plots count: distributions and the coverage matrix, from published rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datamind_gen.ledger.funnel import Cell
from datamind_gen.rows import Candidate, FileFormat, Level, Record


@dataclass(frozen=True, slots=True)
class Coverage:
    """Kept trajectories and planned queries by category and format."""

    categories: tuple[str, ...]
    formats: tuple[FileFormat, ...]
    kept: dict[tuple[str, FileFormat], int]
    planned: dict[tuple[str, FileFormat], int]

    def category_kept(self, category: str) -> int:
        return sum(self.kept.get((category, kind), 0) for kind in self.formats)


@dataclass(frozen=True, slots=True)
class Distributions:
    """Counts by value, in the order in which a person would read them."""

    turns: tuple[tuple[int, int], ...]
    hops: tuple[tuple[int, int], ...]
    levels: tuple[tuple[str, int], ...]
    answer_types: tuple[tuple[str, int], ...]
    formats: tuple[tuple[str, int], ...]


def cover(records: Iterable[Record], cells: Iterable[Cell]) -> Coverage:
    """The coverage matrix; what was planned is known where the funnel has cells."""
    kept: Counter[tuple[str, FileFormat]] = Counter((row.category, row.format) for row in records)
    planned: Counter[tuple[str, FileFormat]] = Counter()
    for cell in cells:
        planned[(cell.category, cell.format)] += cell.queries
    keys = {*kept, *planned}
    return Coverage(
        categories=tuple(sorted({category for category, _ in keys})),
        formats=tuple(kind for kind in FileFormat if any(kind is seen for _, seen in keys)),
        kept=dict(kept),
        planned=dict(planned),
    )


def distribute(kept: Sequence[Candidate], records: Sequence[Record]) -> Distributions:
    levels = Counter(row.query.level for row in kept)
    return Distributions(
        turns=_sorted(len(row.trajectory.turns) for row in kept),
        hops=_sorted(len(row.query.hops) for row in kept),
        levels=tuple((level.value, levels[level]) for level in Level if levels[level]),
        answer_types=_by_count(row.query.answer_type.value for row in kept),
        formats=_by_count(row.format.value for row in records),
    )


def _sorted(values: Iterable[int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(Counter(values).items()))


def _by_count(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))
