"""What goes over the engine's socket: length-prefixed JSON, asyncio on one side and plain on the other."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

LENGTH = struct.Struct("<I")


class Verb(StrEnum):
    EXCHANGE = "exchange"
    """Hand in rows, take what is ready."""
    NEXT = "next"
    """The source asks what enters next."""
    DELIVER = "deliver"
    """The sink hands rows out of the graph."""
    GATHER = "gather"
    """The graph says at which address engines on other nodes can reach this one, and takes what they need
    to know."""
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True)
class Call:
    verb: Verb
    step: str
    rows: list[dict[str, str]] = field(default_factory=list)

    def to_wire(self) -> bytes:
        return orjson.dumps({"verb": self.verb, "step": self.step, "rows": self.rows})

    @classmethod
    def from_wire(cls, data: bytes) -> Call:
        plain: dict[str, Any] = orjson.loads(data)
        return cls(Verb(plain["verb"]), plain["step"], plain["rows"])


@dataclass(frozen=True, slots=True)
class Reply:
    rows: list[dict[str, str]] = field(default_factory=list)
    tick: bool = False
    end: bool = False

    def to_wire(self) -> bytes:
        return orjson.dumps({"rows": self.rows, "tick": self.tick, "end": self.end})

    @classmethod
    def from_wire(cls, data: bytes) -> Reply:
        plain: dict[str, Any] = orjson.loads(data)
        return cls(plain["rows"], plain["tick"], plain["end"])


async def read_message(reader: asyncio.StreamReader) -> bytes | None:
    """The next message, or None at the end of the stream."""
    try:
        head = await reader.readexactly(LENGTH.size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    return await reader.readexactly(LENGTH.unpack(head)[0])


async def write_message(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(LENGTH.pack(len(data)) + data)
    await writer.drain()


class StepClient:
    """A step's connection, in the step's own process. Raises ConnectionError when the engine is gone."""

    def __init__(self, path: str, step: str) -> None:
        self._step = step
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)

    def call(self, verb: Verb, rows: list[dict[str, str]] | None = None) -> Reply:
        self._send(Call(verb, self._step, rows or []).to_wire())
        size = LENGTH.unpack(self._receive(LENGTH.size))[0]
        return Reply.from_wire(self._receive(size))

    def close(self) -> None:
        self._send(Call(Verb.GOODBYE, self._step).to_wire())
        self._socket.close()

    def _send(self, data: bytes) -> None:
        self._socket.sendall(LENGTH.pack(len(data)) + data)

    def _receive(self, size: int) -> bytes:
        chunks = bytearray()
        while len(chunks) < size:
            chunk = self._socket.recv(min(1 << 20, size - len(chunks)))
            if not chunk:
                raise ConnectionError("the engine closed its socket")
            chunks += chunk
        return bytes(chunks)
