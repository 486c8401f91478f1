"""Filter: which of a group's trajectories go into the dataset.

A trajectory must have answered, agree with the others, be one of those that `judge.keep` wants, and pass
every rule, in the order that the pipeline gives. With `keep: best`, the best that passes the rules is
kept, so that a flaw in the best one does not cost the query.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pydantic import TypeAdapter

from datamind_gen.rows import (
    Candidate,
    Group,
    Profile,
    Reason,
    Stage,
    Trajectory,
    Verdict,
    dump_json,
    make_id,
)
from datamind_gen.rules import Rule, RuleContext, build_rules, check_candidate
from datamind_gen.spec.judging import Keep
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.spec.rules import RuleUse
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected
from datamind_gen.stages.replay import Replay, replay_trajectory


class FilterStage:
    """Group -> candidates. Makes one row of every trajectory in the group."""

    name = Stage.FILTER
    version = 2
    unit = "trajectory"

    def settings(self, spec: PipelineSpec) -> str:
        return dump_json(
            {
                "keep": spec.judge.keep.value,
                "rules": _written(spec),
                "sandbox": spec.sandbox.model_dump(mode="json"),
                "on_error": spec.sample.on_error,
            }
        )

    def templates(self) -> tuple[str, ...]:
        return ()

    async def run(self, row: Group, services: Services) -> Sequence[Outcome[Candidate]]:
        verdict = row.verdict
        if verdict is None:
            raise ValueError(f"{row.id} was never judged")
        ends: dict[int, Outcome[Candidate]] = {}
        chosen = False
        for index in _by_preference(row, verdict, services.spec.judge.keep):
            candidate = _make_candidate(row, index, verdict)
            if chosen:
                detail = f"judge.keep is {services.spec.judge.keep.value}"
                ends[index] = rejected(candidate.id, Reason.NOT_CHOSEN, detail, candidate)
                continue
            ends[index] = await _apply_rules(candidate, services)
            chosen = ends[index].reason is None and services.spec.judge.keep is not Keep.ALL
        for index, trajectory in enumerate(row.trajectories):
            if index not in ends:
                ends[index] = _leave_out(_make_candidate(row, index, verdict), trajectory)
        return [ends[index] for index in sorted(ends)]


def _written(spec: PipelineSpec) -> list[object]:
    return [use.model_dump(mode="json") for use in spec.rules]


@lru_cache(maxsize=4)
def _rules_of(written: str) -> list[Rule]:
    """The rules, made once: some read lists when they are made."""
    return build_rules(TypeAdapter(list[RuleUse]).validate_json(written))


def _by_preference(group: Group, verdict: Verdict, keep: Keep) -> Sequence[int]:
    if keep is Keep.SHORTEST:
        return sorted(verdict.agreeing, key=lambda index: (len(group.trajectories[index].turns), index))
    return verdict.agreeing


def _make_candidate(group: Group, index: int, verdict: Verdict) -> Candidate:
    trajectory = group.trajectories[index]
    return Candidate(
        id=make_id("candidate", trajectory.id),
        query=group.query,
        trajectory=trajectory,
        verdict=verdict,
        isolation=trajectory.isolation,
        rank=verdict.agreeing.index(index) if index in verdict.agreeing else None,
    )


def _leave_out(candidate: Candidate, trajectory: Trajectory) -> Outcome[Candidate]:
    if trajectory.answer is None:
        return rejected(candidate.id, Reason.NO_ANSWER, trajectory.stop.value, candidate)
    detail = "does not say what the agreeing samples say"
    if trajectory.round < candidate.verdict.round:
        detail = "an earlier round, before reflection"
    return rejected(candidate.id, Reason.INCONSISTENT, detail, candidate)


async def _apply_rules(candidate: Candidate, services: Services) -> Outcome[Candidate]:
    profile = services.profile(candidate.query.file_id)
    context = RuleContext(profile=profile, replay=lambda: _replay(candidate, profile, services))
    rejection = await check_candidate(candidate, _rules_of(dump_json(_written(services.spec))), context)
    if rejection is None:
        return kept(candidate.id, candidate)
    detail = f"{rejection.rule}: {rejection.detail}"
    if rejection.failed:
        return failed(candidate.id, rejection.reason, detail, candidate, retryable=True)
    return rejected(candidate.id, rejection.reason, detail, candidate)


async def _replay(candidate: Candidate, profile: Profile, services: Services) -> Replay:
    settings = services.spec.sample
    return await replay_trajectory(
        candidate.trajectory,
        services.sandbox,
        services.paths(candidate.query.file_id),
        on_error=settings.on_error,
        observation_chars=settings.observation_chars,
        sql_only=profile.file.format.is_database,
        db_info=profile.ddl or None,
    )
