"""What a stage is: it takes one row, and says how each row of its unit ended.

A stage never raises for a row: a provider, sandbox, file or template that lets it down is a FAILED
outcome. It knows nothing of distilabel, of the ledger or of where files lie; what it needs from the
engine comes through `Services`. Raise `version` whenever the meaning of a stage's result changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from datamind_gen.models.base import ChatReply, ChatRequest
from datamind_gen.rows import Profile, Reason, Stage, Status

if TYPE_CHECKING:
    from datamind_gen.prompts.render import Prompts
    from datamind_gen.sandbox import Sandbox
    from datamind_gen.spec.pipeline import PipelineSpec
    from datamind_gen.taxonomy import Taxonomy

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Out]):
    """How one row of a stage's unit ended. `row` goes on to the next stage when it is kept."""

    id: str
    status: Status
    row: Out | None = None
    reason: Reason | None = None
    detail: str = ""
    retryable: bool = False
    """Of a failure: running again may mend it, so it is not settled for good."""


class Services(Protocol):
    """What the engine offers to a stage."""

    spec: PipelineSpec
    taxonomy: Taxonomy
    prompts: Prompts
    sandbox: Sandbox

    async def ask(self, request: ChatRequest) -> ChatReply:
        """A reply, recorded and limited. Raises models.base.ProviderError when attempts are spent."""
        ...

    def profile(self, file_id: str) -> Profile:
        """The profile of a file that was kept."""
        ...

    def paths(self, file_id: str) -> Mapping[str, Path]:
        """Where the file's parts lie here, by the name under data/files/."""
        ...


class StageRunner(Protocol[In, Out]):
    """One stage. Its result is recorded under its name, version, settings, templates and the row."""

    name: Stage
    version: int
    unit: str
    """What the funnel counts here: file, query, trajectory, group."""

    def settings(self, spec: PipelineSpec) -> str:
        """JSON text of the part of the spec that the stage reads, and of nothing else."""
        ...

    def templates(self) -> tuple[str, ...]:
        """Names of the prompt templates that the stage renders."""
        ...

    async def run(self, row: In, services: Services) -> Sequence[Outcome[Out]]:
        """What became of the row. Never raises for the row's sake."""
        ...


def kept(id: str, row: Row) -> Outcome[Row]:
    """A row that goes on."""
    return Outcome(id, Status.KEPT, row)


def rejected(id: str, reason: Reason, detail: str, row: Row | None = None) -> Outcome[Row]:
    """A row that a rule, a judge or a choice said no to."""
    return Outcome(id, Status.REJECTED, row, reason, detail)


def failed(
    id: str, reason: Reason, detail: str, row: Row | None = None, *, retryable: bool = False
) -> Outcome[Row]:
    """A row that something outside it let down."""
    return Outcome(id, Status.FAILED, row, reason, detail, retryable)
