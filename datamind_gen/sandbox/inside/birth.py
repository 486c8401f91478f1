"""Forks a session from the zygote: its descriptors, its directory, its seeds, its confinement."""

from __future__ import annotations

import array
import fcntl
import gc
import os
import resource
import signal
import socket
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from datamind_gen.sandbox.inside import database, exchange, session, streams
from datamind_gen.sandbox.inside.confine import confine, die_with
from datamind_gen.sandbox.inside.libraries import seed_everything, tame_duckdb
from datamind_gen.sandbox.inside.snapshot import Snapshot

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Birth:
    """The zygote's side of a session that was just forked."""

    pid: int
    channel: socket.socket
    stdout_fd: int
    exchange_fd: int


def fork_session(order: dict[str, Any]) -> Birth:
    """Forks a session as the engine's order says; it announces itself by a READY note."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    stdout_fd = os.memfd_create("stdout", os.MFD_CLOEXEC)
    fcntl.fcntl(stdout_fd, fcntl.F_SETFL, os.O_APPEND)  # Python's and C's writes keep their order
    exchange_fd = os.memfd_create("exchange", os.MFD_CLOEXEC)
    zygote = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_session(order, theirs, stdout_fd, exchange_fd, zygote)
    theirs.close()
    ours.setblocking(False)
    return Birth(pid, ours, stdout_fd, exchange_fd)


def _become_session(
    order: dict[str, Any], theirs: socket.socket, stdout_fd: int, exchange_fd: int, zygote: int
) -> NoReturn:
    try:
        os.setpgid(0, 0)
        die_with(zygote)
        Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, this goes, not the engine
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        channel = _arrange_descriptors(theirs, stdout_fd, exchange_fd)
        work = Path(order["work"])
        os.chdir(work)
        os.environ.update(HOME=str(work), TMPDIR=str(work / "data" / "tmp"))
        _limit_resources(order)
        streams.install_streams()
        streams.begin_turn(MEGABYTE)
        namespace = _main_namespace()
        namespace.update(database.functions(order))
        tame_duckdb()
        seed_everything(order["seed"])
        listener = confine(order)
        snapshot = Snapshot(work, Path(order["shadow"]))
        _announce(channel, listener)
        gc.enable()
        session.serve(namespace, channel, snapshot, order["places"])
    except BaseException as error:
        os.write(2, f"session: {type(error).__name__}: {error}\n".encode())
        os._exit(70)


def _arrange_descriptors(theirs: socket.socket, stdout_fd: int, exchange_fd: int) -> socket.socket:
    nothing = os.open(os.devnull, os.O_RDWR)
    places = {
        0: nothing,
        1: stdout_fd,
        2: stdout_fd,
        exchange.SOCKET_FD: theirs.fileno(),
        exchange.EXCHANGE_FD: exchange_fd,
        exchange.CHECKPOINT_FD: nothing,
    }
    high = {target: _move_up(source) for target, source in places.items()}
    for target, source in high.items():
        os.dup2(source, target, inheritable=False)
    theirs.detach()
    os.closerange(max(places) + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return socket.socket(fileno=exchange.SOCKET_FD)


def _move_up(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 32)


def _limit_resources(order: dict[str, Any]) -> None:
    data = _data_bytes() + order["memory_mb"] * MEGABYTE
    size = order["file_mb"] * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


def _data_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmData")


def _main_namespace() -> dict[str, Any]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = [""]
    return module.__dict__


def _announce(channel: socket.socket, listener: int | None) -> None:
    extra = []
    if listener is not None:
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))]
    channel.sendmsg([exchange.READY], extra)
    if listener is not None:
        os.close(listener)
