"""What a benchmark is, and what most of them share: prompts as in training, and the paper's judge rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datamind_gen.agent.protocol import Problem, parse
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Answer, Message
from trainers.attempts import Attempt
from trainers.config import Evaluate
from trainers.data import Task
from trainers.rewards import Scorer
from trainers.rollouts import Rollout


class Benchmark(ABC):
    """Tasks, and how attempts at them are scored."""

    tasks: list[Task]

    def __init__(self, config: Evaluate) -> None:
        self.scorer = Scorer(config)

    @abstractmethod
    async def score(self, rollout: Rollout) -> dict[str, float]:
        """Measures of one attempt; `correct` (0 or 1) is the one that pass@1 counts. Raises Unsettled."""

    @abstractmethod
    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        """The benchmark's own figures over all attempts."""

    async def close(self) -> None:
        await self.scorer.close()


class FolderBenchmark(Benchmark):
    """A public benchmark's local copy."""

    needs: tuple[str, ...]
    """Files and folders that it must hold."""
    expects: str
    """What to tell whoever has none."""

    def __init__(self, folder: Path, config: Evaluate) -> None:
        super().__init__(config)
        self.tasks = []
        self.read(folder)

    @abstractmethod
    def read(self, folder: Path) -> None:
        """Fills `tasks`."""

    async def paper(self, rollout: Rollout) -> dict[str, float]:
        """The paper's rule: a number within 3 % or a judge's yes is right (`paper`), and 0.9 answer + 0.1
        form is the score (`paper_score`). Raises Unsettled."""
        reward = await self.scorer.score(rollout)
        turns = [parse(turn.text) for turn in rollout.episode.turns]
        form = all(turn.acts and not set(turn.problems) - {Problem.NO_THINK} for turn in turns)
        right = float(reward.correct)
        return {"paper": right, "paper_score": 0.9 * right + 0.1 * form}


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
    """A benchmark's task, with the messages that the engine publishes for such a question. `asked` is the
    text put to the model, where it says more than the question."""
    prompts = Prompts()
    system = prompts.render("system_sql" if is_database else "system_python", on_error="rollback")
    paths = [f"data/files/{name}" for name in files]
    user = prompts.render("user", question=asked or question, paths=paths)
    return Task(
        id=identity,
        question=question,
        prompt=(Message("system", system), Message("user", user)),
        files=files,
        reference=reference,
        is_database=is_database,
        category=category,
        level=level,
    )
