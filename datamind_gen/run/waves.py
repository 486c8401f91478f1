"""Waves: what is asked next, planned from settled rows alone.

The plan of a wave is a pure function of the profiles, the settings and what earlier waves settled, so it
is the same on every start; it is recorded in the ledger all the same, for people who want to read it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from datamind_gen.ledger import RecordKind
from datamind_gen.ledger.shelf import Lazy, at_hand
from datamind_gen.rows import Candidate, Group, Query, Stage, decode, dump_json, encode, hash_text
from datamind_gen.run.delivered import Delivered
from datamind_gen.run.envelope import Envelope
from datamind_gen.spec.judging import Keep
from datamind_gen.stages.plan import Assignment, SettledQuery, find_reach, plan_wave
from datamind_gen.stages.reach import Reach
from datamind_gen.stages.select import select

if TYPE_CHECKING:
    from datamind_gen.run.engine import Engine

FIRST_YIELD = 1.0
"""Kept queries for every planned one, assumed before any was tried: what filtering takes is then asked anew
where it is missing, so that shares hold among what is kept, and not only in the plan."""
LEAST_YIELD = 0.05
"""No wave is planned as if fewer were kept: it would ask without end."""


class Waves:
    """Plans wave after wave. One engine's."""

    def __init__(
        self,
        engine: Engine,
        *,
        limit: int | None,
        recorded_only: bool = False,
        preview: int | None = None,
    ) -> None:
        self._engine = engine
        self._recorded_only = recorded_only
        """Asks what was asked before and nothing else, whatever is kept of it."""
        self._preview = preview
        """Asks so many of the first wave's queries, and no second wave."""
        self.limit = limit
        self._plans: dict[int, asyncio.Future[tuple[Assignment, ...]]] = {}
        self._settled: tuple[SettledQuery, ...] = ()
        self._yield = FIRST_YIELD
        self.reach: Reach | None = None
        """What the data allow, as far as a plan has asked."""

    async def plan(self, wave: int) -> tuple[Assignment, ...]:
        """What the wave asks. Waits until every file is profiled."""
        await self._engine.all_profiled()
        if wave not in self._plans:
            self._plans[wave] = asyncio.get_running_loop().create_future()
            plan = self._make_plan(wave)
            self._plans[wave].set_result(plan if self._preview is None else draw(plan, self._preview))
        return await self._plans[wave]

    async def start_next(self, wave: int, delivered: Delivered) -> bool:
        """Takes stock after a wave, and says whether another one is worth while."""
        spec = self._engine.spec
        if self._preview is not None:
            return False
        self._settled = settle(delivered, self._engine)
        if self._recorded_only:
            return bool(await self.plan(wave + 1))
        if wave >= spec.coverage.waves:
            return False
        kept = sum(query.kept_trajectories for query in self._settled)
        per_query = self._kept_per_success()
        self._yield = max(kept / per_query / self.planned, LEAST_YIELD) if self.planned else FIRST_YIELD
        return bool(await self.plan(wave + 1))

    @property
    def planned(self) -> int:
        return sum(len(plan.result()) for plan in self._plans.values() if plan.done())

    @property
    def kept_at_most(self) -> int | None:
        """The trajectories that a limit on queries allows."""
        return None if self.limit is None else self.limit * self._kept_per_success()

    def _make_plan(self, wave: int) -> tuple[Assignment, ...]:
        engine = self._engine
        key = hash_text("plan", str(wave))
        if self._recorded_only:
            text = engine.ledger.get(RecordKind.PLAN, key) or "[]"
            return tuple(decode(Assignment, assignment) for assignment in json.loads(text))
        profiles = tuple(engine.profiles[file] for file in sorted(engine.profiles))
        if self.reach is None:
            self.reach = find_reach(engine.spec.queries, engine.taxonomy, profiles)
        plan = plan_wave(
            engine.spec.coverage,
            engine.spec.queries,
            engine.taxonomy,
            profiles,
            self._settled,
            wave=wave,
            seed=engine.spec.seed,
            limit=self.limit,
            expected_kept_per_query=self._yield * self._kept_per_success(),
            reach=self.reach,
        )
        engine.ledger.put(RecordKind.PLAN, key, dump_json([encode(assignment) for assignment in plan]))
        return plan

    def _kept_per_success(self) -> int:
        spec = self._engine.spec
        return spec.sample.samples if spec.judge.keep is Keep.ALL else 1


def draw(plan: Sequence[Assignment], count: int) -> tuple[Assignment, ...]:
    """So many queries of a plan, at random but always the same: a larger draw holds a smaller one's."""
    drawn = sorted(plan, key=lambda assignment: hash_text("draw", assignment.id))[:count]
    return tuple(assignment for assignment in plan if assignment in drawn)


def settle(delivered: Delivered, engine: Engine) -> tuple[SettledQuery, ...]:
    """Every query that earlier waves asked, with the trajectories that it leaves in the dataset."""
    asked: dict[str, SettledQuery] = {}
    places: list[int] = []
    for place in delivered.places():
        envelope = delivered.at(place)
        query = read_query(envelope)
        if query is not None:
            asked[query.id] = SettledQuery(
                category=query.category,
                format=engine.profiles[query.file_id].file.format,
                hops=len(query.hops),
                level=query.level,
                file_id=query.file_id,
                kept_trajectories=0,
            )
        if envelope.stage is Stage.FILTER and envelope.kept:
            places.append(place)
    candidates = at_hand(Lazy(places, delivered.candidate_at))
    dropped = select(candidates, engine.spec)
    kept = Counter(found.query.id for found in candidates if found.id not in dropped)
    return tuple(replace(asked[id], kept_trajectories=kept[id]) for id in sorted(asked))


def read_query(envelope: Envelope) -> Query | None:
    """The query that a row at the end of the graph is about; None for files and unwritten queries."""
    kinds: Mapping[Stage, type[Query] | type[Group] | type[Candidate]] = {
        Stage.COMPOSE: Query,
        Stage.SAMPLE: Group,
        Stage.JUDGE: Group,
        Stage.REFLECT: Group,
        Stage.FILTER: Candidate,
    }
    kind = kinds.get(envelope.stage)
    if kind is None or not envelope.payload:
        return None
    row = decode(kind, envelope.payload)
    return row if isinstance(row, Query) else row.query
