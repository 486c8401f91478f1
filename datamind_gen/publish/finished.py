"""What a run hands over to be published. The engine fills it once, at the end of a run or at a stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.rows import Candidate, Profile, Reason, Stage, Status
from datamind_gen.spec.publish import PublishSettings


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that some stage did not keep."""

    id: str
    stage: Stage
    status: Status
    """REJECTED or FAILED."""
    reason: Reason
    detail: str
    payload: str
    """The row as it stood, as JSON text."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model in one of the pipeline's roles."""

    role: str
    """author, expert or judge."""
    provider: str
    model: str
    served: str
    """What the server said it is; empty when it did not say."""
    endpoint: str
    """For the manifest; no published row holds it, since it may name a host."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything that a dataset is made of. The order of its rows does not matter."""

    name: str
    description: str
    pipeline_yaml: str
    """The resolved pipeline, without the `run:` section, so that any machine publishes the same."""
    recipe: Mapping[str, bytes]
    """What the pipeline names beside its sources (taxonomy, prompts), by path in the dataset."""
    kept: Sequence[Candidate]
    dropped: Sequence[Dropped]
    profiles: Mapping[str, Profile]
    """File id -> profile, of at least the files that kept candidates are about."""
    paths: Mapping[str, Mapping[str, Path]]
    """File id -> name under data/files/ -> where the part lies here."""
    funnel: Funnel
    templates: tuple[tuple[str, str], ...]
    """Name and hash of each template that was rendered."""
    models: tuple[ModelUse, ...]
    seed: int
    settings: PublishSettings = field(default_factory=PublishSettings)
    title: str = ""
    """The card's heading; the name when there is none."""


class PublishError(Exception):
    """Publishing cannot go on; the message names the file and the fix. Exit code 2."""
