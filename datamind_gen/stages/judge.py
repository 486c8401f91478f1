"""Judge: do a query's samples say the same, and which of them say it best?

By rules where rules can tell, by the judge model for what is left, in the order that the pipeline gives.
A judge that fails is a failure, never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from datamind_gen.agent.matching import Agreement, agree
from datamind_gen.rows import AnswerType, Group, Query, Reason, Stage, Trajectory, Verdict, dump_json
from datamind_gen.spec.judging import JudgeMethod
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected
from datamind_gen.stages.verdicts import JudgeFailed, ask_judge

MAX_SUBSETS = 20
"""Subsets of samples that the judge model is asked about when not all need agree."""


class JudgeStage:
    """Group -> group with a verdict."""

    name = Stage.JUDGE
    version = 2
    unit = "group"

    def settings(self, spec: PipelineSpec) -> str:
        return judging_settings(spec)

    def templates(self) -> tuple[str, ...]:
        return ("judge",)

    async def run(self, row: Group, services: Services) -> Sequence[Outcome[Group]]:
        verdict = await judge_samples(row.query, row.trajectories, services, round=0)
        return [end_judging(replace(row, verdicts=(*row.verdicts, verdict)))]


def judging_settings(spec: PipelineSpec) -> str:
    """All that decides a verdict, beside the group and the template."""
    settings = spec.judge.model_dump(mode="json", exclude={"keep"})
    if JudgeMethod.MODEL in spec.judge.methods:
        settings["model"] = spec.models.judge.reply_identity()
    return dump_json(settings)


def end_judging(group: Group) -> Outcome[Group]:
    """How a group stands after its last verdict."""
    verdict = group.verdict
    assert verdict is not None
    if verdict.error is not None:
        return failed(group.id, Reason.PROVIDER, verdict.error, group, retryable=True)
    if not verdict.agree:
        return rejected(group.id, Reason.INCONSISTENT, verdict.reasoning, group)
    return kept(group.id, group)


async def judge_samples(
    query: Query, samples: Sequence[Trajectory], services: Services, *, round: int
) -> Verdict:
    """The verdict on samples of one query; its indices are into `samples`."""
    settings = services.spec.judge
    needed = count_needed(settings.require, len(samples))
    answers = [_say(query, sample) for sample in samples]
    answered = sum(answer is not None for answer in answers)
    found: Agreement | None = None
    if JudgeMethod.RULE in settings.methods:
        found = agree(answers, tolerance=settings.tolerance, question=query.question, tables=_is_table(query))
    if answered < needed:
        return Verdict(
            False, "rule", None, (), answered / len(samples), _describe(found, answers), round=round
        )
    for method in settings.methods:
        if method is JudgeMethod.MODEL:
            return await _model_verdict(
                query, samples, services, needed=needed, round=round, after_rules=found is not None
            )
        assert found is not None
        if not found.unsure or len(found.largest) >= needed:
            break
    assert found is not None
    return _rule_verdict(query, found, samples, needed=needed, round=round)


def count_needed(require: str | int, samples: int) -> int:
    """How many of so many samples must agree."""
    if require == "all":
        return samples
    if require == "majority":
        return samples // 2 + 1
    return min(int(require), samples)


def _is_table(query: Query) -> bool:
    return query.answer_type is AnswerType.TABLE


def _say(query: Query, sample: Trajectory) -> str | None:
    """What a sample answers: its result table where the question asks for one, else its text."""
    return sample.result_csv if _is_table(query) else sample.answer


def _rank(query: Query, indices: Sequence[int], samples: Sequence[Trajectory]) -> tuple[int, ...]:
    """Best first: what most of them say exactly (within a tolerance the exact value stands beside slips of
    rounding), then the fewest turns, then the shortest answer.
    """
    answers = [_say(query, samples[index]) for index in indices]
    exact = agree(answers, tolerance=0.0, question=query.question, tables=_is_table(query))
    support = {indices[place]: len(cluster) for cluster in exact.clusters for place in cluster}

    def badness(index: int) -> tuple[int, int, int, int]:
        sample = samples[index]
        return -support.get(index, 0), len(sample.turns), len(sample.answer or ""), index

    return tuple(sorted(indices, key=badness))


def _rule_verdict(
    query: Query, found: Agreement, samples: Sequence[Trajectory], *, needed: int, round: int
) -> Verdict:
    agreeing = _rank(query, found.largest, samples)
    enough = len(agreeing) >= needed
    return Verdict(
        agree=enough,
        method="rule",
        best=agreeing[0] if enough else None,
        agreeing=agreeing if enough else (),
        margin=len(agreeing) / len(samples),
        reasoning=_describe(found, [_say(query, sample) for sample in samples]),
        round=round,
    )


def _describe(found: Agreement | None, answers: Sequence[str | None]) -> str:
    """What was seen, in words that help an expert who tries again; whatever `require` is, the same words."""
    silent = [str(index + 1) for index, answer in enumerate(answers) if answer is None]
    said = [f"No answer came of attempt {', '.join(silent)}."] if silent else []
    if found is not None:
        said += [f"Answers {one + 1} and {other + 1} differ: {why}." for one, other, why in found.whys[:6]]
        if not said and len(found.largest) < len(answers):
            said = ["Not all of the answers can be compared."]
    return " ".join(said) or "All answers say the same."


async def _model_verdict(
    query: Query,
    samples: Sequence[Trajectory],
    services: Services,
    *,
    needed: int,
    round: int,
    after_rules: bool,
) -> Verdict:
    method = "rule+model" if after_rules else "model"
    said = {index: _say(query, sample) for index, sample in enumerate(samples)}
    answered = {index: text for index, text in said.items() if text is not None}
    indices = sorted(answered)
    subsets = [
        subset for size in range(len(indices), needed - 1, -1) for subset in combinations(indices, size)
    ]
    first_reasoning = ""
    for subset in subsets[:MAX_SUBSETS]:
        if len(subset) == 1:
            return Verdict(True, method, subset[0], subset, 1 / len(samples), "one sample", round=round)
        try:
            opinion = await ask_judge(query, [answered[index] for index in subset], services, round=round)
        except JudgeFailed as error:
            return Verdict(False, method, None, (), 0.0, error=str(error), round=round)
        first_reasoning = first_reasoning or opinion.reasoning
        if opinion.agree:
            best = subset[opinion.best]
            rest = [index for index in _rank(query, subset, samples) if index != best]
            margin = len(subset) / len(samples)
            return Verdict(True, method, best, (best, *rest), margin, opinion.reasoning, round=round)
    return Verdict(False, method, None, (), 0.0, first_reasoning, round=round)
