"""What comparing two answers comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sameness(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"
    """Rules cannot settle it: a model may."""


@dataclass(frozen=True, slots=True)
class Match:
    verdict: Sameness
    why: str

    @property
    def same(self) -> bool:
        return self.verdict is Sameness.SAME


def same(why: str) -> Match:
    return Match(Sameness.SAME, why)


def different(why: str) -> Match:
    return Match(Sameness.DIFFERENT, why)


def unsure(why: str) -> Match:
    return Match(Sameness.UNSURE, why)


def worst(matches: list[Match], *, why: str) -> Match:
    """The weakest of several matches that must all hold; `why` is said when all do."""
    for verdict in (Sameness.DIFFERENT, Sameness.UNSURE):
        for match in matches:
            if match.verdict is verdict:
                return match
    return same(why)
