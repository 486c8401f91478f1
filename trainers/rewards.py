"""The paper's reward: whether the answer is right, then its length, then the form of the trajectory.

    R = length_reward(answer)   if the answer is right (Eq. 8; form does not matter then)
    R = 0                       if it is wrong and well formed
    R = wrong_format            if it is wrong and ill formed
    R += overlong_penalty       where the recipe has one (DAPO)

References come first: datamind_gen's answer matching settles typed answers and result CSVs (row-aware, each
from the rollout's own directory). A model judge is asked only for what matching cannot settle; its failure
makes the rollout a failed one, never a wrong answer. The answer is the last assistant turn's, as the loop
read it: what code prints is no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.agent.matching import Sameness, match, match_csv, match_result
from datamind_gen.agent.protocol import Problem, parse
from datamind_gen.models.base import ChatRequest, ProviderError, Role, Sampling
from datamind_gen.models.router import Models
from datamind_gen.models.settings import ModelSettings
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Message, StopReason
from trainers.config import Episodes
from trainers.data import Task
from trainers.losses import length_reward, overlong_penalty
from trainers.rollouts import Rollout

PROMPTS = Path(__file__).parent / "prompts"
LONGEST_JUDGED = 10_240
"""Characters of an answer; a longer one is wrong without a question (as in the released code)."""


@dataclass(frozen=True, slots=True)
class Reward:
    """A rollout's reward and its parts."""

    total: float
    correct: bool
    well_formed: bool
    length: float = 1.0
    overlong: float = 0.0
    judged: bool = False
    """Whether the model judge settled it."""


class Unsettled(Exception):
    """Neither references nor the judge could say whether an answer is right."""


class Scorer:
    """Scores rollouts. Safe to use from many tasks at once."""

    def __init__(self, config: Episodes) -> None:
        self._config = rewards = config.rewards
        self._response_tokens = config.limits.response_tokens
        self._judge = GradingJudge(rewards.judge, tolerance=rewards.tolerance) if rewards.judge else None

    async def score(self, rollout: Rollout) -> Reward:
        """The reward of a rollout that did not fail. Raises Unsettled when nobody could tell."""
        config = self._config
        task, episode = rollout.job.task, rollout.episode
        correct, judged = await self._is_correct(task, episode.answer, episode.result_csv)
        well_formed = is_well_formed(rollout)
        length = 1.0
        if correct:
            shown = episode.answer or ""
            length = length_reward(len(shown), start=config.length_from, end=config.length_to)
        overlong = 0.0
        if config.overlong is not None and rollout.tokens is not None:
            overlong = overlong_penalty(
                rollout.tokens.response_length, limit=self._response_tokens, overlong=config.overlong
            )
        base = length if correct else (0.0 if well_formed else config.wrong_format)
        return Reward(base + overlong, correct, well_formed, length, overlong, judged)

    async def _is_correct(self, task: Task, answer: str | None, result_csv: str | None) -> tuple[bool, bool]:
        if answer is None or len(answer) > LONGEST_JUDGED:
            return False, False
        got = result_csv if task.is_database else answer
        if got is None:
            return False, False
        verdict = match_answer(task, got, tolerance=self._config.tolerance)
        if verdict is not None:
            return verdict, False
        if self._judge is None:
            return False, False
        return await self._judge.grade(task.question, task.reference_text, answer), True

    async def close(self) -> None:
        if self._judge is not None:
            await self._judge.close()


async def score_measures(scorer: Scorer, rollout: Rollout) -> dict[str, float]:
    """The reward's parts as measures of an evaluation."""
    reward = await scorer.score(rollout)
    return {
        "correct": float(reward.correct),
        "reward": reward.total,
        "well_formed": float(reward.well_formed),
    }


class GradingJudge:
    """A chat model that grades an answer against a reference: the paper's reward judge."""

    def __init__(self, settings: ModelSettings, *, tolerance: float) -> None:
        self._models = Models.from_settings({Role.JUDGE: settings})
        self._prompts = Prompts(PROMPTS)
        self._tolerance = tolerance

    async def grade(self, question: str, reference: str, answer: str) -> bool:
        """Whether the answer is right. Raises Unsettled when the judge fails or gives no score."""
        prompt = self._prompts.render(
            "grade", question=question, reference=reference, answer=answer, tolerance=self._tolerance
        )
        request = ChatRequest(
            role=Role.JUDGE,
            messages=(Message("user", prompt),),
            sampling=Sampling(temperature=0.0, max_tokens=1024),
        )
        try:
            reply = await self._models.ask(request)
        except ProviderError as error:
            raise Unsettled(f"the judge failed: {error}") from error
        scores = _SCORE.findall(reply.text)
        if len(scores) != 1:
            raise Unsettled(f"the judge gave no score: {reply.text[-200:]!r}")
        return scores[0] == "1"

    async def close(self) -> None:
        await self._models.close()


_SCORE = re.compile(r"<score>\s*([01])\s*</score>")


def is_well_formed(rollout: Rollout) -> bool:
    """The format reward's condition: every turn acts and deviates in nothing but a missing thought, the
    last one answers, and a question about tables has run code (paper Eq. 8 and its released checker)."""
    episode = rollout.episode
    problems = {problem for turn in episode.turns for problem in parse(turn.text).problems}
    ran_code = any(turn.code is not None for turn in episode.turns)
    return (
        episode.stop is StopReason.ANSWERED
        and problems <= {Problem.NO_THINK}
        and (ran_code or rollout.job.task.is_database)
    )


def match_answer(task: Task, got: str, *, tolerance: float) -> bool | None:
    """Whether an answer (for a database the result CSV's text) is the reference; None if unsure."""
    if not task.is_database:
        matched = match(task.reference, got, tolerance=tolerance, question=task.question)
    elif isinstance(task.reference, str):
        matched = match_csv(task.reference, got, question=task.question)
    else:
        matched = match_result(task.reference, got, question=task.question)
    return None if matched.verdict is Sameness.UNSURE else matched.same
