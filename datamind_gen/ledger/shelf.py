"""Rows by the million: their text on disk, and sequences that read one at a time.

    shelf = Shelf(run / "ledger")            # one file without a name: gone with the process
    place = shelf.put(text)
    rows = Lazy(places, lambda place: decode(Candidate, shelf.get(place)))

A `Lazy` is a sequence like any other, but each look at an item makes it anew. `at_hand` takes a sequence
into memory where it is small, so that only large runs pay for reading again.
"""

from __future__ import annotations

import errno
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")

LENGTH = struct.Struct("<I")
USUAL = 8192
"""Bytes read at first: most texts are whole with these."""
MOST_IN_MEMORY = 20_000
"""Rows of some tens of kilobytes: about a gigabyte."""


class Shelf:
    """Texts, found by the number that `put` gave."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (as long as the shelf)
        self._end = 0

    def put(self, text: str) -> int:
        """Keeps a text. Raises OSError when the disk refuses."""
        body = zlib.compress(text.encode("utf-8", "surrogatepass"), 1)
        data = LENGTH.pack(len(body)) + body
        place = self._end
        if os.pwrite(self._file.fileno(), data, place) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end += len(data)
        return place

    def get(self, place: int) -> str:
        data = os.pread(self._file.fileno(), USUAL, place)
        length = LENGTH.unpack_from(data)[0] + LENGTH.size
        if len(data) < length:
            data += os.pread(self._file.fileno(), length - len(data), place + len(data))
        return zlib.decompress(data[LENGTH.size : length]).decode("utf-8", "surrogatepass")


class Lazy(Sequence[V], Generic[K, V]):
    """What `load` makes of each key, made when it is looked at."""

    def __init__(self, keys: Sequence[K], load: Callable[[K], V]) -> None:
        self._keys = keys
        self._load = load

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, at: int) -> V: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[V]: ...
    def __getitem__(self, at: int | slice) -> V | Sequence[V]:
        if isinstance(at, slice):
            return Lazy(self._keys[at], self._load)
        return self._load(self._keys[at])

    def __iter__(self) -> Iterator[V]:
        return map(self._load, self._keys)


def at_hand(rows: Sequence[V]) -> Sequence[V]:
    """The rows in memory where they are few, as they are where they are many."""
    return tuple(rows) if len(rows) <= MOST_IN_MEMORY else rows


def choose(rows: Sequence[V], places: Sequence[int]) -> Sequence[V]:
    """Those of the rows, in that order."""
    return at_hand(Lazy(places, rows.__getitem__))
