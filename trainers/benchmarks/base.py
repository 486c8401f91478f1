"""What a benchmark is, and what most of them share: prompts as in training, and the paper's judge rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from datamind_gen.agent.protocol import Problem, parse
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Answer, Message
from trainers.config import Evaluate
from trainers.data import Task
from trainers.rewards import Scorer
from trainers.rollouts import Rollout

if TYPE_CHECKING:
    from trainers.evaluate import Attempt


class Benchmark(Protocol):
    """Tasks, and how attempts at them are scored."""

    tasks: list[Task]

    async def score(self, rollout: Rollout) -> dict[str, float]:
        """Measures of one attempt; `correct` (0 or 1) is the one that pass@1 counts. Raises Unsettled."""
        ...

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        """The benchmark's own figures over all attempts."""
        ...

    async def close(self) -> None: ...


class PaperRule:
    """The paper's rule: a number within 3 % or a judge's yes, and 0.9 answer + 0.1 form as its score."""

    def __init__(self, config: Evaluate) -> None:
        self._scorer = Scorer(config.rewards, response_tokens=config.limits.response_tokens)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        """`paper` (right or not) and `paper_score`. Raises Unsettled."""
        reward = await self._scorer.score(rollout)
        turns = [parse(turn.text) for turn in rollout.episode.turns]
        form = all(turn.acts and not set(turn.problems) - {Problem.NO_THINK} for turn in turns)
        right = float(reward.correct)
        return {"paper": right, "paper_score": 0.9 * right + 0.1 * form}

    async def close(self) -> None:
        await self._scorer.close()


def make_prompt(question: str, files: Sequence[str], *, is_database: bool = False) -> tuple[Message, ...]:
    """The system and user message that the engine publishes for such a question."""
    prompts = Prompts()
    system = prompts.render("system_sql" if is_database else "system_python", on_error="rollback")
    user = prompts.render("user", question=question, paths=[f"data/files/{name}" for name in files])
    return Message("system", system), Message("user", user)


def make_task(
    identity: str,
    question: str,
    files: Mapping[str, Path],
    reference: Answer | str,
    *,
    category: str,
    level: str,
    is_database: bool = False,
    asked: str | None = None,
) -> Task:
    """A benchmark's task. `asked` is the text put to the model, where it says more than the question."""
    return Task(
        id=identity,
        question=question,
        prompt=make_prompt(asked or question, list(files), is_database=is_database),
        files=files,
        reference=reference,
        is_database=is_database,
        category=category,
        level=level,
    )


def average(attempts: Sequence[Attempt], measure: str) -> float:
    """A measure's mean over all attempts; one without it, such as a crash, counts as 0."""
    values = [attempt.scores.get(measure, 0.0) for attempt in attempts]
    return sum(values) / len(values) if values else 0.0
