"""How the zygote and a session hand each other a turn: two memory files and a socket of short notes.

The request and the reply lie in one memory file, which both map to the same pages; the notes on the
socket only say that something is there. A note carries the turn's nonce, so that a stale or forged one
is told apart, and the kernel stamps it with its sender's process id. Nothing here trusts a session.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

SOCKET_FD = 3
EXCHANGE_FD = 4
CHECKPOINT_FD = 5
"""A session's end of the pipe whose closing wakes its checkpoint."""
NONCE_SIZE = 16
REPLY_LIMIT = 4 * 1024 * 1024
"""Bytes of a reply that the zygote reads; a session writes less."""

RUN = b"T"
READY = b"R"
KEPT = b"K"
FAILED = b"F"
COPIED = b"C"
TOOK_OVER = b"H"

NOT_BEGUN = (1 << 64) - 1
"""The progress of a turn before its code runs."""
_PID = struct.Struct("=q")
_PROGRESS = struct.Struct("=Q")
_SIZE = struct.Struct("=Q")
_BODY = 16


def note_of_copy(pid: int) -> bytes:
    """What a session says of the checkpoint that it made."""
    return COPIED + _PID.pack(pid)


def read_pid(note: bytes) -> int:
    """The process that such a note names; 0 if it names none."""
    return int(_PID.unpack(note[1:])[0]) if len(note) == 1 + _PID.size else 0


def write_request(descriptor: int, request: dict[str, Any]) -> None:
    """Lays out a turn's request; the turn has not begun."""
    body = json.dumps(request).encode()
    os.pwrite(descriptor, _PROGRESS.pack(NOT_BEGUN) + _SIZE.pack(len(body)) + body, 0)
    os.ftruncate(descriptor, _BODY + len(body))


def read_request(descriptor: int) -> dict[str, Any]:
    """The request as the session finds it."""
    (size,) = _SIZE.unpack(os.pread(descriptor, _SIZE.size, _PROGRESS.size))
    request: dict[str, Any] = json.loads(os.pread(descriptor, size, _BODY))
    return request


def write_progress(descriptor: int, done: int) -> None:
    """Notes how many top-level statements are done."""
    os.pwrite(descriptor, _PROGRESS.pack(done), 0)


def read_progress(descriptor: int) -> int:
    """How many top-level statements the session says are done."""
    raw = os.pread(descriptor, _PROGRESS.size, 0)
    return int(_PROGRESS.unpack(raw)[0]) if len(raw) == _PROGRESS.size else 0


def write_reply(descriptor: int, reply: dict[str, Any]) -> None:
    """Lays out a turn's reply in the request's place."""
    body = json.dumps(reply).encode()
    os.pwrite(descriptor, _SIZE.pack(len(body)) + body, _PROGRESS.size)


def read_reply(descriptor: int) -> bytes:
    """The reply's bytes, unparsed and bounded; empty if there is none."""
    raw = os.pread(descriptor, _SIZE.size, _PROGRESS.size)
    if len(raw) != _SIZE.size:
        return b""
    (size,) = _SIZE.unpack(raw)
    return os.pread(descriptor, min(size, REPLY_LIMIT), _BODY)
