"""What an evaluation leaves of each try at a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one task."""

    task: str
    sample: int
    category: str
    level: str
    scores: dict[str, float]
    """By measure; `correct` is the one that pass@1 and pass@k count."""
    answer: str | None
    stop: str
    error: str | None
    turns: int

    @property
    def correct(self) -> bool:
        return self.scores.get("correct", 0.0) >= 1.0

    @property
    def crashed(self) -> bool:
        return self.error is not None


def average(attempts: Sequence[Attempt], measure: str) -> float:
    """A measure's mean over all attempts; one without it, such as a crash, counts as 0."""
    values = [attempt.scores.get(measure, 0.0) for attempt in attempts]
    return sum(values) / len(values) if values else 0.0
