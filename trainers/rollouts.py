"""Rollouts: datamind_gen's loop and sandbox, driven by a policy that keeps token ids.

    rollouts = await run_rollouts(jobs, token_runner(engine, builder, config, …), sandbox, config, engine)

Episodes run at once; each has a sandbox session, and so a directory, of its own. An engine or a sandbox
that fails makes a failed rollout, which is counted and left out: it is never a wrong answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from datamind_gen.agent.loop import CodeSession, Episode, EpisodeLimits, OnInvalid, run_episode
from datamind_gen.agent.policy import Action
from datamind_gen.models.base import ErrorKind, ProviderError
from datamind_gen.rows import Message, StopReason, Usage, seed_from
from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings
from datamind_gen.sandbox.zygote import ZygoteDied
from trainers.config import Episodes, Limits
from trainers.data import Task
from trainers.engines.base import EngineError, SampleEngine, SampleRequest
from trainers.tokens import TokenBuilder, TokenSequence


class TokenPolicy:
    """One episode's policy in its token form; implements agent.policy.Policy.

    What the engine samples is what is trained on: text is decoded for the loop to read, never encoded
    back. `tokens` holds the episode so far.
    """

    tokens: TokenSequence

    def __init__(self, engine: SampleEngine, builder: TokenBuilder, config: Episodes, *, seed: int) -> None:
        self._engine = engine
        self._builder = builder
        self._sampling = config.sampling
        self._limits = config.limits
        self._seed = seed
        self._turn = 0

    async def begin(self, prompt: tuple[Message, ...]) -> None:
        self.tokens = self._builder.begin(prompt)
        if self.tokens.prompt_length > self._limits.prompt_tokens:
            raise ProviderError(
                ErrorKind.CONTEXT_OVERFLOW,
                f"the prompt has {self.tokens.prompt_length} tokens, limits.prompt_tokens is "
                f"{self._limits.prompt_tokens}",
            )

    async def act(self) -> Action:
        room = self._limits.response_tokens - self.tokens.response_length
        if room < 1:
            raise ProviderError(ErrorKind.CONTEXT_OVERFLOW, "limits.response_tokens are used up")
        self._turn += 1
        try:
            sample = await self._engine.sample(
                SampleRequest(
                    ids=tuple(self.tokens.ids),
                    max_tokens=room,
                    temperature=self._sampling.temperature,
                    top_p=self._sampling.top_p,
                    seed=seed_from(str(self._seed), str(self._turn)),
                )
            )
        except EngineError as error:
            raise ProviderError(ErrorKind.OVERLOADED, str(error)) from error
        usage = Usage(len(self.tokens), len(sample.ids))
        self.tokens.add_sampled(sample.ids, sample.logprobs)
        return Action(self._builder.decode(sample.ids), sample.finish_reason, usage)

    async def observe(self, observation: str) -> None:
        self.tokens.add_observation(observation)


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to run."""

    task: Task
    sample: int
    seed: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """What an episode gave. `tokens` is None for policies that keep none, and for failed episodes."""

    job: Job
    episode: Episode
    tokens: TokenSequence | None

    @property
    def failed(self) -> bool:
        return self.episode.stop.is_failure

    @property
    def void(self) -> bool:
        """Whether it ended with a turn that neither ran code nor answered (paper §4)."""
        return self.episode.stop is StopReason.VOID_TURN


Runner = Callable[[Job, CodeSession], Awaitable[Rollout]]
"""Runs one job in an open session."""


def token_runner(
    engine: SampleEngine, builder: TokenBuilder, config: Episodes, *, retry_invalid: bool
) -> Runner:
    """Episodes by the engine. A void turn ends them (training), or is told and retried (evaluation)."""

    async def run(job: Job, session: CodeSession) -> Rollout:
        limits = loop_limits(config.limits, job.task, retry_invalid=retry_invalid)
        policy = TokenPolicy(engine, builder, config, seed=job.seed)
        episode = await run_episode(policy, session, job.task.prompt, limits)
        return Rollout(job, episode, None if episode.stop.is_failure else policy.tokens)

    return run


def loop_limits(limits: Limits, task: Task, *, retry_invalid: bool) -> EpisodeLimits:
    return EpisodeLimits(
        max_turns=limits.max_turns,
        on_invalid=OnInvalid.RETRY if retry_invalid else OnInvalid.VOID,
        observation_chars=limits.observation_chars or task.sampled_with.observation_chars,
    )


def sandbox_settings(limits: Limits) -> SandboxSettings:
    return SandboxSettings(wall_s=limits.turn_seconds, cpu_s=limits.turn_seconds)


async def run_rollouts(
    jobs: Sequence[Job],
    run: Runner,
    sandbox: Sandbox,
    config: Episodes,
    *,
    engine: SampleEngine | None = None,
    on_done: Callable[[Rollout], Awaitable[None]] | None = None,
) -> list[Rollout]:
    """The jobs' rollouts, in their order; at most `config.concurrency` episodes at once.

    With an engine that answers in rounds, episodes start `concurrency` at a time and end together, so
    that its batches do not depend on timing; otherwise the next one starts when any ends.
    """
    free = asyncio.Semaphore(config.concurrency)

    async def one(job: Job) -> Rollout:
        async with free:
            rollout = await _run_one(job, run, sandbox, engine, config.limits.episode_seconds)
            if on_done is not None:
                await on_done(rollout)
            return rollout

    in_rounds = engine is not None and engine.in_rounds
    size = config.concurrency if in_rounds else max(len(jobs), 1)
    rollouts: list[Rollout] = []
    for start in range(0, len(jobs), size):
        rollouts += await asyncio.gather(*(one(job) for job in jobs[start : start + size]))
    return rollouts


async def _run_one(
    job: Job, run: Runner, sandbox: Sandbox, engine: SampleEngine | None, episode_seconds: float
) -> Rollout:
    try:
        async with asyncio.timeout(episode_seconds):
            if engine is None:
                return await _in_session(job, run, sandbox)
            async with engine.episode():
                return await _in_session(job, run, sandbox)
    except TimeoutError:
        error = f"the episode took longer than limits.episode_seconds={episode_seconds:g}"
        return Rollout(job, Episode((), StopReason.STOPPED, error=error), None)


async def _in_session(job: Job, run: Runner, sandbox: Sandbox) -> Rollout:
    try:
        session = await sandbox.open(
            job.task.files,
            seed=str(job.seed),
            sql_only=job.task.is_database,
            on_error=OnError(job.task.sampled_with.on_error),
        )
        async with session:
            return await run(job, session)
    except ZygoteDied as error:
        return Rollout(job, Episode((), StopReason.SANDBOX_ERROR, error=str(error)), None)
