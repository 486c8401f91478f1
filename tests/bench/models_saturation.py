"""How close the models' queue comes to an ideal work-conserving schedule, over real HTTP.

    python -m tests.bench.models_saturation [--scale 0.2] [--queries 400] [--part clean]

A simulated endpoint with 32 slots draws each request's latency from a hash of it (lognormal, mean 1 s
times --scale, sigma 1). The work: queries × 3 samples × 2 to 8 turns, then one judgement a query. The
ideal is a list schedule of the same latencies with the same precedence and priorities, simulated. Parts:
`clean`; `faults` (2 % 500s, 2 % 429s with Retry-After, 1 % resets, 1 % malformed, an outage of 60 s times
--scale); `single` (the first turns only, beside plain distilabel with its defaults, in one run); `load`
(the process's CPU and memory at 64 and 512 in flight).
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import itertools
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from datamind_gen.models.base import ChatRequest, Role, Sampling
from datamind_gen.models.limiter import priority_of
from datamind_gen.models.router import Models
from datamind_gen.models.settings import OpenAISettings, RetrySettings
from datamind_gen.rows import Message, Stage, seed_from
from tests.models.helpers import MemoryRecorder
from tests.models.server import Plan, ServerProcess, latency_of

SLOTS = 32
SAMPLES = 3
SIGMA = 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """All queries; every request of it is known beforehand, so that its latency is too."""

    queries: int

    def turns(self, query: int, sample: int) -> int:
        return random.Random(f"{query} {sample}").randint(2, 8)

    def request(self, query: int, sample: int, turn: int) -> ChatRequest:
        messages = [Message("user", f"question {query}: what is the mean of column {query}?")]
        for earlier in range(turn):
            messages += [Message("assistant", f"code {earlier}"), Message("user", f"output {earlier}")]
        return _request(Role.EXPERT, tuple(messages), sample)

    def judgement(self, query: int) -> ChatRequest:
        return _request(Role.JUDGE, (Message("user", f"do the answers to {query} agree?"),), 0)


def _request(role: Role, messages: tuple[Message, ...], sample: int) -> ChatRequest:
    seed = seed_from("bench", str(sample)) & 0x7FFFFFFF
    return ChatRequest(role=role, messages=messages, sampling=Sampling(seed=seed), sample=sample)


def latency(request: ChatRequest, mean_s: float) -> float:
    said = [{"content": message.content} for message in request.messages]
    return latency_of({"messages": said, "seed": request.sampling.seed}, mean_s=mean_s, sigma=SIGMA)


def ideal_s(work: Work, mean_s: float, *, single_turn: bool = False) -> float:
    """The makespan of the list schedule on SLOTS slots: never a free slot while a request is ready."""
    arrivals = itertools.count()
    ready: list[tuple[int, int, int, int, int]] = []
    for query in range(work.queries):
        for sample in range(SAMPLES):
            heapq.heappush(ready, (-priority_of(Stage.SAMPLE), next(arrivals), query, sample, 0))
    running: list[tuple[float, int, int, int, int]] = []
    left = dict.fromkeys(range(work.queries), SAMPLES)
    now = 0.0
    while ready or running:
        while ready and len(running) < SLOTS:
            _, arrival, query, sample, turn = heapq.heappop(ready)
            asked = work.judgement(query) if sample < 0 else work.request(query, sample, turn)
            heapq.heappush(running, (now + latency(asked, mean_s), arrival, query, sample, turn))
        now, _, query, sample, turn = heapq.heappop(running)
        if sample < 0 or single_turn:
            continue
        if turn + 1 < work.turns(query, sample):
            rank = -priority_of(Stage.SAMPLE, turn + 1)
            heapq.heappush(ready, (rank, next(arrivals), query, sample, turn + 1))
            continue
        left[query] -= 1
        if not left[query]:
            heapq.heappush(ready, (-priority_of(Stage.JUDGE), next(arrivals), query, -1, 0))
    return now


def models_at(url: str, *, concurrency: int | str, recorder: MemoryRecorder, scale: float) -> Models:
    settings = OpenAISettings(provider="openai", model="tiny", base_url=url, concurrency=concurrency)
    retries = RetrySettings(backoff_s=0.5 * scale, backoff_max_s=5 * scale)
    roles = {Role.EXPERT: settings, Role.JUDGE: settings}
    return Models.from_settings(roles, recorder=recorder, retries=retries)


async def run_all(models: Models, work: Work, *, single_turn: bool = False) -> float:
    async def trajectory(query: int, sample: int) -> None:
        for turn in range(1 if single_turn else work.turns(query, sample)):
            priority = priority_of(Stage.SAMPLE, turn)
            await models.ask(work.request(query, sample, turn), priority=priority)

    async def group(query: int) -> None:
        await asyncio.gather(*(trajectory(query, sample) for sample in range(SAMPLES)))
        if not single_turn:
            await models.ask(work.judgement(query), priority=priority_of(Stage.JUDGE))

    began = time.monotonic()
    await asyncio.gather(*(group(query) for query in range(work.queries)))
    return time.monotonic() - began


def measure(work: Work, plan: Plan, scale: float, *, single_turn: bool = False) -> None:
    bound = ideal_s(work, plan.mean_s, single_turn=single_turn)
    recorder = MemoryRecorder()

    async def run(url: str) -> float:
        models = models_at(url, concurrency=SLOTS, recorder=recorder, scale=scale)
        await models.ask(_request(Role.JUDGE, (Message("user", "warm up"),), 0))
        wall = await run_all(models, work, single_turn=single_turn)
        failed = sum(usage.failed for usage in models.usage())
        assert not failed, f"{failed} calls lost"
        await models.close()
        return wall

    with ServerProcess(plan) as server:
        cpu = time.process_time()
        wall = asyncio.run(run(server.url))
        cpu = time.process_time() - cpu
        stats = server.stats
    print(
        f"  ours        wall {wall:7.2f} s   ideal {bound:7.2f} s   ratio {wall / bound:.3f}   "
        f"replies {stats['completed']}   asked again after a full reply {stats['duplicates']}   "
        f"cpu {1000 * cpu / stats['completed']:.2f} ms a reply   {stats['outcomes']}"
    )


def distilabel_once(url: str, prompts: list[str]) -> None:
    os.environ["OPENAI_API_KEY"] = "none"
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    with tempfile.TemporaryDirectory() as folder, Pipeline(cache_dir=folder) as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": prompt} for prompt in prompts])
        task = TextGeneration(llm=OpenAILLM(model="tiny", base_url=url))
        load >> task
        made = pipeline.run(use_cache=False)
    rows = made["default"]["train"]
    lost = sum(text is None for text in rows["generation"])
    print(f"  distilabel: {len(rows)} rows, {lost} without a reply", flush=True)


def measure_distilabel(work: Work, plan: Plan, bound: float) -> None:
    """Its own process, as it forks and takes over logging; timed from first to last byte at the server."""
    prompts = [
        f"{work.request(query, 0, 0).messages[0].content} (sample {sample})"
        for query in range(work.queries)
        for sample in range(SAMPLES)
    ]
    with ServerProcess(plan) as server:
        process = multiprocessing.get_context("spawn").Process(
            target=distilabel_once, args=(server.url, prompts)
        )
        began = time.monotonic()
        process.start()
        process.join()
        wall = time.monotonic() - began
        span = server.stats["span_s"]
    print(
        f"  distilabel  wall {wall:7.2f} s   first request to last reply {span:7.2f} s   "
        f"ratio to ideal {span / bound:.3f} (by wall {wall / bound:.3f})"
    )


def measure_load(scale: float) -> None:
    for in_flight in (64, 512):
        with ServerProcess(Plan(mean_s=scale, sigma=0.5)) as server:
            context = multiprocessing.get_context("spawn")
            process = context.Process(target=load_once, args=(server.url, in_flight, scale))
            process.start()
            process.join()


def load_once(url: str, in_flight: int, scale: float) -> None:
    count = in_flight * 20

    async def run() -> tuple[float, float]:
        models = models_at(url, concurrency=in_flight, recorder=MemoryRecorder(), scale=scale)
        await asyncio.gather(*(models.ask(_load_request(number)) for number in range(in_flight)))
        wall, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(models.ask(_load_request(in_flight + number)) for number in range(count)))
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        await models.close()
        return wall, cpu

    wall, cpu = asyncio.run(run())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {in_flight:4d} in flight  {count / wall:6.0f} replies/s   cpu {1000 * cpu / count:.2f} ms a reply"
        f" ({100 * cpu / wall:.0f} % of a core)   peak memory {memory:.0f} MB",
        flush=True,
    )


def _load_request(number: int) -> ChatRequest:
    return _request(Role.EXPERT, (Message("user", f"{number} " + "context " * 500),), 0)


def parts(wanted: str) -> Iterator[str]:
    yield from ("clean", "faults", "single", "load") if wanted == "all" else (wanted,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.2, help="mean latency in seconds")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--part", default="all", choices=["all", "clean", "faults", "single", "load"])
    given = parser.parse_args()
    work = Work(given.queries)
    plan = Plan(mean_s=given.scale, sigma=SIGMA, slots=SLOTS)
    for part in parts(given.part):
        print(f"{part}: {given.queries} queries, mean latency {given.scale:g} s, {SLOTS} slots", flush=True)
        if part == "clean":
            measure(work, plan, given.scale)
        elif part == "faults":
            faults = {"500": 0.02, "429": 0.02, "reset": 0.01, "malformed": 0.01}
            outage = (20 * given.scale, 80 * given.scale)
            rough = asdict(plan) | {"faults": faults, "outage": outage, "retry_after_s": given.scale}
            measure(work, Plan(**rough), given.scale)
            print(f"  of which the outage is {60 * given.scale:.1f} s")
        elif part == "single":
            measure(work, plan, given.scale, single_turn=True)
            measure_distilabel(work, plan, ideal_s(work, plan.mean_s, single_turn=True))
        else:
            measure_load(given.scale)


if __name__ == "__main__":
    main()
