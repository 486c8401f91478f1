"""What the card, its plots and the list of sources count of the published rows.

A large run's rows are read from disk at every look, so `count_rows` looks at each of them once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from datamind_gen.ledger.funnel import Cell
from datamind_gen.publish.finished import PublishError
from datamind_gen.publish.verified import is_verified
from datamind_gen.rows import Candidate, FileFormat, Level, Origin, Profile, Query


@dataclass(frozen=True, slots=True)
class Coverage:
    """Kept trajectories and planned queries by category and format."""

    categories: tuple[str, ...]
    formats: tuple[FileFormat, ...]
    kept: Mapping[tuple[str, FileFormat], int]
    planned: Mapping[tuple[str, FileFormat], int]

    def category_kept(self, category: str) -> int:
        return sum(self.kept.get((category, kind), 0) for kind in self.formats)


@dataclass(slots=True)
class RowCounts:
    """The published rows, counted."""

    rows: int = 0
    verified: int = 0
    """Whose answer says what the query's reference says."""
    referenced: int = 0
    by_program: int = 0
    by_file: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, FileFormat]] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    hops: Counter[int] = field(default_factory=Counter)
    levels: Counter[Level] = field(default_factory=Counter)
    answer_types: Counter[str] = field(default_factory=Counter)
    isolation: set[str] = field(default_factory=set)
    queries: dict[str, Query] = field(default_factory=dict)
    shortest: Candidate | None = None

    def add(self, row: Candidate, format: FileFormat) -> None:
        query, trajectory = row.query, row.trajectory
        self.rows += 1
        self.verified += is_verified(row, is_database=format.is_database)
        self.referenced += query.reference is not None
        self.by_program += query.origin is Origin.PROGRAM
        self.by_file[query.file_id] += 1
        self.cells[query.category, format] += 1
        self.turns[len(trajectory.turns)] += 1
        self.hops[len(query.hops)] += 1
        self.levels[query.level] += 1
        self.answer_types[query.answer_type.value] += 1
        self.isolation.add(trajectory.isolation)
        self.queries[query.id] = query
        if self.shortest is None or _length(row) < _length(self.shortest):
            self.shortest = row

    @property
    def has_databases(self) -> bool:
        return any(format.is_database for _, format in self.cells)

    def cover(self, cells: Iterable[Cell]) -> Coverage:
        """The coverage matrix; what was planned is known where the funnel has cells."""
        planned: Counter[tuple[str, FileFormat]] = Counter()
        for cell in cells:
            planned[cell.category, cell.format] += cell.queries
        keys = {*self.cells, *planned}
        return Coverage(
            categories=tuple(sorted({category for category, _ in keys})),
            formats=tuple(kind for kind in FileFormat if any(kind is seen for _, seen in keys)),
            kept=self.cells,
            planned=planned,
        )


def count_rows(kept: Iterable[Candidate], profiles: Mapping[str, Profile]) -> RowCounts:
    """RowCounts the rows. Raises PublishError for one about a file that has no profile."""
    counts = RowCounts()
    for row in kept:
        profile = profiles.get(row.query.file_id)
        if profile is None:
            raise PublishError(f"kept rows are about a file that was not handed over: {row.query.file_id}")
        counts.add(row, profile.file.format)
    return counts


def _length(row: Candidate) -> tuple[int, str]:
    trajectory = row.trajectory
    said = (len(turn.text) + len(turn.observation or "") for turn in trajectory.turns)
    return sum(len(message.content) for message in trajectory.prompt) + sum(said), row.id
