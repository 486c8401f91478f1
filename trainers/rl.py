"""Joint SFT and RL: L = γ·L_SFT + (1-γ)·L_DAPO (paper §4), γ falling along a cosine.

A step draws prompts, lets the policy try each `group_size` times in the sandbox, scores the tries, keeps
the groups whose rewards differ (dynamic sampling; surplus groups wait for the next step, and more prompts
are drawn when there are too few), and makes `updates_per_step` optimizer steps over them. The expert
trajectory of a prompt comes with its group, once: the released code repeats it for each try, which is the
same loss at `group_size` times the cost. Filtered groups bring their expert's loss too, by default.

Every process runs its share of the episodes and then holds all groups, so that selection, advantages and
checkpoints are the same on any number of processes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from datamind_gen.rows import seed_from
from datamind_gen.sandbox import Sandbox
from trainers.batching import Item, shuffled_batches
from trainers.config import Recipe, Rl
from trainers.data import Task, open_dataset
from trainers.display import progress
from trainers.engines import build_engine
from trainers.engines.base import SampleEngine, probe
from trainers.errors import TrainerError
from trainers.evaluate import evaluate_tasks
from trainers.experts import Experts
from trainers.groups import Group, Selection, Try, select, spread
from trainers.losses import gamma_at
from trainers.objective import StepResult, Term, expert_term, policy_term
from trainers.policy import load_tokenizer
from trainers.rewards import Reward, Scorer, Unsettled, score_measures
from trainers.rollouts import Job, Rollout, run_rollouts, sandbox_settings, token_runner
from trainers.runtime import Training, make_accelerator
from trainers.sft import tokenize
from trainers.telemetry import Sampled, mean_of_updates, measure, record, summarise_step
from trainers.tracking import keep_steps


def train_rl(recipe: Recipe) -> Path:
    """Runs the recipe's `rl` section; returns the exported model's directory."""
    if recipe.rl is None:
        raise TrainerError(f"{recipe.name}: the recipe has no `rl:` section")
    weights = starting_weights(recipe)
    accelerator = make_accelerator(recipe)
    if recipe.rl.engine.kind == "hf" and accelerator.distributed_type == "FSDP":
        raise TrainerError("rl.engine.kind=hf needs whole weights in each process; with FSDP use `vllm`")
    dataset = open_dataset(recipe.data)
    tokenizer = load_tokenizer(recipe.model.model_copy(update={"path": weights, "scratch": None}), [])
    training = Training.start(
        recipe,
        "rl",
        accelerator=accelerator,
        tokenizer=tokenizer,
        optimizer=recipe.rl.optimizer,
        total_steps=recipe.rl.max_steps,
        weights=weights,
    )
    tasks = dataset.tasks(held_out=False)
    held_out = dataset.tasks(held_out=True) if recipe.data.holdout else []
    experts = Experts(training, recipe.rl, tasks)
    if recipe.rl.experts.source == "buffer" and recipe.rl.gamma.peak:
        experts.fill_buffer(
            tokenize(dataset.conversations(), training.builder, max_tokens=recipe.data.max_tokens)
        )
    asyncio.run(_run(training, recipe.rl, tasks, held_out, experts))
    return training.finish()


def starting_weights(recipe: Recipe) -> str:
    """Where RL begins: what the recipe says, else its SFT run, else the model itself."""
    assert recipe.rl is not None
    if recipe.rl.start is not None:
        return recipe.rl.start
    trained = recipe.directory / "sft" / "model"
    if trained.is_dir():
        return str(trained)
    if recipe.model.path is not None:
        return recipe.model.path
    raise TrainerError(
        f"rl.start: {trained} is not there, and a model from scratch cannot begin with RL; run "
        "`python -m trainers sft` with the same recipe first, or give rl.start=DIRECTORY"
    )


async def _run(
    training: Training, config: Rl, tasks: list[Task], held_out: list[Task], experts: Experts
) -> None:
    recipe, state = training.recipe, training.state
    engine = build_engine(
        config.engine,
        training.policy,
        training.builder,
        autocast=training.accelerator.autocast,
        main=training.accelerator.is_main_process,
    )
    scorer = Scorer(config)
    async with Sandbox(sandbox_settings(config.limits)) as sandbox:
        loop = RlLoop(training, config, tasks, experts, engine, scorer, sandbox)
        main = training.accelerator.is_main_process
        if main:
            keep_steps(loop.rollout_log, state.step)
        with progress("rl", config.max_steps, state.step, show=main) as advance:
            await loop.sync()
            if state.step == 0 and config.eval_every and held_out:
                training.log(await evaluation(loop, recipe, held_out))
            while state.step < config.max_steps and not training.out_of_time:
                numbers = await loop.step()
                if config.eval_every and held_out and state.step % config.eval_every == 0:
                    numbers |= await evaluation(loop, recipe, held_out)
                training.log(numbers)
                advance(**{name: numbers[name] for name in ("reward", "gamma") if name in numbers})
                training.save_if_due(last=state.step == config.max_steps)
    if state.step < config.max_steps:
        training.checkpoints.save(state)
    await engine.close()
    await scorer.close()


async def evaluation(loop: RlLoop, recipe: Recipe, held_out: list[Task]) -> dict[str, float]:
    """Accuracy on the held-out tasks, one try each, by the recipe's `evaluate` sampling and limits."""
    config = recipe.evaluate.model_copy(update={"samples": 1})
    share = loop.training.mine(held_out[: config.max_tasks])
    results = await evaluate_tasks(
        share,
        token_runner(loop.engine, loop.training.builder, config, retry_invalid=True),
        loop.sandbox,
        lambda rollout: score_measures(loop.scorer, rollout),
        config,
        engine=loop.engine,
        seed=recipe.seed,
    )
    counts = [float(len(results)), float(sum(result.correct for result in results))]
    total, right = loop.training.sum_over_processes(counts)
    return {"eval/accuracy": right / total, "eval/tasks": total}


@dataclass(frozen=True, slots=True)
class RlLoop:
    """One step at a time."""

    training: Training
    config: Rl
    tasks: Sequence[Task]
    experts: Experts
    engine: SampleEngine
    scorer: Scorer
    sandbox: Sandbox

    @property
    def rollout_log(self) -> Path:
        return self.training.directory / "rollouts.jsonl"

    async def step(self) -> dict[str, float]:
        """Samples, selects, updates, syncs. Returns the step's numbers."""
        training, config, state = self.training, self.config, self.training.state
        began = time.perf_counter()
        step = state.step + 1
        sampled = await self._sample(step)
        selection = select([*map(Group.from_json, state.surplus), *sampled.groups], config)
        rolled = time.perf_counter()
        gamma = gamma_at(step, config.gamma)
        results = self._update(selection, step, gamma)
        lr = training.schedule.get_last_lr()[0]
        training.schedule.step()
        state.step = step
        state.surplus = [group.to_json() for group in selection.surplus]
        gap = await self.sync()
        if training.accelerator.is_main_process:
            self._write(sampled.records)
        done = time.perf_counter()
        return {
            **mean_of_updates(results),
            **summarise_step(sampled, selection),
            "gamma": gamma,
            "lr": lr,
            "engine_probe": gap,
            "updates": float(len(results)),
            "seconds/rollouts": rolled - began,
            "seconds/updates": done - rolled,
            "rollouts_per_second": len(sampled.numbers) / max(rolled - began, 1e-9),
            **training.throughput(sum(result.tokens for result in results), done - rolled),
        }

    async def sync(self) -> float:
        """Hands the engine the newest weights, and checks that it has them."""
        training = self.training
        await self.engine.sync(training.state.step, training.whole_state())
        training.accelerator.wait_for_everyone()
        texts = [message.content for message in self.tasks[0].prompt]
        return await probe(
            self.engine,
            training.model,
            training.builder,
            texts,
            tolerance=self.config.engine.probe_tolerance,
            device=training.accelerator.device,
        )

    # --- sampling --------------------------------------------------------------------------------

    async def _sample(self, step: int) -> Sampled:
        """Groups until enough of them teach, or `max_generations` batches are drawn."""
        config, state = self.config, self.training.state
        sampled = Sampled()
        waiting = [Group.from_json(plain) for plain in state.surplus]
        while len(select([*waiting, *sampled.groups], config).kept) < config.prompts_per_step:
            if sampled.generations == config.max_generations:
                break
            drawn = self._draw(config.prompts_per_generation)
            await self._generate(drawn, step, sampled)
            sampled.generations += 1
        return sampled

    def _draw(self, count: int) -> list[tuple[int, Task]]:
        """The next prompts of an endless shuffled stream, with their places in it."""
        state = self.training.state
        stream = shuffled_batches(len(self.tasks), size=1, seed=self.training.recipe.seed, start=state.drawn)
        drawn = [(state.drawn + i, self.tasks[next(stream)[0]]) for i in range(count)]
        state.drawn += count
        return drawn

    async def _generate(self, drawn: list[tuple[int, Task]], step: int, sampled: Sampled) -> None:
        training, config = self.training, self.config
        mine = training.mine(drawn)
        jobs = [
            Job(task, sample, seed_from("rollout", str(training.recipe.seed), str(place), str(sample)))
            for place, task in mine
            for sample in range(config.group_size)
        ]
        rollouts = await run_rollouts(
            jobs,
            token_runner(self.engine, training.builder, config, retry_invalid=False),
            self.sandbox,
            config,
            engine=self.engine,
        )
        rewards = await asyncio.gather(*(self._score(rollout) for rollout in rollouts))
        groups, records, numbers = [], [], []
        for index, (place, task) in enumerate(mine):
            part = slice(index * config.group_size, (index + 1) * config.group_size)
            pairs = list(zip(rollouts[part], rewards[part], strict=True))
            tries = [_as_try(rollout, reward) for rollout, reward in pairs if reward is not None]
            groups.append(Group(task.id, place, step, tuple(tries)))
            records += [record(step, rollout, reward) for rollout, reward in pairs]
            numbers += [measure(rollout, reward) for rollout, reward in pairs]
        sampled.groups += [Group.from_json(plain) for plain in training.gather([g.to_json() for g in groups])]
        sampled.records += training.gather(records)
        sampled.numbers += training.gather(numbers)

    async def _score(self, rollout: Rollout) -> Reward | None:
        """The reward; None where the rollout failed or nobody could tell."""
        if rollout.failed or rollout.tokens is None:
            return None
        try:
            return await self.scorer.score(rollout)
        except Unsettled:
            return None

    # --- updating --------------------------------------------------------------------------------

    def _update(self, selection: Selection, step: int, gamma: float) -> list[StepResult]:
        """The optimizer steps over the kept groups and the experts, dealt out evenly."""
        training, config = self.training, self.config
        items = [group.items(config, training.builder, step=step) for group in selection.kept]
        experts = self.experts.of(selection, step)
        rollout_parts = [
            [item for group in part for item in group] for part in spread(items, config.updates_per_step)
        ]
        expert_parts = spread(experts, config.updates_per_step)
        shares = [training.mine(part) for part in rollout_parts]
        if gamma < 1 and config.updates_per_step > 1:
            shares = self._with_old_logps(shares)
        results = []
        for mine, part, expert_part in zip(shares, rollout_parts, expert_parts, strict=True):
            terms: list[Term] = []
            if part:
                terms.append(policy_term(training.split(mine), weight=1 - gamma, config=config))
            if expert_part:
                share = [Item(tokens) for tokens in training.mine(expert_part)]
                terms.append(expert_term(training.split(share), weight=gamma, weighting=config.weighting))
            if any(term.weight for term in terms):
                results.append(training.update(terms))
        if not results:
            Console(stderr=True).print(
                f"[yellow]step {step}: nothing to train on:[/] no group's rewards differ and γ is {gamma:.3g}"
            )
        return results

    def _with_old_logps(self, shares: list[list[Item]]) -> list[list[Item]]:
        """The items with the log-probabilities of the policy before this step's updates."""
        fresh = [item for share in shares for item in share if item.old_logps is None]
        scored = iter(self.training.token_logps(fresh, temperature=self.config.sampling.temperature))
        return [
            [
                item if item.old_logps is not None else Item(item.tokens, item.advantage, next(scored))
                for item in share
            ]
            for share in shares
        ]

    def _write(self, records: list[dict[str, Any]]) -> None:
        with self.rollout_log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def group_reward(reward: Reward) -> float:
    """What enters a group's statistics."""
    return reward.total


def _as_try(rollout: Rollout, reward: Reward) -> Try:
    tokens = rollout.tokens
    assert tokens is not None
    return Try(
        ids=tokens.ids,
        mask=tokens.mask,
        logprobs=tokens.logprobs,
        prompt_length=tokens.prompt_length,
        reward=group_reward(reward),
        correct=reward.correct,
        void=rollout.void,
    )
