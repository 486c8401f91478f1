"""Groups of rollouts: dynamic sampling, advantages, and the items that a step trains on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch

from trainers.batching import Item
from trainers.config import Rl
from trainers.losses import differs, group_advantages
from trainers.tokens import TokenBuilder, TokenSequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Try:
    """A scored rollout, as far as training needs it. Plain values: it travels and is stored as JSON."""

    ids: list[int]
    mask: list[int]
    logprobs: list[float]
    prompt_length: int
    reward: float
    correct: bool
    void: bool

    def tokens(self, builder: TokenBuilder) -> TokenSequence:
        return TokenSequence(self.ids, self.mask, self.logprobs, self.prompt_length, builder)


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt's tries. `drawn` is its place in the stream of prompts, `step` the one it was sampled in."""

    task_id: str
    drawn: int
    step: int
    tries: tuple[Try, ...]

    def teaches(self, config: Rl) -> bool:
        """Dynamic sampling's condition: the rewards that enter the statistics differ, and a row trains."""
        counted = [one.reward for one in self.tries if _counts(one, config)]
        return differs(counted) and any(_trains(one, config) for one in self.tries)

    def items(self, config: Rl, builder: TokenBuilder, *, step: int) -> list[Item]:
        """What its rows bring to the loss. A group carried over from an earlier step was sampled by an
        older policy, so its old log-probabilities are the engine's."""
        counted = [_counts(one, config) for one in self.tries]
        rewards = [one.reward for one in self.tries]
        advantages = group_advantages(rewards, counted, scale=config.scale_rewards == "group")
        items = []
        for one, advantage in zip(self.tries, advantages, strict=True):
            if not _trains(one, config):
                continue
            tokens = one.tokens(builder)
            stale = self.step != step
            items.append(Item(tokens, advantage, _sampled(tokens) if stale else None))
        return items

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Group:
        tries = tuple(Try(**one) for one in plain["tries"])
        return cls(plain["task_id"], plain["drawn"], plain["step"], tries)


def _counts(one: Try, config: Rl) -> bool:
    return config.void_in_statistics or not one.void


def _trains(one: Try, config: Rl) -> bool:
    return any(one.mask) and not (one.void and config.mask_void)


def _sampled(tokens: TokenSequence) -> torch.Tensor:
    return torch.tensor([logp for logp, on in zip(tokens.logprobs, tokens.mask, strict=True) if on])


@dataclass(frozen=True, slots=True)
class Selection:
    """What a step works on."""

    kept: list[Group]
    surplus: list[Group]
    """Kept for the next step."""
    filtered: list[Group]
    """Nothing to learn from for RL; their experts may still count."""


def select(groups: Iterable[Group], config: Rl) -> Selection:
    """Dynamic sampling over groups, in the order of their prompts."""
    ordered = sorted(groups, key=lambda group: group.drawn)
    if not config.dynamic_sampling:
        return Selection(ordered[: config.prompts_per_step], ordered[config.prompts_per_step :], [])
    teaching = [group for group in ordered if group.teaches(config)]
    filtered = [group for group in ordered if not group.teaches(config)]
    return Selection(teaching[: config.prompts_per_step], teaching[config.prompts_per_step :], filtered)


def spread(things: Sequence[T], parts: int) -> list[list[T]]:
    """The things dealt out over the parts, in order."""
    return [list(things[part::parts]) for part in range(parts)]
