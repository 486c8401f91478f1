"""A session's stdout and stderr: both end in one memory file that the zygote reads, in the order written."""

from __future__ import annotations

import ctypes
import io
import sys
from typing import Any

from datamind_gen.sandbox.inside.execute import OutputLimit


class _CappedFile(io.FileIO):
    """Writes through until a turn's share is used up; what comes then ends the turn."""

    budget = 0

    def write(self, data: Any) -> int:
        size = len(data) if isinstance(data, bytes) else memoryview(data).nbytes
        if size > _CappedFile.budget:
            super().write(bytes(data)[: max(0, _CappedFile.budget)])
            _CappedFile.budget = 0
            raise OutputLimit("the turn prints too much; print a summary or the first rows instead")
        _CappedFile.budget -= size
        written = super().write(data)
        return size if written is None else written


def install_streams() -> None:
    """Makes sys.stdout and sys.stderr unbuffered text over descriptors 1 and 2."""
    sys.stdout = sys.__stdout__ = _text(1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2)  # type: ignore[misc]


def begin_turn(stream_bytes: int) -> None:
    """Gives a new turn its share, and takes back streams that the last turn replaced."""
    _CappedFile.budget = stream_bytes
    stdout, stderr = sys.stdout, sys.stderr
    if stdout is not sys.__stdout__ or stderr is not sys.__stderr__ or _closed(stdout, stderr):
        install_streams()


def _closed(*streams: Any) -> bool:
    return any(stream.closed for stream in streams)


def end_turn() -> None:
    """Pushes out what C libraries still hold in their own buffers."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (ValueError, OSError, AttributeError):
            continue  # the turn closed or replaced it; the next one gets a new one
    _libc.fflush(None)


def _text(descriptor: int) -> io.TextIOWrapper:
    raw: Any = _CappedFile(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)


_libc = ctypes.CDLL(None)
