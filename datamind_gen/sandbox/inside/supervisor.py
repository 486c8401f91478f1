"""The zygote's loop: opens sessions, hands them turns, enforces limits, reaps, and tells the engine.

It is single-threaded, runs no untrusted code and parses nothing that untrusted code wrote. When the
engine goes, it ends every session and itself.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

from datamind_gen.sandbox.inside import exchange, frames, requests
from datamind_gen.sandbox.inside.birth import MEGABYTE, fork_session
from datamind_gen.sandbox.inside.kernel import MACHINE
from datamind_gen.sandbox.inside.removal import remove_tree
from datamind_gen.sandbox.inside.syscalls import NUMBERS
from datamind_gen.sandbox.inside.ward import Cause, State, Turn, Usage, Ward

TICK_S = 0.05
GRACE_S = 1.0
"""Between asking a turn to stop and ending it."""
TAKEOVER_S = 10.0
WEIGH_EVERY_S = 0.5
"""Counting what a session holds takes milliseconds: when no turn runs, else no oftener than this."""
_CREDENTIALS = struct.Struct("3i")


class Supervisor:
    """Serves one engine over `control` until it goes."""

    def __init__(self, control: socket.socket, scratch: Path) -> None:
        self._control = control
        self._scratch = scratch
        self._reader = frames.FrameReader()
        self._outgoing = bytearray()
        self._wards: dict[int, Ward] = {}
        self._by_pid: dict[int, Ward] = {}
        self._selector = selectors.DefaultSelector()
        self._engine_gone = False

    def run(self) -> None:
        """Serves until the engine closes its end; then ends everything."""
        self._control.setblocking(False)
        self._selector.register(self._control, selectors.EVENT_READ, self._on_control)
        alarm, wakeup = socket.socketpair()
        for end in (alarm, wakeup):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        self._selector.register(alarm, selectors.EVENT_READ, lambda _mask: _drain(alarm))
        next_watch = next_weighing = 0.0
        while not self._engine_gone:
            busy = any(ward.state is not State.IDLE for ward in self._wards.values())
            to_weigh = [ward for ward in self._wards.values() if ward.weigh_since]
            events = self._selector.select(TICK_S if busy or to_weigh else None)
            for key, mask in events:
                key.data(mask)
            if to_weigh and not events and (not busy or time.monotonic() >= next_weighing):
                next_weighing = time.monotonic() + WEIGH_EVERY_S
                self._weigh(min(to_weigh, key=lambda ward: ward.weigh_since))
            self._reap()
            if time.monotonic() >= next_watch:
                self._watch()
                next_watch = time.monotonic() + TICK_S
        self._end_everything()

    # --- the engine ---------------------------------------------------------------------------

    def _on_control(self, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush()
        if not mask & selectors.EVENT_READ:
            return
        try:
            data = self._control.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._engine_gone = True
            return
        for frame in self._reader.feed(data):
            self._obey(frame)

    def _obey(self, frame: frames.Frame) -> None:
        header = frame.header
        if header["op"] == "open":
            self._open(header)
        elif header["op"] == "turn":
            self._begin_turn(header, frame.body)
        elif header["op"] == "close":
            ward = self._wards.get(header["session"])
            if ward is not None:
                self._drop(ward)

    def _tell(self, header: dict[str, Any], body: bytes = b"") -> None:
        self._outgoing += frames.pack(header, body)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._control.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._engine_gone = True
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        self._selector.modify(self._control, events, self._on_control)

    # --- sessions -----------------------------------------------------------------------------

    def _open(self, order: dict[str, Any]) -> None:
        birth = fork_session(order)
        ward = Ward(order["session"], order, birth, birth.pid, deadline=time.monotonic() + TAKEOVER_S)
        self._wards[ward.id] = ward
        self._by_pid[ward.pid] = ward
        self._selector.register(birth.channel, selectors.EVENT_READ, lambda _mask: self._on_note(ward))

    def _begin_turn(self, header: dict[str, Any], body: bytes) -> None:
        ward = self._wards.get(header["session"])
        if ward is None or ward.state is not State.IDLE:
            self._tell({"op": "lost", "session": header["session"], "why": "it is gone"})
            return
        request = dict(header["request"], code=body.decode("utf-8", "surrogatepass"))
        try:
            ward.begin(header, request)
        except OSError as error:  # it is dead, and not reaped yet
            ward.turn = None
            self._lose(ward, str(error))

    def _holds(self, ward: Ward) -> bool:
        """Whether the ward is still held: events of one round may concern one that the round ended."""
        return self._wards.get(ward.id) is ward

    def _on_note(self, ward: Ward) -> None:
        if not self._holds(ward):
            return
        try:
            note, ancillary, _flags, _address = ward.birth.channel.recvmsg(64, _room(ward.state))
        except BlockingIOError:
            return
        except OSError:
            note, ancillary = b"", []
        if not note:  # every process of it closed the channel
            self._selector.unregister(ward.birth.channel)
            ward.signal(signal.SIGKILL)
            ward.kill()
            return
        sender = _sender(ancillary)
        kind = note[:1]
        if kind == exchange.READY and ward.state is State.OPENING and sender == ward.pid:
            self._listen_to(ward, _descriptor(ancillary))
            ward.state = State.IDLE
            ward.held_at_birth = ward.held_when_weighed = ward.measure().held
            ward.signal(signal.SIGSTOP)
            self._tell({"op": "opened", "session": ward.id, "pid": ward.pid})
        elif kind == exchange.COPIED and ward.state is State.RUNNING and sender == ward.pid:
            ward.adopt_copy(exchange.read_pid(note))
        elif kind == exchange.TOOK_OVER and sender == ward.copy:
            ward.successor_ready = True
            if ward.state is State.FALLING_BACK:
                self._take_over(ward)
        elif ward.state is State.RUNNING and sender == ward.pid and ward.turn is not None:
            ending = {exchange.KEPT: "kept", exchange.FAILED: "failed"}.get(kind)
            if ending is not None and note[1:] == ward.turn.nonce:  # a stale or forged note has another
                self._turn_replied(ward, ward.turn, ending)

    def _listen_to(self, ward: Ward, listener: int | None) -> None:
        ward.listener = listener
        if listener is not None:
            self._selector.register(
                listener, selectors.EVENT_READ, lambda mask: self._on_fork_request(ward, listener, mask)
            )

    def _on_fork_request(self, ward: Ward, listener: int, mask: int) -> None:
        if not self._holds(ward):
            return
        request = requests.receive(listener, NUMBERS[MACHINE].get("fork", -1))
        if request is None:
            return
        turn = ward.turn if ward.state is State.RUNNING else None
        grant = False
        if turn is not None and request.plain:
            if turn.checkpoint and not turn.checkpointed and request.pid == ward.pid:
                grant = turn.checkpointed = True
            elif turn.forks_granted < ward.order["processes"]:
                turn.forks_granted += 1
                grant = True
        if turn is not None and not grant:
            turn.forks_denied += 1
        requests.answer(listener, request, grant=grant)

    def _turn_replied(self, ward: Ward, turn: Turn, ending: str) -> None:
        ward.signal(signal.SIGSTOP)
        turn.ending = ending
        ward.state = State.FALLING_BACK  # grants nothing from here on
        self._account(ward, turn)
        if turn.cause is None and ward.disk_bytes() > ward.order["directory_mb"] * MEGABYTE:
            turn.cause = Cause.DIRECTORY
        if ending == "kept" and (turn.cause is None or not turn.checkpoint):
            ward.end_copy()
            ward.state = State.IDLE
            self._report(ward, turn, alive=True)
        else:
            self._fall_back(ward)

    def _fall_back(self, ward: Ward) -> None:
        ward.state = State.FALLING_BACK
        ward.deadline = time.monotonic() + TAKEOVER_S
        ward.signal(signal.SIGKILL)

    def _take_over(self, ward: Ward) -> None:
        del self._by_pid[ward.pid]
        ward.pid, ward.copy, ward.successor_ready = ward.copy, 0, False
        self._by_pid[ward.pid] = ward
        ward.signal(signal.SIGSTOP)
        ward.state = State.IDLE
        if ward.turn is not None:
            self._report(ward, ward.turn, alive=True)

    def _account(self, ward: Ward, turn: Turn, usage: float | None = None) -> None:
        turn.ended_at = time.monotonic()
        if turn.forks_granted or ward.listener is None:
            ward.end_strays()
        turn.cpu_s = max(0.0, (ward.cpu_seconds() if usage is None else usage) - turn.cpu_before)
        turn.usage = ward.measure()
        turn.reply = exchange.read_reply(ward.birth.exchange_fd)
        turn.progress = exchange.read_progress(ward.birth.exchange_fd)

    def _report(self, ward: Ward, turn: Turn, *, alive: bool) -> None:
        stdout, cut = ward.read_output()
        ward.turn = None
        ward.weigh_since = time.monotonic() if alive else 0.0
        header = {
            "op": "turned",
            "session": ward.id,
            "alive": alive,
            "ending": turn.ending,
            "code": turn.code,
            "cause": turn.cause,
            "interrupted": turn.interrupted,
            "forks_denied": turn.forks_denied,
            "begun": turn.progress != exchange.NOT_BEGUN,
            "progress": turn.progress if turn.progress != exchange.NOT_BEGUN else 0,
            "wall_s": turn.ended_at - turn.started,
            "cpu_s": turn.cpu_s,
            "peak_mb": max(turn.peak, turn.usage.peak) / MEGABYTE,
            "held": ward.estimate(turn.usage.held),
            "stdout": stdout,
            "stdout_cut": cut,
        }
        self._tell(header, turn.reply if turn.ending in ("kept", "failed") else b"")

    def _weigh(self, ward: Ward) -> None:
        self._tell({"op": "held", "session": ward.id, "held": ward.weigh()})

    def _lose(self, ward: Ward, why: str) -> None:
        if ward.turn is not None:
            self._report(ward, ward.turn, alive=False)
        else:
            self._tell({"op": "lost", "session": ward.id, "why": why})
        self._drop(ward)

    def _drop(self, ward: Ward) -> None:
        if not self._holds(ward):
            return
        ward.kill()
        ward.signal(signal.SIGKILL)
        self._wards.pop(ward.id, None)
        self._by_pid.pop(ward.pid, None)
        for watched in (ward.birth.channel, ward.listener):
            if watched is not None:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(watched)
        ward.close()

    # --- limits and deaths --------------------------------------------------------------------

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ward = self._by_pid.get(pid)
            if ward is not None:
                self._session_died(ward, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)

    def _session_died(self, ward: Ward, status: int, cpu_s: float, peak: int) -> None:
        turn = ward.turn
        if turn is None:
            why = ward.read_output()[0] or f"its process ended with status {status}"
            self._lose(ward, why)
            return
        if not turn.ending:
            turn.ending = "signaled" if os.WIFSIGNALED(status) else "exited"
            turn.code = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            self._account(ward, turn, cpu_s)
            turn.peak = max(turn.peak, peak)
        if not ward.copy:
            self._lose(ward, "")
        elif ward.successor_ready:  # its note came before the session could be reaped
            self._take_over(ward)
        else:
            ward.state = State.FALLING_BACK
            ward.deadline = time.monotonic() + TAKEOVER_S

    def _watch(self) -> None:
        now = time.monotonic()
        for ward in list(self._wards.values()):
            if ward.state in (State.OPENING, State.FALLING_BACK):
                if now > ward.deadline:
                    self._lose(ward, f"it did not answer within {TAKEOVER_S:g} s")
            elif ward.state is State.RUNNING and ward.turn is not None:
                self._watch_turn(ward, ward.turn, now)

    def _watch_turn(self, ward: Ward, turn: Turn, now: float) -> None:
        wall, cpu = now - turn.started, ward.cpu_seconds() - turn.cpu_before
        usage = ward.measure()
        cause = None
        if wall > turn.limits["wall_s"]:
            cause = Cause.WALL
            self._interrupt(ward, turn, signal.SIGALRM)
        elif cpu > turn.limits["cpu_s"]:
            cause = Cause.CPU
            self._interrupt(ward, turn, signal.SIGXCPU)
        over = max(wall - turn.limits["wall_s"], cpu - turn.limits["cpu_s"])
        if cause is not None and over < GRACE_S:
            return
        if cause is None:
            cause = self._over_limit(ward, turn, now, usage)
        if cause is not None:
            turn.cause = cause
            turn.peak = usage.peak
            ward.signal(signal.SIGKILL)

    def _over_limit(self, ward: Ward, turn: Turn, now: float, usage: Usage) -> Cause | None:
        if usage.held - ward.held_at_birth > ward.order["memory_mb"] * MEGABYTE * 1.05:
            return Cause.MEMORY
        if usage.threads > ward.order["threads"]:
            return Cause.THREADS
        if os.fstat(ward.birth.stdout_fd).st_size > 2 * ward.order["stream_mb"] * MEGABYTE:
            return Cause.OUTPUT
        if now >= turn.next_survey:
            turn.next_survey = now + 0.25
            if ward.disk_bytes() > ward.order["directory_mb"] * MEGABYTE:
                return Cause.DIRECTORY
        return None

    def _interrupt(self, ward: Ward, turn: Turn, number: int) -> None:
        if not turn.interrupted:
            turn.interrupted = True
            ward.signal(number)

    def _end_everything(self) -> None:
        for ward in self._wards.values():
            ward.kill()
            ward.signal(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:  # every session is ours to reap, and each has its SIGKILL
                os.wait()
        remove_tree(self._scratch)


def _drain(alarm: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while alarm.recv(4096):
            pass


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return int(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0])
    return 0


def _room(state: State) -> int:
    """Only a session that opens may hand over a descriptor; the kernel drops any that has no room."""
    credentials = socket.CMSG_SPACE(_CREDENTIALS.size)
    return credentials + (socket.CMSG_SPACE(4) if state is State.OPENING else 0)


def _descriptor(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            return int(struct.unpack("i", data[:4])[0])
    return None
