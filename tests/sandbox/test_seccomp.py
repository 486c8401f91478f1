"""The filter's numbers and shape, for both processors, against libseccomp's own tables."""

from __future__ import annotations

import ctypes
import ctypes.util

import pytest

from datamind_gen.sandbox.inside.seccomp import build, named
from datamind_gen.sandbox.inside.syscalls import AUDIT_ARCH, NUMBERS

# libseccomp's tokens are the kernel's audit numbers.
MACHINES = sorted(AUDIT_ARCH)


@pytest.fixture(scope="module")
def libseccomp() -> ctypes.CDLL:
    try:
        return ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp.so.2 is not installed")


def resolve(library: ctypes.CDLL, machine: str, name: str) -> int:
    number: int = library.seccomp_syscall_resolve_name_arch(
        ctypes.c_uint32(AUDIT_ARCH[machine]), name.encode()
    )
    return number


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_is_the_kernels(libseccomp: ctypes.CDLL, machine: str) -> None:
    wrong = {
        name: (number, resolve(libseccomp, machine, name))
        for name, number in NUMBERS[machine].items()
        if resolve(libseccomp, machine, name) not in (number, -1)
    }
    assert wrong == {}
    unknown = [name for name in NUMBERS[machine] if resolve(libseccomp, machine, name) == -1]
    assert len(unknown) < 12, unknown  # newer than this libseccomp


@pytest.mark.parametrize("machine", MACHINES)
def test_every_name_in_the_filter_has_a_number_where_the_processor_has_the_call(
    libseccomp: ctypes.CDLL, machine: str
) -> None:
    missing = [
        name for name in named() if name not in NUMBERS[machine] and resolve(libseccomp, machine, name) >= 0
    ]
    assert missing == []


def test_every_named_call_is_known_somewhere() -> None:
    assert set(named()) <= set(NUMBERS["x86_64"]) | set(NUMBERS["aarch64"])


def run_filter(
    program: list[tuple[int, int, int, int]], arch: int, number: int, arguments: tuple[int, ...]
) -> int:
    """The kernel's little machine, in Python."""
    words = {0: number, 4: arch}
    for index, value in enumerate((*arguments, 0, 0, 0, 0, 0, 0)[:6]):
        words[16 + 8 * index] = value & 0xFFFFFFFF
        words[20 + 8 * index] = value >> 32 & 0xFFFFFFFF
    accumulator = position = 0
    while True:
        code, if_true, if_false, operand = program[position]
        position += 1
        if code == 0x20:
            accumulator = words[operand]
        elif code == 0x06:
            return operand
        else:
            hit = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[code]
            position += if_true if hit else if_false


ALLOW, KILL, ASK = 0x7FFF0000, 0x80000000, 0x7FC00000
EPERM, ENOSYS, EAGAIN, PRETEND = 0x50001, 0x50026, 0x5000B, 0x50000


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("read", (), ALLOW),
        ("openat", (), ALLOW),
        ("socket", (2, 1, 0), EPERM),
        ("socketpair", (1, 1, 0), ALLOW),
        ("socketpair", (2, 1, 0), EPERM),
        ("execve", (), EPERM),
        ("clone", (0x3D0F00,), ALLOW),
        ("clone", (0x01200011,), ASK),
        ("clone", (0x10000011,), ASK),
        ("clone3", (), ENOSYS),
        ("fchmodat", (), PRETEND),
        ("fcntl", (3, 1), ALLOW),
        ("fcntl", (3, 8), EPERM),
        ("ioctl", (0, 0x5412), EPERM),
        ("ioctl", (0, 0x541B), ALLOW),
        ("ioctl", (0, 0x40086602), EPERM),
        ("fcntl", (0, 1024), EPERM),
        ("fcntl", (0, 1026), EPERM),
        ("prctl", (15,), ALLOW),
        ("prctl", (1, 9), ALLOW),
        ("prctl", (1, 0), EPERM),
        ("prctl", (4, 0), EPERM),
        ("prlimit64", (0, 7, 0, 1), ALLOW),
        ("prlimit64", (0, 7, 1, 0), EPERM),
        ("prlimit64", (0, 7, 1 << 32, 0), EPERM),
        ("kill", (1234, 9), ALLOW),
        ("ptrace", (), EPERM),
        ("bpf", (), EPERM),
        ("memfd_create", (), EPERM),
    ],
)
def test_the_filter_answers(machine: str, name: str, arguments: tuple[int, ...], answer: int) -> None:
    program = build(machine, asks=True, signals_scoped=True)
    assert run_filter(program, AUDIT_ARCH[machine], NUMBERS[machine][name], arguments) == answer


def test_other_processors_and_unknown_calls_are_refused() -> None:
    program = build("x86_64", asks=True, signals_scoped=True)
    assert run_filter(program, AUDIT_ARCH["aarch64"], 0, ()) == KILL
    assert run_filter(program, AUDIT_ARCH["x86_64"], 0x40000000 | 1, ()) == ENOSYS
    assert run_filter(program, AUDIT_ARCH["x86_64"], 460, ()) == ENOSYS


def test_without_a_supervisor_to_ask_no_process_starts() -> None:
    program = build("x86_64", asks=False, signals_scoped=True)
    assert run_filter(program, AUDIT_ARCH["x86_64"], NUMBERS["x86_64"]["clone"], (0x11,)) == EAGAIN


def test_without_scoped_signals_only_its_own_group_and_itself_can_be_signalled() -> None:
    import os

    program = build("x86_64", asks=True, signals_scoped=False)
    numbers, arch = NUMBERS["x86_64"], AUDIT_ARCH["x86_64"]
    assert run_filter(program, arch, numbers["kill"], (os.getpid(), 9)) == ALLOW
    assert run_filter(program, arch, numbers["kill"], (1, 9)) == EPERM
    assert run_filter(program, arch, numbers["kill"], ((1 << 64) - 1, 9)) == EPERM
    assert run_filter(program, arch, numbers["tgkill"], (1, 1, 9)) == EPERM
