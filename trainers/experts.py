"""Where the SFT term of joint training gets its conversations from."""

from __future__ import annotations

from collections.abc import Sequence

from trainers.batching import shuffled_batches
from trainers.config import Rl
from trainers.data import Task
from trainers.groups import Selection
from trainers.runtime import Training
from trainers.tokens import TokenSequence


class Experts:
    """The expert trajectories of the SFT term, tokenized once."""

    def __init__(self, training: Training, config: Rl, tasks: Sequence[Task]) -> None:
        self._training = training
        self._config = config
        self._by_task: dict[str, TokenSequence] = {}
        self._buffer: list[TokenSequence] = []
        limit = training.recipe.data.max_tokens
        for task in tasks if config.experts.source == "same_prompt" else ():
            if task.expert:
                tokens = training.builder.conversation(task.expert)
                if len(tokens) <= limit:
                    self._by_task[task.id] = tokens

    def fill_buffer(self, sequences: list[TokenSequence]) -> None:
        self._buffer = sequences

    def of(self, selection: Selection, step: int) -> list[TokenSequence]:
        """The experts of a step."""
        config = self._config.experts
        if config.source == "buffer":
            batches = shuffled_batches(
                len(self._buffer), size=config.per_step, seed=self._training.recipe.seed, start=step - 1
            )
            return [self._buffer[index] for index in next(batches)]
        groups = [*selection.kept, *(selection.filtered if config.filtered_groups else ())]
        return [self._by_task[group.task_id] for group in groups if group.task_id in self._by_task]
