"""Tries, in a confined process, what no session may do, and says what the kernel answered.

The supervisor's word for how well this machine confines is what these attempts meet, never a version
number. Each attempt undoes or harms nothing when it succeeds.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import shutil
import socket
import struct
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datamind_gen.sandbox.inside.confine import confine
from datamind_gen.sandbox.inside.kernel import syscall


def attempt_all(scratch: Path) -> list[dict[str, Any]]:
    """Confines a forked process and lets it try everything. One entry an attempt: name, denied, detail.

    A process that dies before it could say anything has shown nothing: its entry is not a denial.
    """
    stage = _Stage(scratch)
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        ours.close()
        stage.play(writing, theirs)
    os.close(writing)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 16, 1)
    for descriptor in descriptors:
        os.close(descriptor)  # with nobody to ask, a request for a process fails
    ours.close()
    with os.fdopen(reading, "rb") as said:
        text = said.read(1 << 20)
    os.waitpid(pid, 0)
    stage.clear()
    if not text:
        return [{"name": "confinement", "denied": False, "detail": "the confined process said nothing"}]
    findings: list[dict[str, Any]] = json.loads(text)
    return findings


class _Stage:
    """A place with something to steal, beside a place where a session may work."""

    def __init__(self, scratch: Path) -> None:
        self.root = scratch / "attempts"
        self.work = self.root / "work"
        self.shadow = self.root / "shadow"
        for folder in (self.work, self.shadow):
            folder.mkdir(parents=True)
        self.secret = self.root / "secret.txt"
        self.secret.write_text("canary")
        self.data = self.root / "data.csv"
        self.data.write_text("a,b\n1,2\n")

    def clear(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def play(self, writing: int, channel: socket.socket) -> None:
        try:
            os.setpgid(0, 0)
            os.chdir(self.work)
            order = {
                "confine": True,
                "work": str(self.work),
                "shadow": str(self.shadow),
                "files": {"data.csv": str(self.data)},
            }
            try:
                listener = confine(order)
            except OSError as error:
                findings = [{"name": "confinement", "denied": False, "detail": str(error)}]
            else:
                socket.send_fds(channel, [b"x"], [] if listener is None else [listener])
                if listener is not None:
                    os.close(listener)
                findings = [_try(name, act) for name, act in self.acts()]
                findings.append(
                    {
                        "name": "ask before forking",
                        "denied": listener is not None,
                        "detail": "seccomp notices",
                    }
                )
            os.write(writing, json.dumps(findings).encode())
        except BaseException:
            traceback.print_exc()  # into the zygote's log
        finally:
            os._exit(0)

    def acts(self) -> list[tuple[str, Callable[[], object]]]:
        engine = os.getppid()
        return [
            ("read a file outside", lambda: self.secret.read_text()),
            ("write a file outside", lambda: (self.root / "new.txt").write_text("x")),
            ("list a directory outside", lambda: os.listdir(self.root)),
            ("write to a data file", lambda: open(self.data, "a").close()),
            ("truncate a data file", lambda: os.truncate(self.data, 0)),
            ("rename a data file", lambda: os.rename(self.data, self.work / "taken")),
            ("delete a file outside", lambda: self.secret.unlink()),
            ("read the password file", lambda: Path("/etc/passwd").read_text()),
            ("read another process's environment", lambda: Path(f"/proc/{engine}/environ").read_bytes()),
            ("read another process's memory", lambda: os.close(os.open(f"/proc/{engine}/mem", os.O_RDONLY))),
            ("open another process's file", lambda: os.close(os.open(f"/proc/{engine}/fd/1", os.O_WRONLY))),
            ("trace another process", lambda: syscall("ptrace", 16, engine, 0, 0)),
            ("signal another process", lambda: os.kill(engine, 0)),
            ("open a TCP connection", lambda: socket.create_connection(("127.0.0.1", 9), 0.1)),
            ("send a UDP packet", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
            ("open a local socket", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)),
            ("open a raw socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
            ("run a program", lambda: os.execv("/bin/true", ["true"])),
            ("start a process unasked", _fork),
            ("make a user namespace", lambda: syscall("unshare", 0x10000000)),
            ("mount a file system", lambda: syscall("mount", None, None, None, 0, None)),
            ("open io_uring", lambda: syscall("io_uring_setup", 1, None)),
            ("load a BPF program", lambda: syscall("bpf", 0, None, 0)),
            ("leave the process group", lambda: os.setsid()),
            ("raise a limit", _set_limit),
            ("regain a capability", _regain_capability),
        ]


def _try(name: str, act: Callable[[], object]) -> dict[str, Any]:
    try:
        act()
    except OSError as error:
        if error.errno in (errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EFAULT, errno.ENOENT):
            return {"name": name, "denied": False, "detail": f"got past confinement: {error}"}
        return {"name": name, "denied": True, "detail": errno.errorcode.get(error.errno or 0, str(error))}
    return {"name": name, "denied": False, "detail": "it worked"}


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _set_limit() -> None:
    now = ctypes.create_string_buffer(struct.pack("=QQ", *[0xFFFFFFFF] * 2))
    syscall("prlimit64", 0, resource.RLIMIT_CORE, ctypes.byref(now), None)


def _regain_capability() -> None:
    header = ctypes.create_string_buffer(struct.pack("=II", 0x20080522, 0))
    everything = ctypes.create_string_buffer(struct.pack("=6I", *[0xFFFFFFFF] * 6))
    syscall("capset", ctypes.byref(header), ctypes.byref(everything))
