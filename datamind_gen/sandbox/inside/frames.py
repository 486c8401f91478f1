"""The engine's and the zygote's common tongue: a JSON header and an opaque body, each with its length.

The body carries text that untrusted code had a hand in; whoever relays a frame never parses it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

_LENGTHS = struct.Struct("!II")
MAX_FRAME = 64 * 1024 * 1024
"""Bytes of header and body together; a longer frame is a broken peer."""


@dataclass(frozen=True, slots=True)
class Frame:
    header: dict[str, Any]
    body: bytes = b""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """The frame as bytes."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), len(body)) + text + body


@dataclass(slots=True)
class FrameReader:
    """Cuts a stream of bytes into frames. Raises ValueError for a frame that no peer of ours sends."""

    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= _LENGTHS.size:
            header_size, body_size = _LENGTHS.unpack_from(self._buffer)
            end = _LENGTHS.size + header_size + body_size
            if end > MAX_FRAME:
                raise ValueError(f"a frame of {end} bytes is over the limit of {MAX_FRAME}")
            if len(self._buffer) < end:
                break
            middle = _LENGTHS.size + header_size
            header = json.loads(bytes(self._buffer[_LENGTHS.size : middle]))
            frames.append(Frame(header, bytes(self._buffer[middle:end])))
            del self._buffer[:end]
        return frames
