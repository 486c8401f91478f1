"""The sandbox beside its peers, in one run: the same five turns, one trajectory or many at once.

    python -m tests.bench.sandbox [--at 1 8 32] [--rounds 7] [--soak 1000]

Peers: the paper's released way (a fresh Python each turn that replays the history with its prints
stripped line by line, here without its `conda run`), and a Jupyter kernel per trajectory where ipykernel
is installed. All use single-threaded libraries and the same gate on running turns. Memory is the
proportional set size of all processes while every trajectory's state is still held. The last two rows
are what binds: the same turns in bare forks of a warm process (tests/bench/sandbox_limits.py), which no
executor that keeps a trajectory in a process of its own can beat. Then: what a turn costs over its code,
the soak, and how all that stands to what was to be reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings
from tests.bench.sandbox_peers import JupyterPeer, Peer, ReferencePeer, held_mb, quiet_environment
from tests.bench.sandbox_turns import FAILS, TURNS, make_data

SPEED_AT = 8
SPEED_UP = {OnError.ROLLBACK: 20.0, OnError.KEEP: 35.0}
HELD_AT = 32
HELD_MB = 1200.0
OVERHEAD_MS = {OnError.ROLLBACK: 35.0, OnError.KEEP: 15.0}
"""What was to be reached."""


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    wall_s: float
    turns_s: tuple[float, ...]
    held_mb: float
    failed: int
    """Turns that ended otherwise than they should."""


class SandboxPeer:
    """Ours, behind the peers' face."""

    def __init__(self, mode: OnError, concurrency: int) -> None:
        self.name = f"sandbox, {mode.value}"
        self._mode = mode
        self._sandbox = Sandbox(SandboxSettings(concurrency=concurrency, on_error=mode))

    async def start(self) -> None:
        await self._sandbox.__aenter__()

    async def stop(self) -> None:
        await self._sandbox.__aexit__(None, None, None)

    async def open(
        self, data: Path, number: int
    ) -> tuple[Callable[[str], Awaitable[bool]], Callable[[], Awaitable[None]]]:
        session = await self._sandbox.open({"sales.csv": data}, seed=str(number))

        async def run(code: str) -> bool:
            return (await session.run(code)).ok

        return run, session.close


async def measure(peer: Peer, data: Path, at_once: int) -> Measured:
    """Plays `at_once` trajectories together, holds them all, and lets them go."""
    await peer.start()
    turns: list[float] = []
    failed = 0
    begun = time.perf_counter()
    closes = []

    async def trajectory(number: int) -> None:
        nonlocal failed
        run, close = await peer.open(data, number)
        closes.append(close)
        for position, code in enumerate(TURNS):
            start = time.perf_counter()
            ok = await run(code)
            turns.append(time.perf_counter() - start)
            failed += ok == (position == FAILS)

    await asyncio.gather(*(trajectory(number) for number in range(at_once)))
    wall = time.perf_counter() - begun
    held = await asyncio.to_thread(held_mb)
    for close in closes:
        await close()
    await peer.stop()
    return Measured(peer.name, wall, tuple(turns), held, failed)


@dataclass(frozen=True, slots=True)
class Limits:
    """What tests/bench/sandbox_limits.py found."""

    fork_ms: float
    plain_fork_ms: float
    resident_mb: float
    areas: int
    walls: dict[str, dict[str, float]]
    held_mb: dict[str, float]

    def wall(self, mode: OnError, at_once: int) -> float:
        return self.walls[mode.value][str(at_once)]


def find_limits(data: Path, gate: int, at: list[int]) -> Limits:
    """Measures them in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.sandbox_limits", str(data), str(gate), *map(str, at)]
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, text=True)
    return Limits(**json.loads(done.stdout))


def show(console: Console, at_once: int, results: list[Measured], limits: Limits) -> None:
    base = next((result for result in results if result.name == ReferencePeer.name), results[-1])
    title = f"{at_once} at once, five turns, 5 MB"
    table = Table(
        "", "wall s", "median turn ms", f"times faster than {base.name}", "held MB", "wrong", title=title
    )
    for result in results:
        table.add_row(
            result.name,
            f"{result.wall_s:.2f}",
            f"{1000 * statistics.median(result.turns_s):.0f}",
            f"{base.wall_s / result.wall_s:.1f}",
            f"{result.held_mb:.0f}",
            str(result.failed),
        )
    for mode in OnError:
        wall = limits.wall(mode, at_once)
        held = f"{limits.held_mb[str(at_once)]:.0f}" if mode is OnError.KEEP else ""
        table.add_row(f"bare forks, {mode.value}", f"{wall:.2f}", "", f"{base.wall_s / wall:.1f}", held, "")
    console.print(table)


async def overhead(console: Console, data: Path, rounds: int) -> dict[OnError, float]:
    """What a turn costs over the bare exec of its code in a process that has the libraries loaded."""
    bare = {position: [] for position in range(len(TURNS))}  # type: dict[int, list[float]]
    ours: dict[OnError, dict[int, list[float]]] = {mode: {n: [] for n in bare} for mode in OnError}
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "data" / "files").mkdir(parents=True)
        (Path(place) / "data" / "files" / "sales.csv").symlink_to(data)
        async with Sandbox(SandboxSettings(concurrency=1)) as sandbox:
            for number in range(rounds):
                for position, taken in enumerate(_exec_bare(Path(place))):
                    bare[position].append(taken)
                for mode in OnError:
                    async with await sandbox.open(
                        {"sales.csv": data}, seed=str(number), on_error=mode
                    ) as session:
                        await session.run("0")
                        for position, code in enumerate(TURNS):
                            start = time.perf_counter()
                            await session.run(code)
                            ours[mode][position].append(time.perf_counter() - start)
    table = Table(
        "turn", "bare exec ms", *(f"{mode.value}: over it, ms" for mode in OnError), title="turn overhead"
    )
    over: dict[OnError, list[float]] = {mode: [] for mode in OnError}
    for position in bare:
        base = statistics.median(bare[position])
        for mode in OnError:
            over[mode].append(statistics.median(ours[mode][position]) - base)
        cells = [f"{1000 * over[mode][position]:.1f}" for mode in OnError]
        table.add_row(str(position + 1), f"{1000 * base:.1f}", *cells)
    found = {mode: 1000 * statistics.median(over[mode]) for mode in OnError}
    table.add_row("median", "", *(f"{found[mode]:.1f}" for mode in OnError))
    console.print(table)
    return found


def _exec_bare(place: Path) -> list[float]:
    import contextlib
    import io

    taken = []
    namespace: dict[str, object] = {}
    here = os.getcwd()
    os.chdir(place)
    try:
        for code in TURNS:
            start = time.perf_counter()
            with contextlib.suppress(KeyError), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(code, "<turn>", "exec"), namespace)
            taken.append(time.perf_counter() - start)
    finally:
        os.chdir(here)
    return taken


async def soak(console: Console, data: Path, turns: int) -> None:
    """Very many turns in one session, failures among them: what grows?"""
    rows = []
    async with (
        Sandbox(SandboxSettings(concurrency=1)) as sandbox,
        await sandbox.open({"s": data}, seed="s") as session,
    ):
        await session.run("import pandas as pd\nx = 0")
        zygote = next(iter(sandbox._zygotes.values())).facts["pid"]
        for number in range(1, turns + 1):
            await session.run("x += 1\ny = pd.DataFrame({'a': range(1000)}).sum()" if number % 5 else "1 / 0")
            if number % max(1, turns // 5) == 1 or number == turns:
                await asyncio.sleep(1)  # what just ended is gone, and what is held has been counted
                stats = sandbox.stats()
                descriptors = [len(os.listdir(f"/proc/{who}/fd")) for who in (zygote, "self")]
                children = sum(1 for line in _stats() if line[3] == str(zygote))
                rows.append((number, *descriptors, children, held_mb(), stats.held_mb, stats.wakes))
        counted = (await session.run("x")).echo
    table = Table(
        *("turns", "zygote fds", "own fds", "processes", "held MB", "session MB", "rebuilt"),
        title=f"soak; x is {counted}",
    )
    for row in rows:
        table.add_row(*(f"{cell:.0f}" for cell in row))
    console.print(table)


def _stats() -> list[list[str]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found.append([entry.name, fields[0], fields[1], fields[3]])
    return found


def conclude(
    console: Console, reached: dict[int, dict[str, Measured]], over: dict[OnError, float], limits: Limits
) -> None:
    """What was to be reached, what was, and what binds."""
    table = Table("", "to reach", "reached", "what binds", title="how it stands")
    for mode in OnError:
        ours, base = (
            reached.get(SPEED_AT, {}).get(n) for n in (f"sandbox, {mode.value}", ReferencePeer.name)
        )
        if ours is not None and base is not None:
            bound = limits.wall(mode, SPEED_AT)
            table.add_row(
                f"{mode.value}, times faster than {base.name}, {SPEED_AT} at once",
                f"{SPEED_UP[mode]:.0f}",
                f"{base.wall_s / ours.wall_s:.1f}",
                f"bare forks: {base.wall_s / bound:.1f}; {100 * bound / ours.wall_s:.0f} % of that reached",
            )
        if (held := reached.get(HELD_AT, {}).get(f"sandbox, {mode.value}")) is not None:
            table.add_row(
                f"{mode.value}, {HELD_AT} held, MB",
                f"below {HELD_MB:.0f}",
                f"{held.held_mb:.0f}",
                f"bare forks hold {limits.held_mb[str(HELD_AT)]:.0f}",
            )
        if mode in over:
            copy = f"fork and end of a copy: {limits.fork_ms:.1f} ms" if mode is OnError.ROLLBACK else ""
            table.add_row(
                f"{mode.value}, over the code, ms",
                f"below {OVERHEAD_MS[mode]:.0f}",
                f"{over[mode]:.1f}",
                copy,
            )
    console.print(table)
    console.print(
        f"A warm process: {limits.resident_mb:.0f} MB resident in {limits.areas} areas. To fork it and see "
        f"the copy end takes {limits.fork_ms:.1f} ms; {limits.plain_fork_ms:.1f} ms as its imports leave it."
    )


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--at", type=int, nargs="*", default=[1, 8, 32], help="trajectories at once")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the overhead measure")
    parser.add_argument("--soak", type=int, default=1000, help="turns of the soak; 0 for none")
    parser.add_argument("--no-peers", action="store_true", help="ours only")
    options = parser.parse_args()
    os.environ.update(quiet_environment())
    console = Console(width=110)
    gate = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        data = Path(place) / "sales.csv"
        make_data(data)
        limits = find_limits(data, gate, options.at)
        reached: dict[int, dict[str, Measured]] = {}
        for at_once in options.at:
            peers: list[Peer] = [SandboxPeer(mode, gate) for mode in OnError]
            if not options.no_peers:
                peers.append(ReferencePeer(gate))
                peers += [JupyterPeer(gate)] if JupyterPeer.available() else []
            results = [await measure(peer, data, at_once) for peer in peers]
            reached[at_once] = {result.name: result for result in results}
            show(console, at_once, results, limits)
        over = {}
        if options.rounds:
            import pandas  # noqa: F401
            import sklearn.linear_model  # noqa: F401

            over = await overhead(console, data, options.rounds)
        if options.soak:
            await soak(console, data, options.soak)
        conclude(console, reached, over, limits)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
