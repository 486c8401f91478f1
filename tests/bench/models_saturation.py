"""How close requests in flight come to an ideal work-conserving schedule, over real HTTP.

    python -m tests.bench.models_saturation [--scale 1.0] [--queries 400] [--part run]

A simulated endpoint with 32 slots draws each request's latency from a hash of it (lognormal, mean 1 s
times --scale, sigma 1). The ideal is a list schedule of the same latencies with the same precedence and
priorities, simulated (saturation_schedule.py). Parts:

`run`      a whole run of the engine: queries × 3 samples × 2 to 8 turns of trivial code, then judging
`faults`   the same with 2 % 500s, 2 % 429s with Retry-After, 1 % resets, 1 % malformed replies, and an outage
           of 60 s times --scale
`queue`    the models' queue alone on the same shape of work, no sandbox: what the rest of the engine costs
`single`   the first turns only: the queue, plain distilabel and bespoke curator with their defaults
`load`     the process's CPU and memory at 64 and 512 in flight
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import resource
import time
from dataclasses import dataclass, replace

from datamind_gen.models.base import ChatRequest, Role, Sampling
from datamind_gen.models.limiter import priority_of
from datamind_gen.models.router import Models
from datamind_gen.models.settings import OpenAISettings, RetrySettings
from datamind_gen.rows import Message, Stage, seed_from
from tests.bench.saturation_engine import measure_run
from tests.bench.saturation_peers import PEERS, find_python, time_peer
from tests.bench.saturation_schedule import QueryWork, ideal_s
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


def list_work(work: Work, mean_s: float, *, single_turn: bool) -> list[QueryWork]:
    """The latencies of all requests, which are known beforehand."""
    return [
        QueryWork(
            trajectories=[
                [
                    latency(work.request(query, sample, turn), mean_s)
                    for turn in range(1 if single_turn else work.turns(query, sample))
                ]
                for sample in range(SAMPLES)
            ],
            judgement=None if single_turn else latency(work.judgement(query), mean_s),
        )
        for query in range(work.queries)
    ]


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
    bound = ideal_s(list_work(work, plan.mean_s, single_turn=single_turn), slots=SLOTS)
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


def measure_peer(name: str, work: Work, plan: Plan) -> None:
    """Another engine's time from first request to last reply, as the endpoint sees it."""
    if find_python(name) is None:
        print(f"  {name:11} skipped: not installed (tests/bench/saturation_peers.py says how)", flush=True)
        return
    bound = ideal_s(list_work(work, plan.mean_s, single_turn=True), slots=SLOTS)
    prompts = [
        f"{work.request(query, 0, 0).messages[0].content} (sample {sample})"
        for query in range(work.queries)
        for sample in range(SAMPLES)
    ]
    with ServerProcess(plan) as server:
        wall, replies = time_peer(name, server.url, prompts)
        stats = server.stats
    print(
        f"  {name:11} first request to last reply {stats['span_s']:7.2f} s   ratio to ideal "
        f"{stats['span_s'] / bound:.3f} (by wall {wall / bound:.3f})   peak {stats['peak']} in flight   "
        f"{replies} of {len(prompts)} rows",
        flush=True,
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


PARTS = ("run", "faults", "queue", "single", "load")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="mean latency in seconds")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--part", default="all", choices=["all", *PARTS])
    given = parser.parse_args()
    work, scale = Work(given.queries), given.scale
    plan = Plan(mean_s=scale, sigma=SIGMA, slots=SLOTS)
    faults = {"500": 0.02, "429": 0.02, "reset": 0.01, "malformed": 0.01}
    for part in PARTS if given.part == "all" else (given.part,):
        print(f"{part}: {given.queries} queries, mean latency {scale:g} s, {SLOTS} slots", flush=True)
        if part == "run":
            measure_run(replace(plan, acts=True), queries=given.queries, in_flight=SLOTS)
        elif part == "faults":
            outage = (20 * scale, 80 * scale)
            rough = replace(plan, acts=True, faults=faults, outage=outage, retry_after_s=scale)
            measure_run(rough, queries=given.queries, in_flight=SLOTS)
        elif part == "queue":
            measure(work, plan, scale)
        elif part == "single":
            measure(work, plan, scale, single_turn=True)
            for name in PEERS:
                measure_peer(name, work, plan)
        else:
            measure_load(scale)


if __name__ == "__main__":
    main()
