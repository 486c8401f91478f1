"""A whole `run` against the simulated endpoint over real HTTP: engine, graph, sandbox, real turns of code.

Queries are written beforehand (they are of programs, and ask no model); the run then samples and judges.
Timed from the first request to the last reply at the endpoint; the start and the publishing of the run stand
beside it. Every reply's latency is in the endpoint's journal, and the ideal is the schedule of just those.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from contextlib import AsyncExitStack
from pathlib import Path

import psutil

from datamind_gen.ledger import Ledger
from datamind_gen.rows import Stage
from datamind_gen.run.flow import FLOW
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.job import Job
from datamind_gen.run.local import move_locally
from datamind_gen.run.opening import find_files, locate, open_engine
from datamind_gen.run.traffic import Traffic
from datamind_gen.spec.loader import load_pipeline
from tests.bench.saturation_schedule import ideal_s, read_journal
from tests.models.server import Plan, ServerProcess
from tests.run.over_http import write_pipeline_over_http
from tests.run.processes import descendants, finish, start_run

BEFORE_SAMPLING = (Stage.READ, Stage.PROFILE, Stage.WRITE, Stage.COMPOSE)
SAMPLES = 3


def measure_run(plan: Plan, *, queries: int, in_flight: int) -> None:
    """One run, in words."""
    with tempfile.TemporaryDirectory() as place, ServerProcess(plan) as server:
        pipeline = write_pipeline_over_http(
            Path(place) / "p.yaml", server.url, target=queries * SAMPLES, concurrency=in_flight
        )
        pipeline.write_text(
            pipeline.read_text().replace("{hops: {1: 1}}", "{hops: {1: 1}, duplicate_threshold: 1.0}")
        )
        asyncio.run(write_queries(pipeline, Path(place) / "run"))
        began = time.monotonic()
        run = start_run(pipeline, Path(place) / "run")
        watched = EngineWatch(run.pid)
        output = finish(run, within=7200)
        wall = time.monotonic() - began
        if run.returncode != 0:
            sys.exit(output)
        stats, work = server.stats, read_journal(server.journal)
    bound = ideal_s(work, slots=in_flight)
    lost = sum(len(entry.trajectories) != SAMPLES or entry.judgement is None for entry in work)
    print(
        f"  {len(work)} queries, {stats['distinct']} replies   first request to last reply "
        f"{stats['span_s']:.1f} s   ideal {bound:.1f} s   ratio {stats['span_s'] / bound:.3f}   "
        f"whole command {wall:.1f} s\n"
        f"  rows lost {lost}   completed replies asked again {stats['duplicates']}   {stats['outcomes']}\n"
        f"  {watched}",
        flush=True,
    )
    if plan.outage is not None:
        down = plan.outage[1] - plan.outage[0]
        print(f"  ratio to ideal and outage: {stats['span_s'] / (bound + down):.3f}", flush=True)


async def write_queries(pipeline: Path, out: Path) -> None:
    """Takes the pipeline's stages as far as its questions, into the run's ledger."""
    loaded, folder = load_pipeline(pipeline), RunFolder(out)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger.open(folder.ledger))
        found = find_files(loaded, folder)
        job = Job(pipeline=str(pipeline), overrides=(), out=str(out))
        engine = await open_engine(loaded, ledger, locate(found), job, stack)
        engine.flow = {stage: FLOW[stage] for stage in BEFORE_SAMPLING}
        await move_locally(Traffic(engine, [item.file for item in found]))


class EngineWatch:
    """Looks at the engine's process twice a second: its CPU time and its memory over the run."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._memory: list[float] = []
        self._cpu = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        engine: psutil.Process | None = None
        while psutil.pid_exists(self._run):
            time.sleep(0.5)
            try:
                if engine is None:
                    pids = [found.pid for found in descendants(self._run) if "run.host" in found.command]
                    engine = psutil.Process(pids[0]) if pids else None
                else:
                    memory, times = engine.memory_info().rss / 1e6, engine.cpu_times()
                    if not memory:  # it has ended, and nobody has waited for it yet
                        return
                    self._memory.append(memory)
                    self._cpu = times.user + times.system
            except psutil.NoSuchProcess:
                return

    def __str__(self) -> str:
        if not self._memory:
            return "the engine's process was not seen"
        quarters = [self._memory[len(self._memory) * quarter // 4] for quarter in range(4)]
        along = ", ".join(f"{megabytes:.0f}" for megabytes in (*quarters, self._memory[-1]))
        return f"the engine's process: {self._cpu:.1f} s of CPU, memory along the way {along} MB"
