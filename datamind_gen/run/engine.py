"""The engine: runs stages on rows, once each, and keeps what they cost and how they ended.

One engine a node holds what is shared: the ledger, the sandbox, the models with their limiters, the
tallies. `process` takes an envelope through one stage; who moves envelopes from stage to stage
(distilabel's graph in `dag.py`, or `local.py` without it) is not the engine's business, and gives the
same rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import traceback
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamind_gen.ledger import Ledger, RecordKind
from datamind_gen.ledger.funnel import StageCount, Tally
from datamind_gen.models.base import ChatReply, ChatRequest, ProviderError, Role
from datamind_gen.models.limiter import priority_of
from datamind_gen.models.router import Models
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import (
    Profile,
    Query,
    Reason,
    Stage,
    Status,
    decode,
    dump_json,
    encode,
)
from datamind_gen.run.crew import Crew, EngineLost
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.flow import Step
from datamind_gen.run.gates import FileGate, ProfileGate
from datamind_gen.run.keys import Fingerprint, result_key, take_fingerprint
from datamind_gen.run.node_wire import Worked
from datamind_gen.run.stopping import Draining, StopCause, StopKind
from datamind_gen.run.watching import REPEATED, UNIT, End, Watcher
from datamind_gen.run.waves import Waves
from datamind_gen.sandbox import Sandbox
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome
from datamind_gen.stages.duplicates import find_duplicate_questions
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.write import Assigned
from datamind_gen.taxonomy import Taxonomy

logger = logging.getLogger(__name__)

STAGE_OF = {Role.AUTHOR: Stage.WRITE, Role.EXPERT: Stage.SAMPLE, Role.JUDGE: Stage.JUDGE}


@dataclass(frozen=True, slots=True)
class _End:
    """One recorded outcome."""

    id: str
    status: Status
    reason: Reason | None
    detail: str
    payload: str
    retryable: bool


class Engine:
    """Implements stages.base.Services."""

    def __init__(
        self,
        *,
        spec: PipelineSpec,
        ledger: Ledger,
        prompts: Prompts,
        taxonomy: Taxonomy,
        sandbox: Sandbox,
        models: Models,
        paths: Mapping[str, Mapping[str, Path]],
        flow: Mapping[Stage, Step],
        limit: int | None = None,
        recorded_only: bool = False,
        watcher: Watcher | None = None,
    ) -> None:
        self.spec = spec
        self.flow = flow
        self.ledger = ledger
        self.prompts = prompts
        self.taxonomy = taxonomy
        self.sandbox = sandbox
        self.models = models
        self.stop: StopCause | None = None
        self.recent_errors: list[str] = []
        self.fingerprints: dict[Stage, Fingerprint] = {
            stage: take_fingerprint(step.runner, spec, prompts, taxonomy) for stage, step in flow.items()
        }
        self.tallies = {
            stage: Tally(stage, step.runner.unit, makes=step.makes) for stage, step in flow.items()
        }
        self.reused: Counter[Stage] = Counter()
        self.worked: Counter[Stage] = Counter()
        self.watcher = watcher
        preview = watcher.queries if watcher is not None else None
        self.waves = Waves(self, limit=limit, recorded_only=recorded_only, preview=preview)
        self._paths = paths
        self._profiled = ProfileGate()
        self._composed = FileGate()
        self.crew = Crew(self)
        self._duplicates: dict[tuple[int, str], dict[str, str]] = {}
        self._asked: dict[str, dict[int, list[Query]]] = defaultdict(dict)
        """What each wave asked of a file."""
        self._composed_from: dict[str, str] = {}
        """The row that compose took, by the id of the query that it made of it."""
        self.to_salvage: dict[str, tuple[int, str]] = {}
        """Rows that failed and may yet be mended, with their wave and file."""
        self._errors: deque[bool] = deque(maxlen=spec.run.error_window)

    # --- what stages may use ---

    async def ask(self, request: ChatRequest) -> ChatReply:
        if self.stop is not None:
            raise Draining
        turn = sum(message.role == "assistant" for message in request.messages)
        priority = priority_of(STAGE_OF[request.role], turn)
        try:
            reply = await self.models.ask(request, priority=priority)
        except ProviderError as error:
            if not error.stops_run:
                raise
            self.request_stop(StopCause(StopKind.PROVIDER, self.models.stop_reason or str(error)))
            raise Draining from error
        if self.watcher is not None:
            self.watcher.replied(request.role, reply)
        return reply

    def profile(self, file_id: str) -> Profile:
        return self._profiled.profiles[file_id]

    def paths(self, file_id: str) -> Mapping[str, Path]:
        return self._paths[file_id]

    # --- what movers of rows use ---

    @property
    def profiles(self) -> Mapping[str, Profile]:
        return self._profiled.profiles

    def learn(self, file_id: str, profile: Profile) -> None:
        """Takes in a profile that another engine made."""
        self._profiled.profiles[file_id] = profile

    async def all_profiled(self) -> None:
        await self._profiled.wait()

    def expect_files(self, count: int) -> None:
        """How many files will come: the plan waits for all of them."""
        self._profiled.expect(count)

    def request_stop(self, cause: StopCause) -> None:
        """Starts nothing new; what is in flight comes in. The first cause stays."""
        if self.stop is None:
            self.stop = cause
            logger.warning("stopping: %s", cause.message)
            self.crew.halt(cause)

    async def process(self, stage: Stage, envelope: Envelope) -> list[Envelope]:
        """The rows that a stage makes of one. Raises Draining when the run stops before it is done."""
        try:
            return await self._process(stage, envelope)
        except Draining:
            if stage in (Stage.READ, Stage.PROFILE):
                self._profiled.abandon()
            if stage in (Stage.WRITE, Stage.COMPOSE):
                self._composed.abandon(envelope.wave, envelope.file)
            raise

    async def _process(self, stage: Stage, envelope: Envelope) -> list[Envelope]:
        step = self.flow[stage]
        if stage is Stage.WRITE:
            return await self._write(envelope)
        if not step.takes(envelope):
            outputs = [envelope]
        else:
            outputs = await self._run(stage, envelope, envelope.payload)
        if stage is Stage.PROFILE:
            self._settle_profile(outputs[0])
        if stage is Stage.COMPOSE and outputs[0].stage in (Stage.WRITE, Stage.COMPOSE):
            outputs = [await self._drop_duplicate(outputs[0])]
        return outputs

    def stage_counts(self) -> tuple[StageCount, ...]:
        return tuple(tally.count() for tally in self.tallies.values())

    # --- stages that need more than their row ---

    def _settle_profile(self, envelope: Envelope) -> None:
        profile = decode(Profile, envelope.payload) if envelope.kept else None
        self._profiled.settle(envelope.file, profile)

    async def _write(self, envelope: Envelope) -> list[Envelope]:
        if not envelope.kept:
            return [envelope]
        plan = await self.waves.plan(envelope.wave)
        assignments = [found for found in plan if found.file_id == envelope.file]
        profile = self.profile(envelope.file)
        self._composed.expect(envelope.wave, envelope.file, len(assignments))
        self._duplicates.pop((envelope.wave, envelope.file), None)
        batches = await asyncio.gather(
            *(self._write_one(envelope, assignment, profile) for assignment in assignments)
        )
        return [made for batch in batches for made in batch]

    async def _write_one(
        self, envelope: Envelope, assignment: Assignment, profile: Profile
    ) -> list[Envelope]:
        covers = dump_json([encode(assignment), profile.id])
        return await self._run(Stage.WRITE, envelope, covers, Assigned(assignment, profile))

    async def _drop_duplicate(self, envelope: Envelope) -> Envelope:
        place = (envelope.wave, envelope.file)
        together = await self._composed.arrive(envelope)
        if place not in self._duplicates:
            self._duplicates[place] = self._find_duplicates(*place, together)
            self._composed.leave(*place)
        original = self._duplicates[place].get(envelope.id)
        if not envelope.kept:
            return envelope
        tally, unit = self.tallies[Stage.COMPOSE], self._composed_from[envelope.id]
        tally.take(unit)
        if original is None:
            tally.settle(unit, Status.KEPT, None)
            return envelope
        tally.settle(unit, Status.REJECTED, Reason.DUPLICATE)
        detail = f"asks the same as {original}"
        if self.watcher is not None:
            end = End(envelope.id, Stage.COMPOSE, Status.REJECTED, Reason.DUPLICATE, detail)
            self.watcher.ended(envelope.id, end, "")
        return envelope.ended(
            id=envelope.id,
            stage=Stage.COMPOSE,
            status=Status.REJECTED,
            reason=Reason.DUPLICATE,
            detail=detail,
            payload=envelope.payload,
        )

    def _find_duplicates(self, wave: int, file: str, together: Sequence[Envelope]) -> dict[str, str]:
        fresh = [decode(Query, found.payload) for found in together if found.kept]
        earlier = [query for asked, queries in self._asked[file].items() if asked < wave for query in queries]
        duplicates = find_duplicate_questions(
            fresh, asked=earlier, threshold=self.spec.queries.duplicate_threshold
        )
        self._asked[file][wave] = [query for query in fresh if query.id not in duplicates]
        return duplicates

    # --- any stage ---

    async def _run(
        self, stage: Stage, envelope: Envelope, covers: str, row: object | None = None
    ) -> list[Envelope]:
        tally = self.tallies[stage]
        counted = envelope.wave == 1 or stage not in (Stage.READ, Stage.PROFILE)
        key = result_key(self.fingerprints[stage], covers)
        watched = self.watcher is not None and stage in REPEATED
        recorded = None if watched else self.ledger.get(RecordKind.RESULT, key)
        worked_on = row.assignment.id if isinstance(row, Assigned) else envelope.id
        UNIT.set(worked_on)
        if recorded is None:
            recorded = await self._work(stage, envelope, key, row)
            self.worked[stage] += 1
        else:
            self.reused[stage] += 1
        outputs = []
        for end in _read_ends(recorded):
            unit = _unit(stage, envelope, covers, end)
            if stage is Stage.COMPOSE and end.status is Status.KEPT:
                self._composed_from[end.id] = unit  # settled when its file's questions are all there
            elif counted:
                tally.take(envelope.id)
                tally.settle(unit, end.status, end.reason)
            self._note_end(stage, envelope, end)
            if watched and self.watcher is not None:
                told = End(end.id, stage, end.status, end.reason, end.detail)
                self.watcher.ended(worked_on, told, end.payload)
            outputs.append(
                envelope.ended(
                    id=end.id,
                    stage=stage,
                    status=end.status,
                    reason=end.reason,
                    detail=end.detail,
                    payload=end.payload or envelope.payload,
                )
            )
        return outputs

    async def work(self, stage: Stage, envelope: Envelope, row: object | None) -> Worked:
        """What a stage makes of a row here; `row` where it is not the payload. Raises Draining."""
        step = self.flow[stage]
        try:
            taken = row if row is not None else decode(step.row, envelope.payload)
            outcomes = await step.runner.run(taken, self)
        except Draining:
            raise
        except Exception as error:
            # A stage that raises is a bug of ours; the row must not take the run down with it.
            logger.error("%s of %s:\n%s", stage, envelope.id, traceback.format_exc())
            detail = f"{type(error).__name__}: {error}"
            outcomes = [Outcome(envelope.id, Status.FAILED, None, Reason.INTERNAL, detail, retryable=True)]
        return Worked(_write_ends(outcomes), retry=any(outcome.retryable for outcome in outcomes))

    async def _work(self, stage: Stage, envelope: Envelope, key: str, row: object | None) -> str:
        worked = None
        while worked is None:
            with contextlib.suppress(EngineLost):
                worked = await self._hand_out(stage, envelope, row)
        self._record(RecordKind.ATTEMPT if worked.retry else RecordKind.RESULT, key, worked.text)
        return worked.text

    async def _hand_out(self, stage: Stage, envelope: Envelope, row: object | None) -> Worked:
        tally = self.tallies[stage]
        tally.queued += 1
        async with self.crew.hand(stage) as hand:
            tally.queued -= 1
            if self.stop is not None:
                raise Draining
            tally.running += 1
            try:
                return await hand.work(stage, envelope, row)
            finally:
                tally.running -= 1

    def _record(self, kind: RecordKind, key: str, text: str) -> None:
        try:
            self.ledger.put(kind, key, text)
        except OSError as error:
            self.stop_for_disk(error)
            raise Draining from error

    def stop_for_disk(self, error: OSError) -> None:
        """The run directory takes no more: what is in flight comes in as far as it can."""
        cause = StopCause(
            StopKind.DISK,
            f"cannot write to {self.ledger.folder}: {error.strerror}; nothing recorded so far is "
            "lost: make room and run the same command again",
        )
        self.request_stop(cause)

    def _note_end(self, stage: Stage, envelope: Envelope, end: _End) -> None:
        if end.retryable:
            self.to_salvage[end.id] = (envelope.wave, envelope.file)
        else:
            self.to_salvage.pop(end.id, None)
        self._errors.append(end.status is Status.FAILED)
        if end.status is not Status.FAILED:
            return
        self.recent_errors.append(f"{stage} {end.id}: {end.reason}: {end.detail}")
        del self.recent_errors[:-3]
        rate = self.spec.run.error_rate
        window = self.spec.run.error_window
        if rate is not None and len(self._errors) == window and sum(self._errors) > rate * window:
            message = f"{sum(self._errors)} of the last {window} rows failed; the last: {end.detail}"
            self.request_stop(StopCause(StopKind.ERROR_RATE, message))


def _unit(stage: Stage, envelope: Envelope, covers: str, end: _End) -> str:
    """What a stage counts once, however often it is tried and whatever the result is called."""
    if stage is Stage.WRITE:
        return covers
    return end.id if stage is Stage.FILTER else envelope.id


def _write_ends(outcomes: Sequence[Outcome[Any]]) -> str:
    return dump_json(
        [
            [
                outcome.id,
                outcome.status.value,
                outcome.reason.value if outcome.reason else None,
                outcome.detail,
                encode(outcome.row) if outcome.row is not None else "",
                outcome.retryable,
            ]
            for outcome in outcomes
        ]
    )


def _read_ends(text: str) -> list[_End]:
    return [
        _End(id, Status(status), Reason(reason) if reason else None, detail, payload, retryable)
        for id, status, reason, detail, payload, retryable in json.loads(text)
    ]
