"""What was sampled for a query, what a judge said of it, and the record that is published."""

from __future__ import annotations

from dataclasses import dataclass

from datamind_gen.rows.queries import Query
from datamind_gen.rows.vocabulary import FileFormat, Level, Origin, Scalar, StopReason


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    """system, user or assistant."""
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them. None is unknown, never zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One assistant message and what came of it."""

    text: str
    """The assistant's message, whole, as the model sent it."""
    thought: str | None
    code: str | None
    observation: str | None
    """What the model saw, with its <interpreter> tags; None on an answer."""
    status: str | None = None
    """The sandbox's TurnStatus, when code ran."""
    echo: str | None = None
    stdout_cut: int = 0
    """Characters that the observation leaves out."""
    finish_reason: str | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Trajectory:
    id: str
    query_id: str
    sample: int
    round: int
    """0 for the first samples, n for those of the n-th reflection."""
    prompt: tuple[Message, ...]
    """What is published: system and user message, without knowledge or critique."""
    turns: tuple[Turn, ...]
    stop: StopReason
    answer: str | None
    result_csv: str | None = None
    """The text of the result CSV that the answer names (database questions)."""
    model: str = ""
    served_model: str = ""
    sampling: tuple[tuple[str, Scalar], ...] = ()
    seed: int = 0
    isolation: str = ""
    faults: tuple[str, ...] = ()
    """Faults the scripted model planted: truth for audits, never shown to a judge or a rule."""
    error: str | None = None
    """What failed, when `stop` is a failure."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of a query's samples."""

    agree: bool
    method: str
    """rule, model, or rule+model."""
    best: int | None
    """An index into the group's trajectories."""
    agreeing: tuple[int, ...]
    """The indices that say the same, best first."""
    margin: float
    """The share of answered samples in the largest group."""
    reasoning: str = ""
    error: str | None = None
    """A judge that failed: never a wrong answer."""
    round: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A query with all that was sampled for it: the unit of judging and reflecting."""

    id: str
    query: Query
    trajectories: tuple[Trajectory, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The last verdict, if any."""
        return self.verdicts[-1] if self.verdicts else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One trajectory with its query and verdict: the unit of filtering."""

    id: str
    query: Query
    trajectory: Trajectory
    verdict: Verdict
    isolation: str = ""
    rank: int | None = None
    """Its place among the samples that agree, best first from 0; None for one that does not agree."""


@dataclass(frozen=True, slots=True)
class Record:
    """A published row of `sft`."""

    id: str
    question: str
    messages: tuple[Message, ...]
    files: tuple[str, ...]
    format: FileFormat
    category: str
    hops: int
    level: Level
    answer: str
    origin: Origin
    verified: bool
    lineage: str
    """JSON text."""
