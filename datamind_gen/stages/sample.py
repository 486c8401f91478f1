"""Sample: N independent trajectories of a query, each in a session of its own.

The category's workflow stands at the end of the prompt that the expert sees (knowledge-augmented
sampling, section 3.2 of the paper) and nowhere in what is published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from datamind_gen.agent.chat_policy import ChatPolicy
from datamind_gen.agent.loop import Episode, EpisodeLimits, run_episode
from datamind_gen.agent.loop import OnInvalid as LoopOnInvalid
from datamind_gen.models.base import Role, Sampling
from datamind_gen.models.hints import make_hint
from datamind_gen.rows import (
    Group,
    Message,
    Profile,
    Query,
    Reason,
    Scalar,
    Stage,
    StopReason,
    Trajectory,
    Turn,
    dump_json,
    make_id,
    seed_from,
)
from datamind_gen.sandbox import OnError
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected


class SampleStage:
    """Query -> group. Kept when at least one sample answered and none was let down."""

    name = Stage.SAMPLE
    version = 1
    unit = "query"

    def settings(self, spec: PipelineSpec) -> str:
        return sampling_settings(spec)

    def templates(self) -> tuple[str, ...]:
        return ("system_python", "system_sql", "user", "knowledge")

    async def run(self, row: Query, services: Services) -> Sequence[Outcome[Group]]:
        trajectories = await draw_trajectories(row, services, round=0)
        group = Group(make_id("group", row.id), row, trajectories)
        return [end_sampling(group, trajectories)]


def sampling_settings(spec: PipelineSpec) -> str:
    """All that decides a trajectory, beside its query and the templates."""
    return dump_json(
        {
            "sample": spec.sample.model_dump(mode="json"),
            "expert": spec.models.expert.reply_identity(),
            "sandbox": spec.sandbox.model_dump(mode="json"),
            "seed": spec.seed,
        }
    )


def end_sampling(group: Group, fresh: Sequence[Trajectory]) -> Outcome[Group]:
    """How a group stands after new samples were drawn for it."""
    lost = next((found for found in fresh if found.stop.is_failure), None)
    if lost is not None:
        reason = Reason.PROVIDER if lost.stop is StopReason.PROVIDER_ERROR else Reason.SANDBOX
        return failed(group.id, reason, lost.error or lost.stop.value, group, retryable=True)
    if all(found.answer is None for found in fresh):
        stops = ", ".join(sorted({found.stop.value for found in fresh}))
        return rejected(group.id, Reason.NO_ANSWER, f"no sample answered: {stops}", group)
    return kept(group.id, group)


async def draw_trajectories(
    query: Query, services: Services, *, round: int, critique: str = "", samples: int | None = None
) -> tuple[Trajectory, ...]:
    """New, independent trajectories of a query. `critique` is appended to the prompt, unpublished."""
    count = samples or services.spec.sample.samples
    drawn = await asyncio.gather(
        *(
            draw_trajectory(query, services, round=round, sample=sample, critique=critique)
            for sample in range(count)
        )
    )
    return tuple(drawn)


def make_prompt(query: Query, profile: Profile, services: Services) -> tuple[Message, ...]:
    """The published prompt: system and user message, without knowledge."""
    system = "system_sql" if profile.file.format.is_database else "system_python"
    on_error = services.spec.sample.on_error
    paths = [f"data/files/{part.name}" for part in profile.file.parts]
    return (
        Message("system", services.prompts.render(system, on_error=on_error)),
        Message("user", services.prompts.render("user", question=query.question, paths=paths)),
    )


async def draw_trajectory(
    query: Query,
    services: Services,
    *,
    round: int,
    sample: int,
    critique: str = "",
    on_turn: Callable[[Turn], None] | None = None,
) -> Trajectory:
    """One trajectory in a session of its own. `on_turn` hears of each turn as it ends."""
    spec = services.spec
    profile = services.profile(query.file_id)
    prompt = make_prompt(query, profile, services)
    seed = seed_from(str(spec.seed), query.id, str(round), str(sample))
    sampling = Sampling(
        temperature=spec.sample.temperature,
        top_p=spec.sample.top_p,
        max_tokens=spec.sample.max_tokens,
    )
    policy = ChatPolicy(
        services.ask,
        sampling=sampling,
        role=Role.EXPERT,
        sample=sample,
        appendix="\n\n".join(part for part in (_knowledge(query, profile, services), critique) if part),
        hint=make_hint(query, profile),
    )
    episode = await _run_in_session(policy, prompt, query, services, seed=seed, on_turn=on_turn)
    return Trajectory(
        id=make_id("trajectory", query.id, str(round), str(sample)),
        query_id=query.id,
        sample=sample,
        round=round,
        prompt=prompt,
        turns=episode.turns,
        stop=episode.stop,
        answer=episode.answer,
        result_csv=episode.result_csv,
        model=spec.models.expert.model_name,
        served_model=episode.served_model,
        sampling=_describe_sampling(sampling, services),
        seed=seed,
        isolation=str(services.sandbox.isolation),
        faults=episode.faults,
        error=episode.error,
    )


def _describe_sampling(sampling: Sampling, services: Services) -> tuple[tuple[str, Scalar], ...]:
    """All settings that a row needs to be made, or run, again."""
    settings = services.spec.sample
    return (
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("max_tokens", sampling.max_tokens),
        ("on_error", settings.on_error),
        ("observation_chars", settings.observation_chars),
    )


async def _run_in_session(
    policy: ChatPolicy,
    prompt: tuple[Message, ...],
    query: Query,
    services: Services,
    *,
    seed: int,
    on_turn: Callable[[Turn], None] | None,
) -> Episode:
    settings = services.spec.sample
    profile = services.profile(query.file_id)
    session = await services.sandbox.open(
        services.paths(query.file_id),
        seed=str(seed),
        on_error=OnError(settings.on_error),
        sql_only=profile.file.format.is_database,
        db_info=profile.ddl or None,
    )
    try:
        limits = EpisodeLimits(
            max_turns=settings.turns,
            on_invalid=LoopOnInvalid(settings.on_invalid),
            observation_chars=settings.observation_chars,
        )
        return await run_episode(policy, session, prompt, limits, on_turn=on_turn)
    finally:
        await session.close()


def _knowledge(query: Query, profile: Profile, services: Services) -> str:
    if not services.spec.sample.knowledge:
        return ""
    category = services.taxonomy.category(query.category)
    workflow = category.workflow.sql if profile.file.format.is_database else category.workflow.python
    return services.prompts.render("knowledge", title=category.title, workflow=workflow) if workflow else ""
