"""Evaluation: every task tried k times by any policy, with pass@1, pass@k and confidence intervals.

    python -m trainers evaluate --config X.yaml                          # the recipe's own checkpoint
    python -m trainers evaluate --config X.yaml evaluate.model=DIR
    python -m trainers evaluate --config X.yaml 'evaluate.endpoint={provider: openai, model: gpt-4o, …}'

pass@1 is the mean over the k tries, pass@k counts a task that any try solves (paper, appendix D). A try
that crashes counts as wrong and is listed. Intervals are 95 %, by a bootstrap over tasks: the tries of one
task are not independent. Attempts are appended to attempts.jsonl as they end, and a second run goes on
where the first stopped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from datamind_gen.agent.chat_policy import ChatPolicy
from datamind_gen.agent.loop import CodeSession, run_episode
from datamind_gen.models.base import Role
from datamind_gen.models.base import Sampling as ChatSampling
from datamind_gen.models.router import Models
from datamind_gen.rows import hash_text, seed_from
from datamind_gen.sandbox import Sandbox
from trainers.attempts import Attempt
from trainers.benchmarks import Benchmark, open_benchmark
from trainers.config import Evaluate, Recipe
from trainers.data import Task
from trainers.display import progress
from trainers.engines import build_engine
from trainers.engines.base import SampleEngine
from trainers.errors import TrainerError
from trainers.policy import load_policy, load_tokenizer
from trainers.rollouts import Job, Rollout, Runner, loop_limits, run_rollouts, sandbox_settings, token_runner
from trainers.tokens import TokenBuilder
from trainers.tracking import read_jsonl


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def evaluate(recipe: Recipe) -> dict[str, Any]:
    """Runs the recipe's `evaluate` section; returns and writes the report."""
    config = recipe.evaluate
    benchmark = open_benchmark(recipe)
    tasks = benchmark.tasks[: config.max_tasks]
    if not tasks:
        raise TrainerError(f"evaluate.benchmark {config.benchmark}: no task to evaluate")
    subject, weights = _subject(recipe)
    name = f"{config.benchmark}-{hash_text(subject, json.dumps(config.model_dump(mode='json')))[:8]}"
    directory = recipe.directory / "evaluate" / name
    recipe.save(directory)
    attempts = asyncio.run(_evaluate(recipe, benchmark, tasks, weights, directory / "attempts.jsonl"))
    report = {
        "subject": subject,
        "benchmark": config.benchmark,
        "tasks": len(tasks),
        "samples": config.samples,
        **summarise(attempts, samples=config.samples, seed=recipe.seed),
        "benchmark_measures": benchmark.measures(attempts),
        "attempts": str(directory / "attempts.jsonl"),
    }
    (directory / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    show(report)
    return report


async def _evaluate(
    recipe: Recipe, benchmark: Benchmark, tasks: list[Task], weights: str | None, log: Path
) -> list[Attempt]:
    config = recipe.evaluate
    engine, models = None, None
    if weights is None:
        assert config.endpoint is not None
        models = Models.from_settings({Role.EXPERT: config.endpoint})
        runner = chat_runner(models, config)
    else:
        engine, builder = _local(recipe, weights)
        runner = token_runner(engine, builder, config, retry_invalid=True)
    done = [Attempt(**row) for row in read_jsonl(log)]
    with progress("evaluate", len(tasks) * config.samples, len(done), show=True) as advance:

        def on_attempt(attempt: Attempt) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(attempt), ensure_ascii=False) + "\n")
            advance()

        async with Sandbox(sandbox_settings(config.limits)) as sandbox:
            fresh = await evaluate_tasks(
                tasks,
                runner,
                sandbox,
                benchmark.score,
                config,
                engine=engine,
                seed=recipe.seed,
                skip={(attempt.task, attempt.sample) for attempt in done},
                on_attempt=on_attempt,
            )
    await benchmark.close()
    for client in (engine, models):
        if client is not None:
            await client.close()
    return done + fresh


async def evaluate_tasks(
    tasks: Sequence[Task],
    runner: Runner,
    sandbox: Sandbox,
    score: Callable[[Rollout], Awaitable[dict[str, float]]],
    config: Evaluate,
    *,
    engine: SampleEngine | None = None,
    seed: int,
    skip: set[tuple[str, int]] = frozenset(),  # type: ignore[assignment]
    on_attempt: Callable[[Attempt], None] = lambda _: None,
) -> list[Attempt]:
    """All tries at all tasks but those to skip."""
    attempts: list[Attempt] = []

    async def on_done(rollout: Rollout) -> None:
        attempt = await _attempt(rollout, score)
        attempts.append(attempt)
        on_attempt(attempt)

    jobs = [
        Job(task, sample, seed_from("evaluate", str(seed), task.id, str(sample)))
        for task in tasks
        for sample in range(config.samples)
        if (task.id, sample) not in skip
    ]
    await run_rollouts(jobs, runner, sandbox, config, engine=engine, on_done=on_done)
    return attempts


async def _attempt(rollout: Rollout, score: Callable[[Rollout], Awaitable[dict[str, float]]]) -> Attempt:
    from trainers.rewards import Unsettled

    error = rollout.episode.error if rollout.failed else None
    scores: dict[str, float] = {}
    if not rollout.failed:
        try:
            scores = await score(rollout)
        except Unsettled as failure:
            error = str(failure)
    job = rollout.job
    return Attempt(
        task=job.task.id,
        sample=job.sample,
        category=job.task.category,
        level=job.task.level,
        scores=scores,
        answer=rollout.episode.answer,
        stop=rollout.episode.stop.value,
        error=error,
        turns=len(rollout.episode.turns),
    )


def chat_runner(models: Models, config: Evaluate) -> Runner:
    """Episodes by a chat model, over the same loop, sandbox and prompts as any other policy."""
    sampling = ChatSampling(
        temperature=config.sampling.temperature,
        top_p=config.sampling.top_p,
        max_tokens=config.limits.response_tokens,
    )

    async def run(job: Job, session: CodeSession) -> Rollout:
        limits = loop_limits(config.limits, job.task, retry_invalid=True)
        policy = ChatPolicy(models.ask, sampling=sampling, sample=job.sample)
        episode = await run_episode(policy, session, job.task.prompt, limits)
        return Rollout(job, episode, None)

    return run


def _subject(recipe: Recipe) -> tuple[str, str | None]:
    """What is evaluated, and its weights' directory (None for an endpoint)."""
    config = recipe.evaluate
    if config.endpoint is not None:
        return f"{config.endpoint.model} at {config.endpoint.endpoint}", None
    candidates = [recipe.directory / verb / "model" for verb in ("rl", "sft")]
    found = config.model or next((str(path) for path in candidates if path.is_dir()), recipe.model.path)
    if found is None:
        raise TrainerError(
            f"evaluate.model: none is trained under {recipe.directory}; train one, or give "
            "evaluate.model=DIR or evaluate.endpoint={provider: openai, …}"
        )
    return found, found


def _local(recipe: Recipe, weights: str) -> tuple[SampleEngine, TokenBuilder]:
    import torch

    config = recipe.evaluate
    model = recipe.model.model_copy(update={"path": weights, "scratch": None})
    tokenizer = load_tokenizer(model, [])
    builder = TokenBuilder(tokenizer)
    if config.engine.kind == "vllm":
        return build_engine(config.engine, None, builder), builder
    policy = load_policy(recipe.model, tokenizer, path=weights)
    cuda = recipe.device == "auto" and torch.cuda.is_available()
    policy.to("cuda" if cuda else "cpu")
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(recipe.model.precision)
    autocast = (lambda: torch.autocast("cuda" if cuda else "cpu", dtype)) if dtype is not None else None
    return build_engine(config.engine, policy, builder, autocast=autocast), builder


# --- the report ---------------------------------------------------------------------------------


def summarise(attempts: Sequence[Attempt], *, samples: int, seed: int) -> dict[str, Any]:
    """pass@1 and pass@k overall, by category and by level, and the crashes."""

    def by(part: Callable[[Attempt], str]) -> dict[str, Any]:
        values = sorted({part(attempt) for attempt in attempts})
        return {v: _passes([a for a in attempts if part(a) == v], samples, seed) for v in values}

    return {
        **_passes(attempts, samples, seed),
        "categories": by(lambda attempt: attempt.category),
        "levels": by(lambda attempt: attempt.level),
        "crashes": [
            {"task": attempt.task, "sample": attempt.sample, "error": attempt.error}
            for attempt in attempts
            if attempt.crashed
        ],
    }


def _passes(attempts: Sequence[Attempt], samples: int, seed: int) -> dict[str, Any]:
    by_task: dict[str, list[bool]] = {}
    for attempt in attempts:
        by_task.setdefault(attempt.task, []).append(attempt.correct)
    solved = [tries for _, tries in sorted(by_task.items())]
    return {
        "tasks": len(solved),
        "pass@1": asdict(bootstrap([sum(tries) / len(tries) for tries in solved], seed=seed)),
        f"pass@{samples}": asdict(bootstrap([float(any(tries)) for tries in solved], seed=seed)),
    }


def bootstrap(values: Sequence[float], *, seed: int, rounds: int = 2000) -> Estimate:
    """The mean of per-task values and its 95 % percentile interval over resampled tasks."""
    array = np.asarray(values, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(array), size=(rounds, len(array)))
    low, high = np.quantile(array[drawn].mean(axis=1), [0.025, 0.975])
    return Estimate(float(array.mean()), float(low), float(high))


def show(report: dict[str, Any]) -> None:
    """The report in the terminal."""
    union = f"pass@{report['samples']}"
    table = Table(title=f"{report['subject']}\n{report['benchmark']}", title_justify="left")
    table.add_column("")
    passes = list(dict.fromkeys(("pass@1", union)))
    for header in ("tasks", *(f"{name} [95 %]" for name in passes)):
        table.add_column(header, justify="right")

    def row(label: str, part: dict[str, Any], style: str = "") -> None:
        shares = [part[key] for key in passes]
        cells = [f"{100 * s['value']:.1f}  [{100 * s['low']:.1f}, {100 * s['high']:.1f}]" for s in shares]
        table.add_row(label, str(part["tasks"]), *cells, style=style)

    row("all", report, "bold")
    for name in ("levels", "categories"):
        table.add_section()
        for value, part in report[name].items():
            row(value, part)
    console = Console()
    console.print(table)
    for measure, value in report["benchmark_measures"].items():
        console.print(f"{measure}: {value:.4g}" if isinstance(value, float) else f"{measure}: {value}")
    if report["crashes"]:
        console.print(f"[red]{len(report['crashes'])} tries crashed[/] (counted as wrong):")
        for crash in report["crashes"][:10]:
            console.print(f"  {crash['task']} #{crash['sample']}: {crash['error']}", markup=False)
    console.print(f"every try: {report['attempts']}")
