"""Looks at real processes through /proc: who descends from whom, and who is still there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Process:
    pid: int
    started: str
    """The kernel's start time: tells a process from a later one with the same number."""
    command: str


def start_run(pipeline: Path, out: Path, *extra: str) -> subprocess.Popen[str]:
    """Starts a run, as a person would."""
    return subprocess.Popen(
        [sys.executable, "-m", "datamind_gen", "run", str(pipeline), "--out", str(out), *extra],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, within: float = 300) -> str:
    """Waits for the end and gives what was printed."""
    try:
        output, _ = process.communicate(timeout=within)
    finally:
        process.kill()
    return output


def descendants(pid: int) -> list[Process]:
    """All processes below one, itself left out."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[Process] = []
    queue = [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            process = look_at(child)
            if process is not None:
                found.append(process)
            queue.append(child)
    return found


def look_at(pid: int) -> Process | None:
    """The process of that number; None when it is gone, or a zombie without living threads: while one lives,
    its files and locks are still held."""
    fields = _stat(pid)
    if fields is None or (fields[0] == "Z" and int(fields[17]) <= 1):
        return None
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return Process(pid, fields[19], command)


def wait_gone(processes: list[Process], *, within: float) -> list[Process]:
    """Those that are still there after so many seconds; returns as soon as there are none."""
    deadline = time.monotonic() + within
    while True:
        left = [found for found in processes if look_at(found.pid) == found or _same(found)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _same(process: Process) -> bool:
    now = look_at(process.pid)
    return now is not None and now.started == process.started


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name: state first, then the parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def kill(pid: int, signal: int) -> None:
    """Sends a signal; a process that is already gone is fine."""
    try:
        os.kill(pid, signal)
    except ProcessLookupError:
        return
