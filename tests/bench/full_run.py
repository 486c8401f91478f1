"""What a kept row costs in a whole run, and what the engine adds to the bare executions.

    python -m tests.bench.full_run [PIPELINE] [--set KEY=VALUE]... [--keep FOLDER]

Runs the pipeline (pipelines/full.yaml) as a user would, with an engine that writes down every session and
turn that it asks of its sandbox. Then the same sessions run the same turns straight through a sandbox, with
nothing else going on: the bound that no engine can beat. Printed are kept rows, executions a kept row by
stage, processor seconds by kind of process, and the run's wall and processor time over the bound's.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from datamind_gen.run import host
from datamind_gen.run.display import make_display
from datamind_gen.run.flow import FLOW
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.job import Job
from datamind_gen.run.status import read_funnel
from datamind_gen.run.supervisor import supervise
from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings, Session, TurnResult
from datamind_gen.spec.loader import load_pipeline
from datamind_gen.spec.running import Display
from tests.run.processes import descendants, look_at

RECORD = "executions.jsonl"
SETTINGS = "sandbox.json"
POLL_S = 0.2
AT_ONCE = 16
"""Sessions that the bound holds open together; how many turns run together is the sandbox's own limit."""
KINDS = (
    ("tests.bench.full_run", "engine"),
    ("datamind_gen.run.dag", "graph (distilabel)"),
    ("datamind_gen.files.worker", "file readers"),
    ("frozen_modules=on -c", "zygotes"),
)


# --- the engine that writes down what it executes -------------------------------------------------


def run_recording_engine(argument: str) -> int:
    """The engine's process, with its sandbox's sessions overheard."""
    stage: ContextVar[str] = ContextVar("stage", default="")
    record = (Path(json.loads(argument)["out"]) / RECORD).open("w", encoding="utf-8")
    numbers: dict[Session, int] = {}
    count = itertools.count(1)

    def note(**entry: object) -> None:
        record.write(json.dumps(entry) + "\n")
        record.flush()

    opened, run, closed = Sandbox.open, Session.run, Session.close

    async def open_noted(self: Sandbox, files: Any, **settings: Any) -> Session:
        session = await opened(self, files, **settings)
        numbers[session] = number = next(count)
        if number == 1:
            (Path(record.name).parent / SETTINGS).write_text(_write_settings(self.settings))
        paths = {name: str(path) for name, path in files.items()}
        note(op="open", session=number, stage=stage.get(), files=paths, **settings)
        return session

    async def run_noted(self: Session, code: str) -> TurnResult:
        result = await run(self, code)
        note(op="turn", session=numbers[self], stage=stage.get(), code=code, wall_s=result.wall_s)
        return result

    async def close_noted(self: Session) -> None:
        numbers.pop(self, None)
        await closed(self)

    for step in FLOW.values():
        step.runner.run = partial(_run_in_stage, step.runner.run, step.runner.name.value, stage)  # type: ignore[method-assign]
    Sandbox.open, Session.run, Session.close = open_noted, run_noted, close_noted  # type: ignore[method-assign]
    return host.main(argument)


async def _run_in_stage(run: Any, name: str, stage: ContextVar[str], row: Any, services: Any) -> Any:
    stage.set(name)
    return await run(row, services)


def _write_settings(settings: SandboxSettings) -> str:
    return json.dumps({found.name: getattr(settings, found.name) for found in fields(settings)}, default=str)


# --- where processor time goes ---------------------------------------------------------------------


@dataclass
class Processors:
    """Looks at all processes below this one, again and again, while a run goes on."""

    seconds: dict[tuple[int, str], tuple[str, float, float]] = field(default_factory=dict)
    """By process: its kind, its user and its system time, as last seen."""
    reaped: dict[tuple[int, str], tuple[float, float]] = field(default_factory=dict)
    """By zygote: what the sessions that it has reaped took."""
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._over.wait(POLL_S):
            self.look()

    def stop(self) -> None:
        self._over.set()

    def look(self) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        zygotes: set[int] = set()
        sessions: set[int] = set()
        for process in descendants(os.getpid()):
            kind = next((kind for mark, kind in KINDS if mark in process.command), None)
            try:
                numbers = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parent = int(numbers[1])
            if parent in zygotes | sessions:  # one that ends has no command any more
                sessions.add(process.pid)
                continue  # counted when the zygote reaps it
            if kind == "zygotes":
                zygotes.add(process.pid)
                own = (process.pid, process.started)
                self.reaped[own] = (int(numbers[13]) / ticks, int(numbers[14]) / ticks)
            if kind is None:
                above = look_at(parent)
                kind = "graph (distilabel)" if above and "run.dag" in above.command else "other"
            self.seconds[process.pid, process.started] = (
                kind,
                int(numbers[11]) / ticks,
                int(numbers[12]) / ticks,
            )

    def by_kind(self) -> dict[str, tuple[float, float]]:
        """User and system seconds by kind of process."""
        found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for kind, user, system in self.seconds.values():
            found[kind][0] += user
            found[kind][1] += system
        for user, system in self.reaped.values():
            found["sessions"][0] += user
            found["sessions"][1] += system
        return {kind: (pair[0], pair[1]) for kind, pair in found.items()}


# --- the bound ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """One session that the run opened, and its turns."""

    files: dict[str, Path]
    settings: dict[str, Any]
    turns: tuple[str, ...]


def read_record(path: Path) -> tuple[list[Recorded], Counter[str], Counter[str], dict[str, float]]:
    """The sessions in the order of opening; sessions, turns and seconds in turns by stage."""
    opened: dict[int, dict[str, Any]] = {}
    codes: dict[int, list[str]] = defaultdict(list)
    sessions: Counter[str] = Counter()
    turns: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    for entry in _read_lines(path):
        op, number = entry.pop("op"), entry.pop("session")
        if op == "open":
            sessions[entry.pop("stage")] += 1
            opened[number] = entry
        else:
            turns[entry["stage"]] += 1
            seconds[entry["stage"]] += entry["wall_s"]
            codes[number].append(entry["code"])
    recorded = [
        Recorded(
            {name: Path(place) for name, place in entry.pop("files").items()},
            {**entry, "on_error": OnError(entry["on_error"])} if entry.get("on_error") else entry,
            tuple(codes[number]),
        )
        for number, entry in opened.items()
    ]
    return recorded, sessions, turns, seconds


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


async def run_bound(recorded: list[Recorded], settings: SandboxSettings) -> float:
    """Seconds that the same turns of the same sessions take with nothing else to do."""
    waiting = iter(recorded)
    async with Sandbox(settings) as sandbox:
        started = time.perf_counter()

        async def work() -> None:
            for entry in waiting:
                async with await sandbox.open(entry.files, **entry.settings) as session:
                    for code in entry.turns:
                        await session.run(code)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return time.perf_counter() - started


def read_settings(path: Path) -> SandboxSettings:
    """The settings of the run's sandbox."""
    found = json.loads(path.read_text())
    found["on_error"] = OnError(found["on_error"])
    found["scratch"] = Path(found["scratch"]) if found["scratch"] else None
    return SandboxSettings(**found)


# --- the bench ---------------------------------------------------------------------------------------


def children_seconds() -> tuple[float, float]:
    """User and system seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime, usage.ru_stime


def measure(pipeline: str, overrides: tuple[str, ...], out: Path, console: Console) -> int:
    loaded = load_pipeline(pipeline, overrides=overrides)
    folder = RunFolder(out)
    out.mkdir(parents=True, exist_ok=True)
    processors = Processors()
    watcher = threading.Thread(target=processors.watch, daemon=True)
    watcher.start()
    before, started = children_seconds(), time.perf_counter()
    finished = supervise(
        Job(pipeline=str(loaded.origin), overrides=overrides, out=str(out)),
        display=make_display(Display.PLAIN, console),
        stall_seconds=loaded.spec.run.stall_seconds,
        engine="tests.bench.full_run",
    )
    wall = time.perf_counter() - started
    processors.stop()
    watcher.join()
    run_cpu = sum(children_seconds()) - sum(before)
    console.print(finished.message)
    if finished.code:
        return int(finished.code)
    funnel, _, _ = read_funnel(folder)
    assert funnel is not None
    kept = sum(cell.kept for cell in funnel.cells)
    recorded, sessions, turns, seconds = read_record(out / RECORD)
    console.print(_stages_table(kept, sessions, turns, seconds))
    console.print(_processes_table(kept, processors))
    before = children_seconds()
    bound_wall = asyncio.run(run_bound(recorded, read_settings(out / SETTINGS)))
    bound_cpu = sum(children_seconds()) - sum(before)
    console.print(
        f"{kept:,} kept rows in {wall:.0f} s; {sum(turns.values()) / kept:.1f} executions and "
        f"{run_cpu / kept:.2f} processor seconds a kept row\n"
        f"bare executions: {bound_wall:.0f} s, {bound_cpu / kept:.2f} processor seconds a kept row\n"
        f"the run over its bound: wall {wall / bound_wall:.2f}, processor time {run_cpu / bound_cpu:.2f}"
    )
    return 0


def _stages_table(kept: int, sessions: Counter[str], turns: Counter[str], seconds: dict[str, float]) -> Table:
    table = Table(title="Executions", title_justify="left", box=None, padding=(0, 2))
    for name in ("stage", "sessions", "turns", "turns a kept row", "seconds in turns"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in sorted(sessions, key=lambda stage: -seconds[stage]):
        table.add_row(
            stage,
            f"{sessions[stage]:,}",
            f"{turns[stage]:,}",
            f"{turns[stage] / kept:.1f}",
            f"{seconds[stage]:.0f}",
        )
    return table


def _processes_table(kept: int, processors: Processors) -> Table:
    table = Table(title="Processor seconds", title_justify="left", box=None, padding=(0, 2))
    for name in ("process", "user", "system", "a kept row"):
        table.add_column(name, justify="left" if name == "process" else "right")
    for kind, (user, system) in sorted(processors.by_kind().items(), key=lambda item: -sum(item[1])):
        table.add_row(kind, f"{user:.0f}", f"{system:.0f}", f"{(user + system) / kept:.2f}")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.full_run", description=__doc__)
    parser.add_argument("pipeline", nargs="?", default="full")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--keep", type=Path, help="leaves the run in this folder")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    overrides = tuple(arguments.set)
    if arguments.keep is not None:
        return measure(arguments.pipeline, overrides, arguments.keep.absolute(), console)
    with tempfile.TemporaryDirectory() as place:
        return measure(arguments.pipeline, overrides, Path(place) / "run", console)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        os.dup2(2, 1)  # as the engine does
        sys.exit(run_recording_engine(sys.argv[1]))
    sys.exit(main())
