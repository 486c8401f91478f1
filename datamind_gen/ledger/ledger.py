"""The ledger: what is done, durably. Resume, status and every report read it.

    with Ledger.open(run / "ledger") as ledger:          # refuses if another process has it
        ledger.put(RecordKind.RESULT, key, text)
        ledger.get(RecordKind.RESULT, key)

Records are found by kind and key; a later record of the same kind and key wins. An index of key to
place is held in memory (about 200 bytes a record), payloads stay on disk. It decides nothing: what a
key covers is the business of `run/keys.py`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO

import portalocker

from datamind_gen.ledger.segment import (
    KEY_BYTES,
    Frame,
    RecordKind,
    SegmentWriter,
    read_payload,
    scan,
)

SUFFIX = ".segment"


class LedgerLocked(Exception):
    """Another process is running on this run directory."""


class Ledger:
    """An open ledger. Not thread-safe: the engine's event loop owns it."""

    def __init__(self, folder: Path, lock: TextIO | None) -> None:
        self.folder = folder
        self._lock = lock
        self._index: dict[tuple[int, bytes], tuple[int, Frame]] = {}
        self._descriptors: list[int] = []
        self._writer: SegmentWriter | None = None
        self._writer_number = -1
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            self._load(path)

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
        return cls(folder, lock)

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        """Opens what is there for reading, beside a running engine if need be."""
        return cls(folder, None)

    def put(self, kind: RecordKind, key: str, payload: str) -> None:
        """Records. Raises OSError when the disk refuses; then nothing was recorded."""
        if self._writer is None:
            self._writer = self._start_segment()
        short = _short(key)
        frame = self._writer.append(kind, short, payload)
        self._index[(kind, short)] = (self._writer_number, frame)

    def get(self, kind: RecordKind, key: str) -> str | None:
        """The payload last recorded under the key, or None."""
        place = self._index.get((kind, _short(key)))
        if place is None:
            return None
        number, frame = place
        return read_payload(self._descriptors[number], frame)

    def holds(self, kind: RecordKind, key: str) -> bool:
        return (kind, _short(key)) in self._index

    def payloads(self, kind: RecordKind) -> Iterator[str]:
        """Every current payload of a kind, in the order recorded."""
        places = [place for (found, _), place in self._index.items() if found == kind]
        for number, frame in sorted(places, key=lambda place: (place[0], place[1].offset)):
            payload = read_payload(self._descriptors[number], frame)
            if payload is not None:
                yield payload

    def count(self, kind: RecordKind) -> int:
        return sum(1 for found, _ in self._index if found == kind)

    def sync(self) -> None:
        """Makes what was recorded survive a power cut."""
        if self._writer is not None:
            self._writer.sync()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for descriptor in self._descriptors:
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

    def _load(self, path: Path) -> None:
        number = len(self._descriptors)
        self._descriptors.append(os.open(path, os.O_RDONLY))
        for frame in scan(path):
            self._index[(frame.kind, frame.key)] = (number, frame)

    def _start_segment(self) -> SegmentWriter:
        if self._lock is None:
            raise ValueError(f"{self.folder} was opened for reading; use Ledger.open to write")
        numbers = [int(path.name.split("-")[0]) for path in self.folder.glob(f"*{SUFFIX}")]
        name = f"{max(numbers, default=0) + 1:06d}-{secrets.token_hex(4)}{SUFFIX}"
        writer = SegmentWriter(self.folder / name)
        self._writer_number = len(self._descriptors)
        self._descriptors.append(os.open(writer.path, os.O_RDONLY))
        return writer


def _short(key: str) -> bytes:
    """The first bytes of a hex sha256: 128 bits are plenty for telling records apart."""
    return bytes.fromhex(key[: 2 * KEY_BYTES])
