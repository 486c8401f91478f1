"""Where each key of one kind was last recorded: 16 bytes a record, sorted, and found by bisection.

A key is known here by its first 64 bits, a place is one number (see `ledger.py`). Whoever reads the
place compares the whole key, so that of two keys that begin alike the older one is absent and its work
done again, never mistaken: in a ledger of ten million records that happens with a chance of 1 in 400,000.

A segment's part can lie beside it as a file, so that opening a ledger reads no segment twice. It is a
cache: where it does not fit its segment, or is gone, the segment itself is read.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from datamind_gen.ledger.segment import Frame

Numbers = npt.NDArray[np.uint64]

LEAST_RECENT = 1 << 16
"""New records that are kept apart before they are sorted in."""
SUFFIX = ".index"
HEAD = struct.Struct("<4sQQI")
"""Magic, size of the segment, records, CRC of what follows."""
MAGIC = b"dmi1"


def prefix_of(key: bytes) -> int:
    return int.from_bytes(key[:8], "little")


class Index:
    """The places of one kind of record. The last place that was added under a prefix counts."""

    def __init__(self) -> None:
        self._prefixes: Numbers = np.empty(0, np.uint64)
        self._places: Numbers = np.empty(0, np.uint64)
        self._recent: dict[int, int] = {}
        self._new = 0
        """How many of the recent ones are not among the sorted."""

    def __len__(self) -> int:
        return len(self._prefixes) + self._new

    def add(self, prefix: int, place: int) -> None:
        if prefix not in self._recent and self._find_sorted(prefix) is None:
            self._new += 1
        self._recent[prefix] = place
        if len(self._recent) > max(LEAST_RECENT, len(self._prefixes) // 4):
            self._sort_in()

    def add_many(self, prefixes: Numbers, places: Numbers) -> None:
        """Adds as if one after the other."""
        self._sort_in()
        self._merge(prefixes, places)

    def find(self, prefix: int) -> int | None:
        place = self._recent.get(prefix)
        return place if place is not None else self._find_sorted(prefix)

    def places(self) -> Numbers:
        """Every place that counts, in ascending order."""
        self._sort_in()
        return np.sort(self._places)

    def count_without(self, other: Index) -> int:
        """How many are not in the other index."""
        self._sort_in()
        other._sort_in()
        return len(np.setdiff1d(self._prefixes, other._prefixes, assume_unique=True))

    def _find_sorted(self, prefix: int) -> int | None:
        at = int(self._prefixes.searchsorted(np.uint64(prefix)))
        if at < len(self._prefixes) and int(self._prefixes[at]) == prefix:
            return int(self._places[at])
        return None

    def _sort_in(self) -> None:
        if self._recent:
            prefixes = np.fromiter(self._recent.keys(), np.uint64, len(self._recent))
            places = np.fromiter(self._recent.values(), np.uint64, len(self._recent))
            self._recent.clear()
            self._merge(prefixes, places)

    def _merge(self, prefixes: Numbers, places: Numbers) -> None:
        prefixes = np.concatenate((self._prefixes, prefixes))
        order = np.argsort(prefixes, kind="stable")
        prefixes = prefixes[order]
        places = np.concatenate((self._places, places))[order]
        last = np.append(prefixes[1:] != prefixes[:-1], True) if len(prefixes) else np.empty(0, bool)
        self._prefixes, self._places = prefixes[last], places[last]
        self._new = 0


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """The records of one segment, in the order written."""

    kinds: npt.NDArray[np.uint8]
    prefixes: Numbers
    starts: Numbers
    end: int
    """Where the last of them ends."""

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> SegmentIndex:
        kinds, keys, starts, end = bytearray(), bytearray(), array("Q"), 0
        for frame in frames:
            kinds.append(frame.kind)
            keys += frame.key[:8]
            starts.append(frame.start)
            end = frame.end
        return cls(
            np.frombuffer(kinds, np.uint8),
            np.frombuffer(keys, "<u8").astype(np.uint64, copy=False),
            np.frombuffer(starts, np.uint64),
            end,
        )

    @classmethod
    def load(cls, segment: Path) -> SegmentIndex | None:
        """What lies beside the segment, where it is whole and as long as the segment."""
        try:
            data = segment.with_suffix(SUFFIX).read_bytes()
        except FileNotFoundError:
            return None
        if len(data) < HEAD.size:
            return None
        magic, size, count, crc = HEAD.unpack_from(data)
        body = memoryview(data)[HEAD.size :]
        if magic != MAGIC or size != segment.stat().st_size:
            return None
        if len(body) != 17 * count or zlib.crc32(body) != crc:
            return None
        return cls(
            np.frombuffer(body, np.uint8, count),
            np.frombuffer(body, "<u8", count, count),
            np.frombuffer(body, "<u8", count, 9 * count),
            size,
        )

    def save(self, segment: Path) -> None:
        """Puts it beside the segment. A disk that refuses costs time at the next opening, nothing else."""
        body = self.kinds.tobytes() + self.prefixes.tobytes() + self.starts.tobytes()
        head = HEAD.pack(MAGIC, segment.stat().st_size, len(self.kinds), zlib.crc32(body))
        path = segment.with_suffix(SUFFIX)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            beside.write_bytes(head + body)
            os.replace(beside, path)
