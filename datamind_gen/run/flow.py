"""The way of the data: the stages in order, what each takes, and which rows pass by it untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datamind_gen.rows import DataFile, Group, Query, Reason, Stage, Status
from datamind_gen.run.envelope import Envelope
from datamind_gen.stages.base import StageRunner
from datamind_gen.stages.compose import ComposeStage
from datamind_gen.stages.filter import FilterStage
from datamind_gen.stages.judge import JudgeStage
from datamind_gen.stages.profile import ProfileStage
from datamind_gen.stages.read import ReadStage
from datamind_gen.stages.reflect import ReflectStage
from datamind_gen.stages.sample import SampleStage
from datamind_gen.stages.write import Assigned, WriteStage


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in the flow."""

    runner: StageRunner[Any, Any]
    row: type[Any]
    """What an envelope's payload holds when the stage takes it."""
    makes: bool = False
    """Whether the stage makes rows of its unit out of rows of another unit."""
    takes: Callable[[Envelope], bool] = lambda envelope: envelope.kept


def _disagreed(envelope: Envelope) -> bool:
    return (
        envelope.stage is Stage.JUDGE
        and envelope.status is Status.REJECTED
        and envelope.reason is Reason.INCONSISTENT
    )


FLOW: dict[Stage, Step] = {
    Stage.READ: Step(ReadStage(), DataFile),
    Stage.PROFILE: Step(ProfileStage(), DataFile),
    Stage.WRITE: Step(WriteStage(), Assigned, makes=True),
    Stage.COMPOSE: Step(ComposeStage(), Query),
    Stage.SAMPLE: Step(SampleStage(), Query),
    Stage.JUDGE: Step(JudgeStage(), Group),
    Stage.REFLECT: Step(ReflectStage(), Group, takes=_disagreed),
    Stage.FILTER: Step(FilterStage(), Group, makes=True),
}
"""In order. A row that a stage does not take goes on as it is."""
