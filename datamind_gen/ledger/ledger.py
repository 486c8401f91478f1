"""The ledger: what is done, durably. Resume, status and every report read it.

    with Ledger.open(run / "ledger") as ledger:          # refuses if another process has it
        ledger.put(RecordKind.RESULT, key, text)
        ledger.get(RecordKind.RESULT, key)

Records are found by kind and key; a later record of the same kind and key wins. An index of key to
place is held in memory (16 bytes a record, see `index.py`), payloads stay on disk. It decides nothing:
what a key covers is the business of `run/keys.py`.

One process opens a ledger and holds its lock; engines on other nodes `join` it on a shared file system,
each with a segment of its own, and `refresh` to see what others wrote.
"""

from __future__ import annotations

import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np
import numpy.typing as npt
import portalocker

from datamind_gen.ledger.index import Index, Numbers, SegmentIndex, prefix_of
from datamind_gen.ledger.segment import (
    KEY_BYTES,
    RecordKind,
    SegmentWriter,
    read_key,
    read_payload,
    scan,
)

SUFFIX = ".segment"
OFFSET_BITS = 40
"""A place is a segment's number above so many bits of offset: a segment may have 1 TB."""
OPEN_FILES = 64
"""Segments held open for reading."""
WORTH_AN_INDEX = 1 << 20
"""Bytes of a segment from which reading it takes noticeable time."""

Part = tuple[npt.NDArray[np.uint8], Numbers, Numbers]
"""Kinds, prefixes of keys, and places."""


class LedgerLocked(Exception):
    """Another process is running on this run directory."""


class Ledger:
    """An open ledger. Not thread-safe: the engine's event loop owns it."""

    def __init__(self, folder: Path, lock: TextIO | None, *, writable: bool) -> None:
        self.folder = folder
        self._lock = lock
        self._writable = writable
        self._indexes = {kind: Index() for kind in RecordKind}
        self._segments: list[Path] = []
        self._known: dict[Path, tuple[int, int]] = {}
        """Number and bytes read, of each segment."""
        self._descriptors: OrderedDict[int, int] = OrderedDict()
        self._writer: SegmentWriter | None = None
        self._writer_number = -1
        self.refresh()

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Opens for writing, alone. Raises LedgerLocked, or OSError where the place is not writable."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="utf-8")
        try:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.exceptions.LockException as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            lock.close()
            raise LedgerLocked(f"{folder.parent} is being run by {holder}") from error
        lock.seek(0)
        lock.truncate()
        lock.write(f"process {os.getpid()}")
        lock.flush()
        return cls(folder, lock, writable=True)

    @classmethod
    def join(cls, folder: Path) -> Ledger:
        """Opens for writing beside the process that opened it: one more engine of the same run."""
        return cls(folder, None, writable=True)

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        """Opens what is there for reading, beside a running engine if need be."""
        return cls(folder, None, writable=False)

    def put(self, kind: RecordKind, key: str, payload: str) -> None:
        """Records. Raises OSError when the disk refuses; then nothing was recorded."""
        if self._writer is None:
            self._writer = self._start_segment()
        short = _short(key)
        start = self._writer.append(kind, short, payload)
        self._indexes[kind].add(prefix_of(short), self._writer_number << OFFSET_BITS | start)

    def get(self, kind: RecordKind, key: str) -> str | None:
        """The payload last recorded under the key, or None."""
        short = _short(key)
        place = self._indexes[kind].find(prefix_of(short))
        return None if place is None else self._read(place, kind, short)

    def holds(self, kind: RecordKind, key: str) -> bool:
        short = _short(key)
        place = self._indexes[kind].find(prefix_of(short))
        return place is not None and read_key(*self._locate(place)) == short

    def payloads(self, kind: RecordKind) -> Iterator[str]:
        """Every current payload of a kind, in the order recorded."""
        for place in map(int, self._indexes[kind].places()):
            payload = self._read(place, kind, read_key(*self._locate(place)))
            if payload is not None:
                yield payload

    def count(self, kind: RecordKind) -> int:
        return len(self._indexes[kind])

    def count_unsettled(self) -> int:
        """Keys that were tried and have no result."""
        return self._indexes[RecordKind.ATTEMPT].count_without(self._indexes[RecordKind.RESULT])

    def refresh(self) -> None:
        """Takes in what others have written since."""
        others = sorted(self.folder.glob(f"*{SUFFIX}"))
        if self._writer is not None:
            others.remove(self._writer.path)
        parts = [part for path in others if (part := self._load(path)) is not None]
        if not parts:
            return
        kinds, prefixes, places = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        for kind, index in self._indexes.items():
            chosen = kinds == kind
            index.add_many(prefixes[chosen], places[chosen])

    def sync(self) -> None:
        """Makes what was recorded survive a power cut."""
        if self._writer is not None:
            self._writer.sync()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            if self._writer.end >= WORTH_AN_INDEX:
                SegmentIndex.of(scan(self._writer.path)).save(self._writer.path)
            self._writer = None
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self, path: Path) -> Part | None:
        number, read = self._known.get(path) or (self._number(path), 0)
        size = path.stat().st_size
        if size <= read:
            return None
        found = SegmentIndex.load(path) if read == 0 else None
        if found is None:
            found = SegmentIndex.of(scan(path, read))
            if self._lock is not None and read == 0 and size >= WORTH_AN_INDEX:
                found.save(path)
        self._known[path] = number, max(read, found.end)
        return found.kinds, found.prefixes, found.starts | np.uint64(number << OFFSET_BITS)

    def _number(self, path: Path) -> int:
        self._segments.append(path)
        return len(self._segments) - 1

    def _locate(self, place: int) -> tuple[int, int]:
        """An open descriptor of the place's segment, and the offset there."""
        number = place >> OFFSET_BITS
        descriptor = self._descriptors.get(number)
        if descriptor is None:
            descriptor = self._descriptors[number] = os.open(self._segments[number], os.O_RDONLY)
            if len(self._descriptors) > OPEN_FILES:
                os.close(self._descriptors.popitem(last=False)[1])
        self._descriptors.move_to_end(number)
        return descriptor, place & ((1 << OFFSET_BITS) - 1)

    def _read(self, place: int, kind: RecordKind, key: bytes) -> str | None:
        return read_payload(*self._locate(place), kind, key)

    def _start_segment(self) -> SegmentWriter:
        if not self._writable:
            raise ValueError(f"{self.folder} was opened for reading; use Ledger.open to write")
        numbers = [int(path.name.split("-")[0]) for path in self.folder.glob(f"*{SUFFIX}")]
        name = f"{max(numbers, default=0) + 1:06d}-{secrets.token_hex(4)}{SUFFIX}"
        writer = SegmentWriter(self.folder / name)
        self._writer_number = self._number(writer.path)
        return writer


def _short(key: str) -> bytes:
    """The first bytes of a hex sha256: 128 bits are plenty for telling records apart."""
    return bytes.fromhex(key[: 2 * KEY_BYTES])
