"""What the run's engine and the engines on other nodes say to each other, over TCP."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from datamind_gen.models.usage import ModelUsage
from datamind_gen.rows import Profile, Stage, decode, encode
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.job import Job
from datamind_gen.run.stopping import StopCause
from datamind_gen.run.wire import LENGTH, read_message


@dataclass(frozen=True, slots=True)
class Enlistment:
    """What an engine on another node needs to know to join."""

    job: Job
    address: str
    port: int
    token: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """An engine would like to join, or says why it cannot."""

    token: str
    node: str
    cores: int = 1
    fingerprints: dict[str, str] = field(default_factory=dict)
    """By stage; they must be the same everywhere."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    joined: bool


@dataclass(frozen=True, slots=True)
class Brief:
    """A file that the node has not heard of yet, or whose profile it has not."""

    file: str
    paths: dict[str, str]
    profile: Profile | None


@dataclass(frozen=True, slots=True)
class Task:
    """One row for one stage."""

    number: int
    stage: Stage
    envelope: Envelope
    epoch: int
    """When it rises, the node reads what others have recorded before it goes on."""
    brief: Brief | None


@dataclass(frozen=True, slots=True)
class Worked:
    """What a stage made of a row."""

    text: str
    """The outcomes, as the ledger keeps them."""
    retry: bool
    """Trying again may change them."""


@dataclass(frozen=True, slots=True)
class Done:
    number: int
    worked: Worked | None
    """None when the run stops, and the row is left where it was."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Sign of life, twice a second."""

    usage: tuple[ModelUsage, ...]
    stop: StopCause | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    """Start nothing new."""

    cause: StopCause


NodeMessage = Hello | Welcome | Task | Done | Beat | Halt
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Hello, Welcome, Task, Done, Beat, Halt)}


def send_node_message(writer: asyncio.StreamWriter, message: NodeMessage) -> None:
    """Hands the message to the connection; drain the writer to let the other side keep up."""
    data = json.dumps([type(message).__name__, encode(message)]).encode()
    writer.write(LENGTH.pack(len(data)) + data)


async def read_node_message(reader: asyncio.StreamReader) -> NodeMessage | None:
    """The next message; None at the end."""
    data = await read_message(reader)
    if data is None:
        return None
    kind, body = json.loads(data)
    message: NodeMessage = decode(KINDS[kind], body)
    return message
