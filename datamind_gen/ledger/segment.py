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
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

MAGIC = b"dmg1"
HEADER = struct.Struct("<4sB16sIII")
"""Magic, kind, key, payload length, payload CRC, header CRC."""
KEY_BYTES = 16


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


@dataclass(frozen=True, slots=True)
class Frame:
    kind: RecordKind
    key: bytes
    offset: int
    """Where the payload starts."""
    length: int
    crc: int


def pack_frame(kind: RecordKind, key: bytes, payload: str) -> bytes:
    """The bytes of one frame."""
    body = zlib.compress(payload.encode("utf-8", "surrogatepass"), 1)
    crc = zlib.crc32(body)
    head = HEADER.pack(MAGIC, kind, key, len(body), crc, 0)
    return HEADER.pack(MAGIC, kind, key, len(body), crc, zlib.crc32(head)) + body


def scan(path: Path) -> Iterator[Frame]:
    """The whole frames of a segment, up to the first that is torn."""
    size = path.stat().st_size
    if size < HEADER.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        size = len(data)
        position = 0
        while position + HEADER.size <= size:
            magic, kind, key, length, crc, head_crc = HEADER.unpack_from(data, position)
            start = position + HEADER.size
            if magic != MAGIC or start + length > size:
                return
            if zlib.crc32(HEADER.pack(magic, kind, key, length, crc, 0)) != head_crc:
                return
            last = start + length + HEADER.size > size
            if last and zlib.crc32(data[start : start + length]) != crc:
                return
            yield Frame(RecordKind(kind), key, start, length, crc)
            position = start + length


def read_payload(descriptor: int, frame: Frame) -> str | None:
    """The payload of a frame, or None where the bytes on disk are not what was written."""
    body = os.pread(descriptor, frame.length, frame.offset)
    if len(body) != frame.length or zlib.crc32(body) != frame.crc:
        return None
    return zlib.decompress(body).decode("utf-8", "surrogatepass")


class SegmentWriter:
    """Appends frames to a new segment. One writer a segment, for its whole life."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._end = 0

    def append(self, kind: RecordKind, key: bytes, payload: str) -> Frame:
        """Writes one frame. Raises OSError when the disk refuses; then nothing was written."""
        data = pack_frame(kind, key, payload)
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        length = len(data) - HEADER.size
        frame = Frame(kind, key, self._end + HEADER.size, length, zlib.crc32(data[HEADER.size :]))
        self._end += len(data)
        return frame

    def sync(self) -> None:
        """Makes what was written survive a power cut."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        self.sync()
        os.close(self._descriptor)
