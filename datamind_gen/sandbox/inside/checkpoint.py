"""A checkpoint: a frozen copy of the session from before the turn, which carries on if the turn fails.

The session forks, tells the zygote of the copy, and goes on; the copy waits. If the turn is kept, the
zygote ends the copy. If not, the zygote ends the session; the copy, orphaned, puts the files back as
they were and becomes the session. Memory is shared until written to.
"""

from __future__ import annotations

import os
import random
import select
import socket
import time
import warnings
from enum import Enum

from datamind_gen.sandbox.inside import exchange
from datamind_gen.sandbox.inside.confine import die_with
from datamind_gen.sandbox.inside.snapshot import Snapshot


class Role(Enum):
    """Who returns from take_checkpoint."""

    SESSION = "session"
    SUCCESSOR = "successor"


def take_checkpoint(channel: socket.socket, snapshot: Snapshot) -> Role:
    """Copies this process. Returns at once in the session; in the copy, only when it takes over."""
    snapshot.take()
    dice = random.getstate()
    waiting, held = os.pipe()
    session, zygote = os.getpid(), os.getppid()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 on: forking beside idle threads
            copy = os.fork()
    except OSError:  # not granted: the turn runs without a checkpoint
        os.close(waiting)
        os.close(held)
        return Role.SESSION
    if copy:
        channel.send(exchange.note_of_copy(copy))  # before the turn can end: what ends it needs to know
        os.close(waiting)
        os.dup2(held, exchange.CHECKPOINT_FD, inheritable=False)  # closes that of the turn before
        os.close(held)
        return Role.SESSION
    os.close(held)
    _wait_until_orphaned(waiting, session)
    die_with(zygote)
    random.setstate(dice)  # forking reseeds the module
    snapshot.restore()
    channel.send(exchange.TOOK_OVER)
    return Role.SUCCESSOR


def _wait_until_orphaned(waiting: int, session: int) -> None:
    select.select([waiting], [], [])  # readable at the end of file: the session died, or closed its end
    os.close(waiting)
    while os.getppid() == session:
        time.sleep(0.0005)
