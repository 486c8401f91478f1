"""What the engine's process tells the supervisor, one JSON line each, and what it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from datamind_gen.models.usage import ModelUsage
from datamind_gen.rows import decode, encode
from datamind_gen.run.stopping import ExitCode


class Order(StrEnum):
    """What the supervisor may ask of the engine, one word a line on its standard input."""

    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class StageState:
    """One line of the live table."""

    stage: str
    unit: str
    queued: int
    running: int
    kept: int
    rejected: int
    failed: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine listens: the graph may start."""

    socket: str
    ray: str | None = None
    """The Ray cluster to start it on."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the terminal."""

    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far the run is. Also the heartbeat: sent twice a second."""

    wave: int
    planned: int
    kept: int
    target: int
    """Trajectories to keep; fewer than the pipeline wants where a limit allows no more."""
    reused: int
    worked: int
    stages: tuple[StageState, ...]
    models: tuple[ModelUsage, ...]
    errors: tuple[str, ...]
    stalled_s: float
    """How long finished rows have been waiting for the graph to fetch them."""
    limit: int | None = None
    """At most so many queries, where that is what bounds the run."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A step of the graph went away without a word."""

    step: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word."""

    code: ExitCode
    message: str
    fix: str = ""
    warnings: tuple[str, ...] = ()
    """What whoever publishes the dataset should know."""


Event = Ready | Note | Snapshot | Lost | Ended
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Ready, Note, Snapshot, Lost, Ended)}


def write_event(event: Event) -> str:
    """One line, without its end."""
    return json.dumps({"kind": type(event).__name__, "event": encode(event)})


def read_event(line: str) -> Event:
    plain = json.loads(line)
    event: Event = decode(KINDS[plain["kind"]], plain["event"])
    return event
