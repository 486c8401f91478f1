"""A session's requests for a new process, as the supervisor hears and answers them (seccomp's notices)."""

from __future__ import annotations

import errno
import fcntl
import struct
from dataclasses import dataclass

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_NOTICE = struct.Struct("=QII iIQ 6Q")
_ANSWER = struct.Struct("=Q q i I")
_CONTINUE = 1
_FORK_FLAGS = (0x11, 0x01200011)
"""What fork() passes to clone: SIGCHLD, and where glibc keeps thread ids."""


@dataclass(frozen=True, slots=True)
class ForkRequest:
    id: int
    pid: int
    """The thread that asks; for a main thread, its process."""
    plain: bool
    """Whether it is what fork() does, with no namespace or other extra."""


def receive(listener: int, fork_number: int) -> ForkRequest | None:
    """The next request; None if the asker is gone. `fork_number` is the fork call's, or -1."""
    buffer = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer, True)
    except OSError:
        return None
    fields = _NOTICE.unpack(bytes(buffer))
    number, flags = fields[3], fields[6]
    return ForkRequest(fields[0], fields[1], number == fork_number or flags in _FORK_FLAGS)


def answer(listener: int, request: ForkRequest, *, grant: bool) -> None:
    """Lets the call go on, or fails it as a process limit does."""
    reply = _ANSWER.pack(request.id, 0, 0 if grant else -errno.EAGAIN, _CONTINUE if grant else 0)
    try:
        fcntl.ioctl(listener, _SEND, bytearray(reply), True)
    except OSError:
        return  # it was killed while it waited
