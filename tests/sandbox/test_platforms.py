"""Other systems: importing works without Unix's modules, and the refusal names the fix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from datamind_gen.sandbox import Isolation, Sandbox, SandboxSettings, SandboxUnavailable, probe
from datamind_gen.sandbox.isolation import fix_for, read_facts
from tests.conftest import Do

ROOT = Path(__file__).resolve().parents[2]
UNIX_ONLY = [
    "fcntl",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "posix",
    "spwd",
    "syslog",
    "readline",
]


def test_importing_works_without_unix_modules() -> None:
    script = f"""
import sys
import asyncio, importlib.abc, os, shutil, signal, socket, subprocess, tempfile  # these adapt themselves
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {UNIX_ONLY!r}:
            raise ImportError("blocked: " + name)
for name in {UNIX_ONLY!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocker())
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "fork", "killpg", "memfd_create",
             "sched_getaffinity", "sysconf", "getuid"):
    delattr(os, name)
for name in ("SIGKILL", "SIGSTOP", "SIGCONT", "SIGCHLD", "SIGALRM", "SIGXCPU"):
    delattr(signal, name)
sys.platform = "win32"
from datamind_gen.sandbox import Sandbox, SandboxUnavailable, probe
async def main():
    try:
        async with Sandbox():
            print("opened")
    except SandboxUnavailable as error:
        print(error)
print(probe().isolation)
coroutine = main()
try:
    coroutine.send(None)
except StopIteration:
    pass
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("none\n")
    assert "container or virtual machine (docs/sandbox.md" in done.stdout


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_refusal_elsewhere_names_the_fix(do: Do, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SandboxUnavailable, match="container or virtual machine"):
        do(Sandbox(SandboxSettings(allow_unsandboxed=True)).__aenter__())
    assert probe().isolation is Isolation.NONE


@pytest.mark.parametrize(
    ("landlock", "attempts", "level", "says"),
    [
        (7, [("read", True), ("ask before forking", True)], Isolation.FULL, None),
        (7, [("read", True), ("ask before forking", False)], Isolation.FULL_MINUS, None),
        (4, [("read", True), ("ask before forking", True)], Isolation.FULL_MINUS, None),
        (7, [("read", False), ("write", True)], Isolation.NONE, "could: read"),
        (0, [("confinement", False)], Isolation.NONE, "lsm=landlock"),
        (7, [], Isolation.NONE, "--allow-unsandboxed"),
    ],
    ids=["all-denied", "no-notices", "older", "an-escape", "no-landlock", "said-nothing"],
)
def test_the_level_is_what_the_attempts_met(
    landlock: int, attempts: list[tuple[str, bool]], level: Isolation, says: str | None
) -> None:
    found = [{"name": name, "denied": denied, "detail": ""} for name, denied in attempts]
    result = read_facts({"landlock": landlock, "attempts": found, "missing": []})
    assert result.isolation is level
    assert (result.fix is None) == (says is None)
    assert says is None or says in (result.fix or "")


def test_the_probe_really_tries_here() -> None:
    result = probe()
    assert result.isolation is not Isolation.NONE
    assert len(result.attempts) >= 25
    assert "--allow-unsandboxed" in fix_for(0, ())


@pytest.mark.parametrize(
    "bad", [{"wall_s": 0}, {"concurrency": 0}, {"memory_mb": 10}, {"processes": -1}, {"sql_rows": -5}]
)
def test_a_limit_that_cannot_hold_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"sandbox: {next(iter(bad))} is"):
        SandboxSettings(**bad)
