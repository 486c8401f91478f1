"""What saturation is measured by: a list schedule that never leaves a slot free while work is ready."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from datamind_gen.models.limiter import priority_of
from datamind_gen.rows import Stage


@dataclass(slots=True)
class QueryWork:
    """One query: the latencies of its trajectories' turns, and of the judgement that waits for them all."""

    trajectories: list[list[float]] = field(default_factory=list)
    judgement: float | None = None


def ideal_s(work: Sequence[QueryWork], *, slots: int) -> float:
    """The makespan, with the precedence and the priorities that the engine has; code takes no time."""
    arrivals = itertools.count()
    ready: list[tuple[int, int, int, int, int]] = []
    for query, entry in enumerate(work):
        for sample in range(len(entry.trajectories)):
            heapq.heappush(ready, (-priority_of(Stage.SAMPLE), next(arrivals), query, sample, 0))
    running: list[tuple[float, int, int, int, int]] = []
    left = [len(entry.trajectories) for entry in work]
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, arrival, query, sample, turn = heapq.heappop(ready)
            entry = work[query]
            taken = entry.judgement if sample < 0 else entry.trajectories[sample][turn]
            heapq.heappush(running, (now + (taken or 0.0), arrival, query, sample, turn))
        now, _, query, sample, turn = heapq.heappop(running)
        if sample < 0:
            continue
        if turn + 1 < len(work[query].trajectories[sample]):
            rank = -priority_of(Stage.SAMPLE, turn + 1)
            heapq.heappush(ready, (rank, next(arrivals), query, sample, turn + 1))
            continue
        left[query] -= 1
        if not left[query] and work[query].judgement is not None:
            heapq.heappush(ready, (-priority_of(Stage.JUDGE), next(arrivals), query, -1, 0))
    return now


def read_journal(journal: Iterable[Sequence[Any]]) -> list[QueryWork]:
    """The work that an acting endpoint served: question, seed (none for a judgement), turn and latency."""
    turns: dict[str, dict[int, dict[int, float]]] = {}
    judgements: dict[str, float] = {}
    for question, seed, turn, latency in journal:
        if seed is None:
            judgements.setdefault(question, latency)
        else:
            turns.setdefault(question, {}).setdefault(seed, {}).setdefault(turn, latency)
    return [
        QueryWork(
            trajectories=[[found[turn] for turn in sorted(found)] for found in by_seed.values()],
            judgement=judgements.get(question),
        )
        for question, by_seed in turns.items()
    ]
