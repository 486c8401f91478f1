"""Reflect: groups whose samples disagreed get a second chance.

The judge's reasoning and the earlier trajectories go back to the expert, new samples are drawn and
judged alone (section 3.2 of the paper, which does one round). The critique stands in the prompt that
the expert sees, and nowhere in what is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datamind_gen.rows import Group, Message, Reason, Stage, Trajectory, Verdict, dump_json
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, rejected
from datamind_gen.stages.judge import end_judging, judge_samples, judging_settings
from datamind_gen.stages.sample import draw_trajectories, end_sampling, sampling_settings


class ReflectStage:
    """Group that disagreed -> group whose last samples agree, or the reason why not."""

    name = Stage.REFLECT
    version = 2
    unit = "group"

    def settings(self, spec: PipelineSpec) -> str:
        return dump_json(
            [spec.reflect.model_dump(mode="json"), sampling_settings(spec), judging_settings(spec)]
        )

    def templates(self) -> tuple[str, ...]:
        return ("reflect", "system_python", "system_sql", "user", "knowledge", "judge")

    async def run(self, row: Group, services: Services) -> Sequence[Outcome[Group]]:
        settings = services.spec.reflect
        group = row
        end: Outcome[Group] = rejected(row.id, Reason.INCONSISTENT, "no round of reflection is set", row)
        for round in range(1, settings.rounds + 1):
            critique = _write_critique(group, services)
            fresh = await draw_trajectories(
                group.query, services, round=round, critique=critique, samples=settings.samples
            )
            start = len(group.trajectories)
            group = replace(group, trajectories=(*group.trajectories, *fresh))
            end = end_sampling(group, fresh)
            if end.row is None or end.reason not in (None, Reason.NO_ANSWER):
                return [end]
            verdict = await judge_samples(group.query, fresh, services, round=round)
            group = replace(group, verdicts=(*group.verdicts, _shift(verdict, start)))
            end = end_judging(group)
            if end.reason is not Reason.INCONSISTENT:
                return [end]
        return [end]


def _write_critique(group: Group, services: Services) -> str:
    verdict = group.verdict
    last = group.trajectories[-1].round
    attempts = [conversation_of(found) for found in group.trajectories if found.round == last]
    return services.prompts.render(
        "reflect", critique=verdict.reasoning if verdict else "", attempts=attempts
    )


def conversation_of(trajectory: Trajectory) -> tuple[Message, ...]:
    """What was said after the prompt: the model's messages and the observations."""
    messages: list[Message] = []
    for turn in trajectory.turns:
        messages.append(Message("assistant", turn.text))
        if turn.observation is not None:
            messages.append(Message("user", turn.observation))
    return tuple(messages)


def _shift(verdict: Verdict, start: int) -> Verdict:
    """A verdict on new samples, with its indices into all of the group's trajectories."""
    return replace(
        verdict,
        best=None if verdict.best is None else verdict.best + start,
        agreeing=tuple(index + start for index in verdict.agreeing),
    )
