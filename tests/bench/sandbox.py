# ruff: noqa: E501
"""The sandbox beside its peers, in one run: the same five turns, one trajectory or many at once.

    python -m tests.bench.sandbox [--at 1 8 32] [--rounds 1] [--soak 1000]

Peers: the paper's released way (a fresh Python each turn that replays the history with its prints
stripped line by line, here without its `conda run`), and a Jupyter kernel per trajectory where ipykernel
is installed. All use single-threaded libraries and the same gate on running turns. Memory is the
proportional set size of all processes while every trajectory's state is still held.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
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

TURNS = (
    "import pandas as pd\ndf = pd.read_csv('data/files/sales.csv')\nprint(df.head(3))\nprint(df.dtypes)",
    "df['day'] = pd.to_datetime(df['day'])\nprint(df.groupby('city')['amount'].agg(['mean', 'sum', 'count']))",
    "print(df['revenue'].sum())",
    "monthly = df.set_index('day').resample('MS')['amount'].sum()\n"
    "print(df.pivot_table(index='city', columns=df['day'].dt.month, values='amount', aggfunc='mean').round(2))",
    "from sklearn.linear_model import LinearRegression\n"
    "fit = LinearRegression().fit(df[['units', 'price']], df['amount'])\nprint(fit.coef_.round(3))",
)
FAILS = 2
"""The turn with the KeyError."""


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


def show(console: Console, at_once: int, results: list[Measured]) -> None:
    base = next((result for result in results if result.name.startswith("reference")), results[-1])
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
    console.print(table)


async def overhead(console: Console, data: Path, rounds: int) -> None:
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
    table.add_row("median", "", *(f"{1000 * statistics.median(over[mode]):.1f}" for mode in OnError))
    console.print(table)


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
            if number in (turns // 10, turns):
                children = sum(1 for line in _stats() if line[3] == str(zygote))
                rows.append((number, len(os.listdir(f"/proc/{zygote}/fd")), len(os.listdir("/proc/self/fd")), children,
                             held_mb(), sandbox.stats().held_mb))  # fmt: skip
        counted = (await session.run("x")).echo
    table = Table(
        "turns", "zygote fds", "own fds", "processes", "held MB", "session MB", title=f"soak; x is {counted}"
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


def make_data(path: Path) -> None:
    """A CSV file of 5 MB: 105,000 sales."""
    import random

    dice = random.Random(7)
    cities = ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Tokyo")
    with path.open("w") as file:
        file.write("id,day,city,units,price,amount\n")
        for number in range(130_000):
            units, price = dice.randint(1, 20), round(dice.uniform(1, 99), 2)
            day = f"2024-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
            file.write(f"{number},{day},{dice.choice(cities)},{units},{price},{units * price:.2f}\n")


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
        for at_once in options.at:
            peers: list[Peer] = [SandboxPeer(mode, gate) for mode in OnError]
            if not options.no_peers:
                peers.append(ReferencePeer(gate))
                peers += [JupyterPeer(gate)] if JupyterPeer.available() else []
            show(console, at_once, [await measure(peer, data, at_once) for peer in peers])
        if options.rounds:
            import pandas  # noqa: F401
            import sklearn.linear_model  # noqa: F401

            await overhead(console, data, options.rounds)
        if options.soak:
            await soak(console, data, options.soak)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
