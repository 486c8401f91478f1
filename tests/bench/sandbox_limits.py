"""What binds the sandbox: the same turns in bare forks of a warm process, and what such a fork costs alone.

    python -m tests.bench.sandbox_limits DATA GATE AT [AT ...]

Run by tests.bench.sandbox in a process of its own, which imports what a zygote imports. Prints one JSON
object. No confinement, no limits, no captured output, no protocol: a trajectory is a fork that runs its
turns by exec, and, to roll back, forks a copy of itself before each turn but the first and ends it after.
No executor that forks can do less; what it takes is the least that ours could take.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from datamind_gen.sandbox.inside.memory import give_back, settle
from datamind_gen.sandbox.inside.preload import preload
from tests.bench.sandbox_peers import held_mb, share_mb
from tests.bench.sandbox_turns import TURNS

_FORKS = 40


def main() -> None:
    data, gate, *at = sys.argv[1], *map(int, sys.argv[2:])
    preload(lean=False)
    plain = _time_forks()
    settle()
    settled = _time_forks()
    with tempfile.TemporaryDirectory() as place:
        os.makedirs(f"{place}/data/files")
        os.symlink(data, f"{place}/data/files/sales.csv")
        os.chdir(place)
        walls = {
            mode: {number: _play_all(number, gate, copies=mode == "rollback") for number in at}
            for mode in ("rollback", "keep")
        }
        held = {number: _hold_all(number) for number in at}
        os.chdir("/")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    found = {
        "fork_ms": settled,
        "plain_fork_ms": plain,
        "resident_mb": int(status["VmRSS"].split()[0]) / 1024,
        "areas": len(Path("/proc/self/maps").read_text().splitlines()),
        "walls": walls,
        "held_mb": held,
    }
    print(json.dumps(found), flush=True)
    os._exit(0)  # not through the libraries' own endings


def _time_forks() -> float:
    """Milliseconds to fork this process and see the copy, which does nothing, to its end; the median."""
    taken = []
    for _ in range(_FORKS):
        start = time.perf_counter()
        copy = os.fork()
        if copy == 0:
            os._exit(0)
        os.waitpid(copy, 0)
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def _play_all(number: int, gate: int, *, copies: bool) -> float:
    """Seconds for so many trajectories, `gate` of them at once."""
    start = time.perf_counter()
    running = 0
    for _ in range(number):
        if running == gate:
            os.wait()
            running -= 1
        if os.fork() == 0:
            try:
                _play(copies)
            finally:
                os._exit(0)
        running += 1
    for _ in range(running):
        os.wait()
    return time.perf_counter() - start


def _hold_all(number: int) -> float:
    """MB that so many forks and this process hold together when each has played its turns and waits."""
    done, tell = os.pipe()
    forks = []
    for _ in range(number):
        forks.append(os.fork())
        if forks[-1] == 0:
            state = _play(copies=False)
            give_back()
            os.write(tell, b".")
            signal.pause()
            del state
        os.read(done, 1)
    held = held_mb() + share_mb(os.getpid())
    for fork in forks:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)
    return held


def _play(copies: bool) -> dict[str, object]:
    """Runs the turns in this process; the state that they leave."""
    namespace: dict[str, object] = {}
    for position, code in enumerate(TURNS):
        copy = os.fork() if copies and position else None
        if copy == 0:
            signal.pause()
        with contextlib.suppress(KeyError), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "<turn>", "exec"), namespace)
        if copy:
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)
    return namespace


if __name__ == "__main__":
    main()
