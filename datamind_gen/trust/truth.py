"""Which samples are right: by an answer computed anew, and by what the scripted model planted.

    truths = await find_truths(cases, sandbox)
    truths.of(sample).answer            # right, wrong or unknown
    truths.of(sample).process           # clean, flawed or unknown

The answer is compared more strictly than by any filter: to the last digit that the question asks for. A
flawed process may still end in a right answer; only planted faults tell, so of other models it is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from datamind_gen.agent.loop import result_name
from datamind_gen.agent.matching import Match, Sameness, match, match_result
from datamind_gen.models.scripted_faults import Fault
from datamind_gen.rows import Answer
from datamind_gen.sandbox import OnError, Sandbox
from datamind_gen.trust.cases import Case, Sample
from datamind_gen.trust.published import PublishedRow
from datamind_gen.trust.recompute import Fresh, recompute
from datamind_gen.trust.verify import code_turns

TOLERANCE = 1e-6
"""Relative, beside rounding to the digits that are asked for."""
AT_ONCE = 32
RECOVERED = frozenset({Fault.SYNTAX_ERROR, Fault.KEY_ERROR, Fault.VOID_TURN})
"""Faults that a trajectory shows and mends: no flaw in how its answer was found."""
MISREAD = "misread:"
"""Before the kind of a fault that all samples of a query share."""


class AnswerTruth(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class ProcessTruth(StrEnum):
    CLEAN = "clean"
    FLAWED = "flawed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Truth:
    answer: AnswerTruth
    process: ProcessTruth
    why: str = ""

    @property
    def is_right(self) -> bool:
        return self.answer is AnswerTruth.RIGHT

    @property
    def is_known(self) -> bool:
        return self.answer is not AnswerTruth.UNKNOWN

    @property
    def is_bad(self) -> bool:
        """Whether a filter should stop it: a wrong answer, or a right one by a flawed process."""
        return self.answer is AnswerTruth.WRONG or self.process is ProcessTruth.FLAWED


@dataclass(slots=True)
class Truths:
    """The truth of every sample, and of every query what it was computed from."""

    fresh: dict[str, Fresh] = field(default_factory=dict)
    """By query id."""
    by_sample: dict[str, Truth] = field(default_factory=dict)

    def of(self, sample: Sample) -> Truth:
        return self.by_sample[sample.id]


async def find_truths(
    cases: Sequence[Case],
    sandbox: Sandbox,
    *,
    known: Mapping[str, Fresh] | None = None,
    advance: Callable[[], object] = lambda: None,
) -> Truths:
    """The truth of all samples; calls `advance` after each case.

    `known` holds what was computed anew already, by query id.
    """
    truths = Truths()
    free = asyncio.Semaphore(AT_ONCE)

    async def find(case: Case) -> None:
        async with free:
            fresh = (known or {}).get(case.query.id) or await recompute(case, sandbox)
            truths.fresh[case.query.id] = fresh
            for sample in case.samples:
                truths.by_sample[sample.id] = await _judge(sample, case, fresh.answer, sandbox)
            advance()

    async with asyncio.TaskGroup() as tasks:
        for case in cases:
            tasks.create_task(find(case))
    return truths


async def _judge(sample: Sample, case: Case, right: Answer | None, sandbox: Sandbox) -> Truth:
    process = _process_of(sample)
    if sample.answer is None:
        return Truth(AnswerTruth.WRONG, process, "no answer")
    if right is None:
        return Truth(_by_plan(process), process, "not computed anew")
    if case.is_database:
        csv = sample.result_csv
        if sample.row is not None:
            csv = await _make_result(sample.row, sandbox)
        found = match_result(right, csv, tolerance=TOLERANCE, question=case.query.question)
    else:
        found = match(right, sample.answer, tolerance=TOLERANCE, question=case.query.question)
    return Truth(_by_match(found, process), process, found.why)


def _process_of(sample: Sample) -> ProcessTruth:
    if not sample.is_scripted:
        return ProcessTruth.UNKNOWN
    return ProcessTruth.FLAWED if set(sample.faults) - RECOVERED else ProcessTruth.CLEAN


def _by_match(found: Match, process: ProcessTruth) -> AnswerTruth:
    if found.verdict is Sameness.UNSURE:
        return _by_plan(process)
    return AnswerTruth.RIGHT if found.same else AnswerTruth.WRONG


def _by_plan(process: ProcessTruth) -> AnswerTruth:
    """What is known of an answer that cannot be compared: without a planted fault it is right."""
    return AnswerTruth.RIGHT if process is ProcessTruth.CLEAN else AnswerTruth.UNKNOWN


async def _make_result(row: PublishedRow, sandbox: Sandbox) -> str | None:
    """The result CSV of a published row, which only its code can make again."""
    name = result_name(row.answer)
    if name is None:
        return None
    session = await sandbox.open(
        dict(row.files),
        seed=str(row.seed),
        on_error=OnError(str(row.setting("on_error", OnError.ROLLBACK))),
        sql_only=True,
        db_info=row.schema,
    )
    try:
        for code, _ in code_turns(row):
            await session.run(code)
        return await session.read_file(name)
    finally:
        await session.close()
