"""Plays every hostile case against a sandbox, as root, unprivileged, or under a container's filter.

    python -m tests.sandbox.hostile_host MODE DIRECTORY

Prints one JSON object: what each case did, and what was found outside afterwards. MODE is `as-is`,
`unprivileged` (uid 65534, no capabilities) or `container` (that, under a filter like Docker's default).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import json
import os
import re
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamind_gen.sandbox import Sandbox, SandboxSettings, TurnStatus
from datamind_gen.sandbox.inside import seccomp
from datamind_gen.sandbox.inside.kernel import MACHINE, drop_capabilities, prctl, syscall
from datamind_gen.sandbox.inside.syscalls import AUDIT_ARCH, NUMBERS
from tests.sandbox.hostile_cases import CANARY, CASES, PREAMBLE, Case

NOBODY = 65534
SETTINGS = SandboxSettings(
    wall_s=15,  # turns that only wait do so beside each other
    cpu_s=4,
    memory_mb=400,
    file_mb=20,
    directory_mb=30,
    stream_mb=2,
    concurrency=8,
)
PATIENT = replace(SETTINGS, wall_s=120)
"""For cases whose time may not run out, however busy the machine is."""

# What Docker's default profile refuses to a container without capabilities.
_DOCKER_REFUSES = """
acct add_key bpf clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig fsmount
fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load
kexec_load keyctl mount mount_setattr move_mount move_pages open_by_handle_at open_tree perf_event_open
pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl reboot
request_key setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare
userfaultfd vhangup chroot
"""
_NAMESPACE_FLAGS = 0x7E020000


def under_container_filter() -> None:
    """Puts a filter like Docker's default on this process and what it starts."""
    numbers = NUMBERS[MACHINE]
    program = [
        (0x20, 0, 0, 4),
        (0x15, 1, 0, AUDIT_ARCH[MACHINE]),
        (0x06, 0, 0, 0x80000000),
        (0x20, 0, 0, 0),
        (0x15, 0, 1, numbers["clone3"]),
        (0x06, 0, 0, 0x00050000 | errno.ENOSYS),
        (0x15, 0, 4, numbers["clone"]),
        (0x20, 0, 0, 16),
        (0x45, 0, 1, _NAMESPACE_FLAGS),
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
        (0x06, 0, 0, 0x7FFF0000),
    ]
    for name in _DOCKER_REFUSES.split():
        program += [(0x15, 0, 1, numbers[name]), (0x06, 0, 0, 0x00050000 | errno.EPERM)]
    program.append((0x06, 0, 0, 0x7FFF0000))
    prctl(38, 1)
    seccomp.load(program)


def become_nobody(directory: Path) -> None:
    """Gives up root for good. Where this Python lies in a home that nobody may enter, a private mount
    namespace shows that home with its Python alone."""
    home = Path("/root")
    inside = [p for p in {sys.prefix, sys.base_prefix, os.getcwd()} if Path(p).is_relative_to(home)]
    if inside and not home.stat().st_mode & 0o001:
        syscall("unshare", 0x00020000)
        syscall("mount", b"none", b"/", None, 0x44000, None)  # private, recursively
        held = directory / "python"
        held.mkdir()
        for number, place in enumerate(inside):
            (held / str(number)).mkdir()
            syscall("mount", place.encode(), bytes(held / str(number)), None, 0x5000, None)
        syscall("mount", b"none", bytes(home), b"tmpfs", 0, b"mode=755")
        for number, place in enumerate(inside):
            Path(place).mkdir(parents=True)
            syscall("mount", bytes(held / str(number)), place.encode(), None, 0x5000, None)
    os.chown(directory, NOBODY, NOBODY)
    drop_bounding_after = os.setresuid
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    drop_bounding_after(NOBODY, NOBODY, NOBODY)
    drop_capabilities()


class Outside:
    """Things to steal, break and reach, and what became of them."""

    def __init__(self, root: Path) -> None:
        self.root = root / "outside"
        self.root.mkdir()
        self.secret = self.root / "secret.txt"
        self.secret.write_text(CANARY)
        self.data = self.root / "sales.csv"
        self.data.write_text("a,b\n1,2\n")
        self.data.chmod(0o644)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.root / "socket"))
        self.unix.listen()
        for each in (self.tcp, self.udp, self.unix):
            each.setblocking(False)
        self.before = self._look()

    def _look(self) -> dict[str, Any]:
        return {
            path.name: (
                path.read_text() if path.is_file() else "",
                path.stat().st_mode,
                path.stat().st_mtime_ns,
            )
            for path in sorted(self.root.iterdir())
        }

    def harm(self) -> list[str]:
        """What is not as it was."""
        found = [] if self._look() == self.before else ["files outside changed"]
        for name, each in (("tcp", self.tcp), ("udp", self.udp), ("unix", self.unix)):
            try:
                each.recv(1) if name == "udp" else each.accept()
            except BlockingIOError:
                continue
            found.append(f"something came by {name}")
        return found


async def play_all(root: Path) -> dict[str, Any]:
    outside = Outside(root)
    os.environ["SECRET_KEY"] = CANARY
    results: dict[str, Any] = {}
    async with Sandbox(SETTINGS) as sandbox, Sandbox(PATIENT) as patient:
        sibling = await sandbox.open({}, seed="sibling")
        said = await sibling.run("import os\nopen('mine.txt', 'w').write('mine')\nprint(os.getpid())")
        zygote = next(iter(sandbox._zygotes.values()))
        places = {
            "secret": outside.secret,
            "outside": outside.root,
            "data": outside.data,
            "sibling": sibling._workspace.work,
            "sibling_pid": said.stdout.strip(),
            "engine": os.getpid(),
            "zygote": zygote.facts["pid"],
            "tcp": outside.tcp.getsockname()[1],
            "udp": outside.udp.getsockname()[1],
            "unix": outside.root / "socket",
            "canary": "sent",
        }

        async def one(case: Case) -> None:
            code = _fill(case.code, places)
            place = sandbox if TurnStatus.TIMEOUT in case.statuses else patient
            async with await place.open({"sales.csv": outside.data}, seed=case.id) as session:
                await session.run(PREAMBLE)
                result = await session.run(code)
                after = await session.run("print(alive + 1)")
            print(case.id, result.status, file=sys.stderr)
            results[case.id] = {
                "status": result.status.value,
                "stdout": result.stdout[-2000:],
                "error": result.error,
                "alive": after.stdout == "42\n",
                "after": after.error,
                "stolen": CANARY in f"{result.stdout}{result.echo}{result.error}",
            }

        await asyncio.gather(*(one(case) for case in CASES))
        mine = await sibling.run("print(open('mine.txt').read(), os.getpid())")
        results["sibling"] = mine.stdout
        results["isolation"] = sandbox.isolation.value
        results["restarts"] = sandbox.stats().restarts + patient.stats().restarts
        results["zygote_descriptors"] = len(os.listdir(f"/proc/{zygote.facts['pid']}/fd"))
        groups = [each._zygotes[False].facts["pid"] for each in (sandbox, patient)]
    results["harm"] = outside.harm()
    results["left"] = [pid for group in groups for pid in _living(group)]
    return results


def _fill(code: str, places: dict[str, Any]) -> str:
    code = re.sub(r"\{nr\[(\w+)\]\}", lambda found: str(NUMBERS[MACHINE].get(found[1], 9999)), code)
    return re.sub(r"\{(\w+)\}", lambda found: str(places.get(found[1], found[0])), code)


def _living(session: int) -> list[str]:
    """Processes of a session (the kernel's kind) that are no zombies."""
    alive = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                alive.append(entry.name)
    return alive


def main() -> None:
    mode, directory = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).umask(0o022)
    if mode != "as-is":
        become_nobody(directory)
    if mode == "container":
        under_container_filter()
    os.environ["TMPDIR"] = str(directory)
    results = asyncio.run(play_all(directory))
    results["uid"] = os.getuid()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
