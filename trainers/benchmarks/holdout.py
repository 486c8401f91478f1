"""The recipe's held-out tasks, scored by the training reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainers.attempts import Attempt, average
from trainers.benchmarks.base import Benchmark
from trainers.config import Recipe
from trainers.data import open_dataset
from trainers.errors import TrainerError
from trainers.rewards import score_measures
from trainers.rollouts import Rollout


class Holdout(Benchmark):
    """Tasks of `data.dataset` whose questions `data.holdout` keeps from training."""

    def __init__(self, recipe: Recipe) -> None:
        if not recipe.data.holdout:
            raise TrainerError("data.holdout is 0, so nothing was held out to evaluate on")
        self.tasks = open_dataset(recipe.data).tasks(held_out=True)
        super().__init__(recipe.evaluate)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        return await score_measures(self.scorer, rollout)

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        return {name: average(attempts, name) for name in ("reward", "well_formed")}
