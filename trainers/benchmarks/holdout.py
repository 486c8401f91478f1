"""The recipe's held-out tasks, scored by the training reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainers.benchmarks.base import average
from trainers.config import Recipe
from trainers.data import open_dataset
from trainers.errors import TrainerError
from trainers.rewards import Scorer, score_measures
from trainers.rollouts import Rollout

if TYPE_CHECKING:
    from trainers.evaluate import Attempt


class Holdout:
    """Tasks of `data.dataset` whose questions `data.holdout` keeps from training."""

    def __init__(self, recipe: Recipe) -> None:
        if not recipe.data.holdout:
            raise TrainerError("data.holdout is 0, so nothing was held out to evaluate on")
        self.tasks = open_dataset(recipe.data).tasks(held_out=True)
        config = recipe.evaluate
        self._scorer = Scorer(config.rewards, response_tokens=config.limits.response_tokens)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        return await score_measures(self._scorer, rollout)

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        return {name: average(attempts, name) for name in ("reward", "well_formed")}

    async def close(self) -> None:
        await self._scorer.close()
