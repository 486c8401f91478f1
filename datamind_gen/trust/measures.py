"""Precision and recall with what they were counted from, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How well something tells right from wrong. None where there was nothing to divide by."""

    name: str
    precision: float | None
    recall: float | None
    support: int
    """What was judged, of known truth."""
    hits: int
    """Picked, and rightly."""
    misses: int
    """Not picked, and should have been."""
    false_alarms: int
    """Picked, and wrongly."""
    low: float | None
    """Of the precision's 95 % interval (Wilson)."""
    high: float | None
    meaning: str = ""
    """What is picked, and what should be."""


def measure(name: str, found: Iterable[tuple[bool, bool, bool]], meaning: str) -> Measure:
    """Of (picked, picked rightly, should be picked), one for each thing that was judged."""
    judged = list(found)
    hits = sum(picked and rightly for picked, rightly, _ in judged)
    false_alarms = sum(picked and not rightly for picked, rightly, _ in judged)
    misses = sum(wanted and not (picked and rightly) for picked, rightly, wanted in judged)
    low, high = wilson(hits, hits + false_alarms)
    return Measure(
        name=name,
        precision=_share(hits, hits + false_alarms),
        recall=_share(hits, hits + misses),
        support=len(judged),
        hits=hits,
        misses=misses,
        false_alarms=false_alarms,
        low=low,
        high=high,
        meaning=meaning,
    )


def wilson(hits: int, of: int) -> tuple[float | None, float | None]:
    """The 95 % score interval of a share (Wilson 1927), which holds for few cases and near 0 and 1."""
    if not of:
        return None, None
    share = hits / of
    centre = share + Z * Z / (2 * of)
    spread = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    scale = 1 + Z * Z / of
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
