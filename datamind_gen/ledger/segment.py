"""A segment: one append-only file of checked frames, written by one process.

A frame is a fixed header (magic, kind, key, lengths, CRC) and a deflated JSON payload, written by one
`write`. A process that dies mid-write leaves a torn last frame, which `scan` finds and leaves out; a
write that the disk refuses is cut off again, so that a full disk tears nothing either.

It knows nothing of what the payloads mean: see `ledger.py`.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

MAGIC = b"dmg1"
HEADER = struct.Struct("<4sB16sIII")
"""Magic, kind, key, payload length, payload CRC, header CRC."""
KEY_BYTES = 16
USUAL_FRAME = 8192
"""Bytes read at first: most frames are whole with these, the rest takes a second read."""


class RecordKind(IntEnum):
    """What a frame holds. The numbers are the file format: never renumber."""

    RESULT = 1
    """A stage's settled result for one row."""
    ATTEMPT = 2
    """A failure that may be retried: history, not a result."""
    REPLY = 3
    """A model's reply, recorded as it arrived."""
    PLAN = 4
    """What a wave will ask."""
    RUN = 5
    """How a start of the run was configured, and how it ended."""


class Frame(NamedTuple):
    """Where a record lies in its segment."""

    kind: int
    key: bytes
    start: int
    end: int


def pack_frame(kind: RecordKind, key: bytes, payload: str) -> bytes:
    """The bytes of one frame."""
    body = zlib.compress(payload.encode("utf-8", "surrogatepass"), 1)
    crc = zlib.crc32(body)
    head = HEADER.pack(MAGIC, kind, key, len(body), crc, 0)
    return HEADER.pack(MAGIC, kind, key, len(body), crc, zlib.crc32(head)) + body


def scan(path: Path, start: int = 0) -> Iterator[Frame]:
    """The whole frames of a segment from there on, up to the first that is torn."""
    if path.stat().st_size < start + HEADER.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        size = len(data)
        while start + HEADER.size <= size:
            magic, kind, key, length, crc, head_crc = HEADER.unpack_from(data, start)
            body = start + HEADER.size
            end = body + length
            if magic != MAGIC or end > size:
                return
            if zlib.crc32(HEADER.pack(magic, kind, key, length, crc, 0)) != head_crc:
                return
            if end + HEADER.size > size and zlib.crc32(data[body:end]) != crc:
                return
            yield Frame(kind, key, start, end)
            start = end


def read_payload(descriptor: int, start: int, kind: int, key: bytes) -> str | None:
    """The payload of the frame there; None where it is another's, or not what was written."""
    data = os.pread(descriptor, USUAL_FRAME, start)
    if len(data) < HEADER.size:
        return None
    magic, found_kind, found_key, length, crc, _ = HEADER.unpack_from(data)
    if (magic, found_kind, found_key) != (MAGIC, kind, key):
        return None
    body = data[HEADER.size : HEADER.size + length]
    if len(body) < length:
        body += os.pread(descriptor, length - len(body), start + HEADER.size + len(body))
    if len(body) != length or zlib.crc32(body) != crc:
        return None
    return zlib.decompress(body).decode("utf-8", "surrogatepass")


def read_key(descriptor: int, start: int) -> bytes:
    """The key of the frame there; empty where there is none."""
    data = os.pread(descriptor, HEADER.size, start)
    return bytes(HEADER.unpack(data)[2]) if len(data) == HEADER.size else b""


class SegmentWriter:
    """Appends frames to a new segment. One writer a segment, for its whole life."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = 0
        """Bytes written."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def append(self, kind: RecordKind, key: bytes, payload: str) -> int:
        """Writes one frame; where it starts. Raises OSError when the disk refuses: nothing was written."""
        data = pack_frame(kind, key, payload)
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self.end)
            raise
        start = self.end
        self.end += len(data)
        return start

    def sync(self) -> None:
        """Makes what was written survive a power cut."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        self.sync()
        os.close(self._descriptor)
