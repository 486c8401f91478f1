"""How memory is laid out, so that a fork is cheap, its pages stay shared, and an idle session holds little.

A zygote settles once, after its imports: what sessions will only read is put out of the garbage
collector's way, in pages as large as the kernel gives. A session gives back after each turn what its code
freed.
"""

from __future__ import annotations

import ctypes
import gc
import os
import struct
from collections.abc import Iterator

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEEP = 256 * 1024 * 1024
"""Freed memory that a turn keeps for its next allocation; given back when the turn ends."""
_MAPPED_FROM = 32 * 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
_HUGE_PAGE = 2 * 1024 * 1024
_PAGES = _HUGE_PAGE // _PAGE
_WORTH_IT = _PAGES * 9 // 10
"""Pages that must be in use: a huge page takes its room whole."""
_MADV_COLLAPSE = 25

_libc = ctypes.CDLL(None)
_libc.madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)


def settle() -> None:
    """Prepares a process that is about to be forked many times."""
    gc.collect()
    gc.disable()
    _libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM)
    _libc.mallopt(_M_TRIM_THRESHOLD, _KEEP)
    _libc.mallopt(_M_TOP_PAD, 1024 * 1024)
    _libc.malloc_trim(0)
    gc.freeze()
    _collapse()


def give_back() -> None:
    """Returns what was freed to the kernel. Well below a millisecond."""
    _libc.malloc_trim(0)


def _collapse() -> None:
    """Asks for huge pages: fewer page table entries to copy with a fork and to tear down with its end.

    A session that writes to one gets a copy of the small page that it wrote to, as before. Where the kernel
    cannot, nothing changes.
    """
    with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
        for start, end in _own_memory():
            first = -(-start // _HUGE_PAGE) * _HUGE_PAGE
            for place in range(first, end - _HUGE_PAGE + 1, _HUGE_PAGE):
                if _resident(pagemap.fileno(), place) >= _WORTH_IT:
                    _libc.madvise(place, _HUGE_PAGE, _MADV_COLLAPSE)


def _resident(pagemap: int, place: int) -> int:
    entries = os.pread(pagemap, 8 * _PAGES, place // _PAGE * 8)
    return sum(entry >> 63 for (entry,) in struct.iter_unpack("=Q", entries))


def _own_memory() -> Iterator[tuple[int, int]]:
    with open("/proc/self/maps") as maps:
        lines = maps.readlines()
    for line in lines:
        place, rights, *_, name = (*line.split(None, 5), "")[:6]
        if rights.startswith("rw") and name.strip() in ("", "[heap]"):
            start, end = place.split("-")
            yield int(start, 16), int(end, 16)
