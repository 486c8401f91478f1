"""The protocol of an engine: what samples for the policy, and how it gets the policy's newest weights.

Log-probabilities are those of the distribution sampled from at the given temperature, before top-p. A
stop at the end-of-turn token includes that token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from trainers.batching import Item, split
from trainers.errors import TrainerError
from trainers.tokens import TokenBuilder, TokenSequence


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    ids: tuple[int, ...]
    max_tokens: int
    temperature: float
    top_p: float = 1.0
    seed: int
    """Decides the draw, whatever else is in the batch."""


@dataclass(frozen=True, slots=True)
class Sample:
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: str
    """stop or length."""


class EngineError(Exception):
    """The engine failed: an episode's failure, never a wrong answer."""


class SampleEngine(Protocol):
    """Safe to call from many tasks of one event loop at once."""

    in_rounds: bool
    """Whether it waits until every live episode asks."""

    async def sample(self, request: SampleRequest) -> Sample:
        """Raises EngineError."""
        ...

    def episode(self) -> Any:
        """A context manager around an episode, so that an engine knows how many may still ask."""
        ...

    async def logprobs(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        """Log-probability at temperature 1 of each id after the first, given those before it."""
        ...

    async def sync(self, step: int, state: dict[str, torch.Tensor] | None = None) -> None:
        """Takes the policy's newest weights: `state` where they are gathered, else the policy's own."""
        ...

    async def close(self) -> None: ...


async def probe(
    engine: SampleEngine,
    model: Any,
    builder: TokenBuilder,
    texts: Sequence[str],
    *,
    tolerance: float,
    device: Any,
) -> float:
    """Mean |trainer - engine| log-probability (nats a token) over fixed texts, after a sync.

    Raises TrainerError beyond the tolerance: a server can answer 200 to new weights and keep some of the
    old (seen with tied embeddings), and training would go on, quietly wrong.
    """
    sequences = [builder.tokenizer.encode(text, add_special_tokens=False)[:64] for text in texts]
    theirs = await engine.logprobs(sequences)
    worst = total = count = 0.0
    model.eval()  # no dropout, as in the engine
    for ids, scored in zip(sequences, theirs, strict=True):
        tokens = TokenSequence(list(ids), [0, *[1] * (len(ids) - 1)], [0.0] * len(ids), 1, builder)
        batch = split([Item(tokens)], mode="buckets", max_tokens=len(ids), pad_id=0)[0].to(device)
        with torch.no_grad():
            ours = model(batch)[0].float().cpu()
        gaps = (ours - torch.tensor(scored)).abs()
        worst, total, count = max(worst, gaps.max().item()), total + gaps.sum().item(), count + len(gaps)
    mean = total / count
    if not mean <= tolerance:
        raise TrainerError(
            f"the engine's log-probabilities are {mean:.3f} nats a token from the trainer's (worst "
            f"{worst:.3f}, allowed {tolerance}): it does not serve the weights that it was sent. "
            "Restart it; with tied embeddings sync a LoRA adapter or an untied model"
        )
    return mean
