"""What a preview sees of its queries: each reply that was asked for, the samples, and how every row ended.

The engine tells a `Watcher`; `cases` then tells the rows of one planned query together, whatever the
stages called them. While somebody watches, stages that ask models work again even where their result is
recorded: the replies that are recorded are found, so it costs time but no money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from datamind_gen.models.base import ChatReply, Role
from datamind_gen.rows import Group, Query, Reason, Stage, Status, decode
from datamind_gen.stages.plan import Assignment

UNIT: ContextVar[str] = ContextVar("unit")
"""The row that a stage is working on; tasks that it starts inherit it."""
REPEATED = frozenset(Stage) - {Stage.READ, Stage.PROFILE}
"""Stages whose recorded results are not used while somebody watches."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one query asked of one role's model."""

    role: Role
    calls: int
    prompt_tokens: int | None
    """None where the server did not count some reply."""
    completion_tokens: int | None
    seconds: float | None
    """How long the endpoint took, all calls together."""


@dataclass(frozen=True, slots=True)
class End:
    """How a row of the query ended at its last stage."""

    id: str
    stage: Stage
    status: Status
    reason: Reason | None
    detail: str


@dataclass(frozen=True, slots=True)
class Case:
    """One planned query, with all that became of it."""

    id: str
    """The assignment's."""
    category: str
    format: str
    hops: int
    origin: str
    query: Query | None
    """None where none could be written."""
    group: Group | None
    """All its samples and verdicts; None where it got none."""
    ends: tuple[End, ...]
    kept: int
    """Trajectories that would be published, were these queries all."""
    asked: tuple[Asked, ...]


class Watcher:
    """Notes what the engine does for the queries of a preview."""

    def __init__(self, queries: int) -> None:
        self.queries = queries
        self._parents: dict[str, str] = {}
        self._replies: dict[str, list[tuple[Role, ChatReply]]] = defaultdict(list)
        self._queries: dict[str, Query] = {}
        self._groups: dict[str, Group] = {}
        self._ends: dict[str, End] = {}

    def replied(self, role: Role, reply: ChatReply) -> None:
        self._replies[UNIT.get()].append((role, reply))

    def ended(self, unit: str, end: End, payload: str) -> None:
        """A stage made this row of that one."""
        if end.id != unit:
            self._parents[end.id] = unit
        if payload and end.stage in (Stage.WRITE, Stage.COMPOSE):
            self._queries[self._root(end.id)] = decode(Query, payload)
        elif payload and end.stage in (Stage.SAMPLE, Stage.JUDGE, Stage.REFLECT):
            self._groups[self._root(end.id)] = decode(Group, payload)
        self._ends.pop(unit, None)
        self._ends[end.id] = end

    def cases(
        self, plan: Iterable[Assignment], formats: Mapping[str, str], kept: Iterable[str], late: Iterable[End]
    ) -> tuple[Case, ...]:
        """One a planned query. `formats` by file; `kept` are ids of trajectories that stay, and `late` is
        what the whole set decided."""
        for end in late:
            self._ends[end.id] = end
        kept_by_root: dict[str, int] = defaultdict(int)
        for id in kept:
            kept_by_root[self._root(id)] += 1
        ends: dict[str, list[End]] = defaultdict(list)
        for id in sorted(self._ends):
            ends[self._root(id)].append(self._ends[id])
        replies: dict[str, list[tuple[Role, ChatReply]]] = defaultdict(list)
        for unit, found in self._replies.items():
            replies[self._root(unit)].extend(found)
        return tuple(
            Case(
                id=planned.id,
                category=planned.category,
                format=formats[planned.file_id],
                hops=planned.hops,
                origin=planned.origin.value,
                query=self._queries.get(planned.id),
                group=self._groups.get(planned.id),
                ends=tuple(ends[planned.id]),
                kept=kept_by_root[planned.id],
                asked=sum_up(replies[planned.id]),
            )
            for planned in plan
        )

    def _root(self, id: str) -> str:
        while id in self._parents:
            id = self._parents[id]
        return id


def sum_up(replies: Iterable[tuple[Role, ChatReply]]) -> tuple[Asked, ...]:
    """The replies of each role, added up."""
    by_role: dict[Role, list[ChatReply]] = defaultdict(list)
    for role, reply in replies:
        by_role[role].append(reply)
    return tuple(
        Asked(
            role=role,
            calls=len(by_role[role]),
            prompt_tokens=_total([reply.usage.prompt_tokens for reply in by_role[role]]),
            completion_tokens=_total([reply.usage.completion_tokens for reply in by_role[role]]),
            seconds=_seconds([reply.seconds for reply in by_role[role]]),
        )
        for role in sorted(by_role)
    )


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _seconds(times: list[float | None]) -> float | None:
    known = [seconds for seconds in times if seconds is not None]
    return round(sum(known), 3) if len(known) == len(times) else None
