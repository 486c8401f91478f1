"""A session's process: waits for a turn, takes a checkpoint, runs the turn, says how it ended.

All that is here shares its memory with untrusted code and may be tampered with; what guards the
machine is the confinement put on before the first turn, and the zygote outside, which owns the limits.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from datamind_gen.sandbox.inside import exchange, streams
from datamind_gen.sandbox.inside.checkpoint import Role, take_checkpoint
from datamind_gen.sandbox.inside.execute import CpuLimit, Outcome, WallLimit, execute
from datamind_gen.sandbox.inside.memory import give_back
from datamind_gen.sandbox.inside.normalise import normalise
from datamind_gen.sandbox.inside.snapshot import Snapshot

FIGURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf", ".gif", ".webp")
_RECURSION = sys.getrecursionlimit()
_running = False
_late: Outcome | None = None
"""How a turn ends that was told to stop and caught it."""


def serve(
    namespace: dict[str, Any],
    channel: socket.socket,
    snapshot: Snapshot,
    places: list[tuple[str, str]],
) -> NoReturn:
    """Runs turns until the zygote closes the channel."""
    threads_at_birth = count_threads()
    while True:
        note = _next_note(channel)
        if not note:
            os._exit(0)
        nonce = note[1 : 1 + exchange.NONCE_SIZE]
        request = exchange.read_request(exchange.EXCHANGE_FD)
        if request["checkpoint"] and count_threads() <= threads_at_birth:
            role = take_checkpoint(channel, snapshot)
            if role is Role.SUCCESSOR:
                continue
        outcome = _run(request, namespace, places)
        channel.send((exchange.KEPT if outcome.ok or not request["rollback"] else exchange.FAILED) + nonce)


def _run(request: dict[str, Any], namespace: dict[str, Any], places: list[tuple[str, str]]) -> Outcome:
    global _running, _late
    _late = None
    _recover()
    streams.begin_turn(request["stream_bytes"])
    figures = _figures()
    try:
        _running = True
        exchange.write_progress(exchange.EXCHANGE_FD, 0)
        outcome = execute(
            request["code"],
            name=f"<turn {request['turn']}>",
            namespace=namespace,
            output_chars=request["output_chars"],
            clean=lambda text: normalise(text, places),
            statements=request["statements"],
            progress=lambda done: exchange.write_progress(exchange.EXCHANGE_FD, done),
        )
    except (WallLimit, CpuLimit) as late:  # the signal came between two of our own lines
        outcome = Outcome("timeout" if isinstance(late, WallLimit) else "cpu_limit", error=str(late))
    finally:
        _running = False
    if outcome.ok:
        outcome = _told_to_stop() or outcome
    streams.end_turn()
    reply = {
        "status": outcome.status,
        "echo": outcome.echo,
        "echo_cut": outcome.echo_cut,
        "error": outcome.error,
        "error_cut": outcome.error_cut,
        "figures": sorted(name for name, stamp in _figures().items() if figures.get(name) != stamp),
    }
    give_back()
    exchange.write_reply(exchange.EXCHANGE_FD, reply)
    return outcome


def _recover() -> None:
    """Takes back what an earlier turn may have set that would disturb this one from the outside."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    signal.signal(signal.SIGALRM, _on_wall_limit)
    signal.signal(signal.SIGXCPU, _on_cpu_limit)
    sys.setrecursionlimit(max(_RECURSION, sys.getrecursionlimit()))


def _next_note(channel: socket.socket) -> bytes:
    while True:
        select.select([channel], [], [])
        try:
            return channel.recv(64)
        except BlockingIOError:  # the code made the socket non-blocking
            continue


def count_threads() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def _figures() -> dict[str, int]:
    found = {}
    for folder in (Path("."), Path("data/tmp")):
        try:
            for entry in os.scandir(folder):
                if entry.name.lower().endswith(FIGURES):
                    found[os.path.normpath(entry.path)] = entry.stat(follow_symlinks=False).st_mtime_ns
        except OSError:
            continue  # the code removed or replaced the folder
    return found


def _on_wall_limit(_signal: int, _frame: FrameType | None) -> None:
    _interrupt("timeout", WallLimit("the turn's time is over; do less in one turn, or work on a sample"))


def _on_cpu_limit(_signal: int, _frame: FrameType | None) -> None:
    late = CpuLimit("the turn's processor time is over; do less in one turn, or work on a sample")
    _interrupt("cpu_limit", late)


def _told_to_stop() -> Outcome | None:
    return _late


def _interrupt(status: str, late: WallLimit | CpuLimit) -> None:
    global _late
    if _running:
        _late = Outcome(status, error=f"{type(late).__name__}: {late}")
        raise late
