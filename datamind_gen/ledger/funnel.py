"""The funnel: what went into every stage, what came of it and why. It must add up.

A stage counts its own unit (files, queries, trajectories, groups), so the numbers of two stages
compare only through `made`: the rows that a stage made of the ones it took. `Funnel.problems` lists
every stage where taken + made is not kept + rejected + failed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from datamind_gen.rows import FileFormat, Level, Reason, Stage, Status


@dataclass(frozen=True, slots=True)
class StageCount:
    """One stage's rows, in its own unit."""

    stage: Stage
    unit: str
    taken: int
    """Rows of the unit that came in."""
    made: int
    """Rows of the unit that the stage made of rows of another unit."""
    kept: int
    rejected: tuple[tuple[Reason, int], ...] = ()
    failed: tuple[tuple[Reason, int], ...] = ()

    @property
    def rejected_total(self) -> int:
        return sum(count for _, count in self.rejected)

    @property
    def failed_total(self) -> int:
        return sum(count for _, count in self.failed)

    @property
    def adds_up(self) -> bool:
        return self.taken + self.made == self.kept + self.rejected_total + self.failed_total


@dataclass(frozen=True, slots=True)
class Cell:
    """Published trajectories and planned queries in one cell of the coverage matrix."""

    category: str
    format: FileFormat
    hops: int
    level: Level
    queries: int
    kept: int


@dataclass(frozen=True, slots=True)
class Funnel:
    stages: tuple[StageCount, ...]
    cells: tuple[Cell, ...] = ()
    wave: int = 1

    def problems(self) -> list[str]:
        """One line for every stage that does not add up."""
        return [
            f"{count.stage}: {count.taken} taken + {count.made} made is not {count.kept} kept + "
            f"{count.rejected_total} rejected + {count.failed_total} failed"
            for count in self.stages
            if not count.adds_up
        ]

    @property
    def kept(self) -> int:
        """Rows that the last stage kept."""
        return self.stages[-1].kept if self.stages else 0


class Tally:
    """Counts one stage's rows while they settle. A row that settles again is counted as it ended last."""

    def __init__(self, stage: Stage, unit: str, *, makes: bool) -> None:
        self.stage = stage
        self.unit = unit
        self.makes = makes
        """Whether the stage makes its rows of another unit's, rather than taking them."""
        self.queued = 0
        self.running = 0
        self._taken: set[str] = set()
        self._ends: dict[str, tuple[Status, Reason | None]] = {}
        self._totals: Counter[Status] = Counter()

    def take(self, id: str) -> None:
        self._taken.add(id)

    def settle(self, id: str, status: Status, reason: Reason | None) -> None:
        before = self._ends.get(id)
        if before is not None:
            self._totals[before[0]] -= 1
        self._ends[id] = (status, reason)
        self._totals[status] += 1

    def total(self, status: Status) -> int:
        return self._totals[status]

    def count(self) -> StageCount:
        return StageCount(
            stage=self.stage,
            unit=self.unit,
            taken=0 if self.makes else len(self._taken),
            made=len(self._ends) if self.makes else 0,
            kept=self.total(Status.KEPT),
            rejected=self._by_reason(Status.REJECTED),
            failed=self._by_reason(Status.FAILED),
        )

    def _by_reason(self, status: Status) -> tuple[tuple[Reason, int], ...]:
        counts = Counter(
            reason for ended, reason in self._ends.values() if ended is status and reason is not None
        )
        return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
