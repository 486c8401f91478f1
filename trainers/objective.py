"""One optimizer step of a sum of terms, each divided by its own token count over the whole step.

    L = Σ_term weight · (Σ_all processes, micro-batches token losses) / (trained tokens of the term)

So the result is the same however the step is cut into micro-batches, packed or padded, on one process or
many. (A mean per micro-batch, as the paper's released code takes, is another number whenever lengths
differ.) The joint objective γ·L_SFT + (1-γ)·L_RL is two terms; plain SFT is one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainers.batching import MicroBatch
from trainers.config import Rl, Weighting
from trainers.losses import clipped_policy_loss, expert_loss

LossFunction = Callable[[Tensor, Tensor, MicroBatch], dict[str, Tensor]]
"""(logps [N], entropy [N], batch) -> per-token tensors [N]; `loss` is minimised, the rest are measured."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the objective on this process."""

    name: str
    weight: float
    batches: Sequence[MicroBatch]
    loss: LossFunction
    measures: tuple[str, ...]
    """The names that `loss` gives, so that processes without a batch reduce the same ones."""
    temperature: float = 1.0


def expert_term(batches: Sequence[MicroBatch], *, weight: float, weighting: Weighting) -> Term:
    """Supervised loss on expert tokens."""
    return Term(
        "sft",
        weight,
        batches,
        lambda logps, entropy, batch: {"loss": expert_loss(logps, weighting), "nll": -logps.detach()},
        ("loss", "nll"),
    )


def policy_term(batches: Sequence[MicroBatch], *, weight: float, config: Rl) -> Term:
    """DAPO's loss on sampled tokens."""

    def loss(logps: Tensor, entropy: Tensor, batch: MicroBatch) -> dict[str, Tensor]:
        old_logps = torch.where(batch.old_logps.isnan(), logps.detach(), batch.old_logps)
        clipped = clipped_policy_loss(
            logps,
            old_logps=old_logps,
            advantages=batch.advantages,
            clip_low=config.clip_low,
            clip_high=config.clip_high,
            dual_clip=config.dual_clip,
        )
        drift = old_logps - batch.sampled_logps
        correction = 1.0 if config.importance_cap is None else drift.exp().clamp(max=config.importance_cap)
        return {
            "loss": clipped.loss * correction,
            "clip_fraction": clipped.clipped,
            "entropy": entropy,
            "ratio": (logps - old_logps).detach().exp(),
            "engine_gap": drift.abs(),
        }

    measures = ("loss", "clip_fraction", "entropy", "ratio", "engine_gap")
    return Term("rl", weight, batches, loss, measures, config.sampling.temperature)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What an optimizer step did. `metrics` are token means over the step and all processes."""

    metrics: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    """Ids processed, padding left out, over all processes."""
    skipped: bool = False
    """The gradient was not finite, so nothing changed."""


def step(
    accelerator: Any, model: Any, optimizer: Any, terms: Sequence[Term], *, max_grad_norm: float
) -> StepResult:
    """Backward over every micro-batch of every term, one clip, one optimizer step.

    A term of weight 0 costs nothing. A process with fewer micro-batches than another takes part with
    empty ones, because FSDP's collectives must match. Raises ValueError when no process has a token.
    """
    live = [term for term in terms if term.weight]
    counts = sum_over_processes(
        accelerator, [sum(sum(batch.lengths) for batch in term.batches) for term in live]
    )
    if not any(counts):
        raise ValueError("a step without a single trained token")
    work = [
        (term, max(count, 1.0), batch)
        for term, count in zip(live, counts, strict=True)
        for batch in fill_up(accelerator, term.batches)
    ]
    sums = {f"{term.name}/{measure}": torch.zeros(()) for term in live for measure in term.measures}
    tokens = 0
    model.train()
    for index, (term, count, batch) in enumerate(work):
        last = index == len(work) - 1
        with contextlib.nullcontext() if last else accelerator.no_sync(model):
            moved = batch.to(accelerator.device)
            logps, entropy = model(moved, term.temperature)
            if moved.lengths:
                parts = term.loss(logps, entropy, moved)
                # DDP and FSDP average gradients over processes; the objective is a sum over them.
                scaled = parts["loss"].sum() * (term.weight / count * accelerator.num_processes)
            else:
                parts, scaled = {}, logps.sum()
            accelerator.backward(scaled)
        for measure, values in parts.items():
            sums[f"{term.name}/{measure}"] += values.detach().sum().cpu() / count
        tokens += int(batch.attention.sum()) if batch.attention is not None else batch.ids.numel()
    norm = accelerator.clip_grad_norm_(model.parameters(), max_grad_norm)
    finite = math.isfinite(float(norm))
    if finite:
        optimizer.step()
    optimizer.zero_grad()
    *means, total = sum_over_processes(accelerator, [*map(float, sums.values()), tokens])
    metrics = dict(zip(sums, means, strict=True))
    metrics["loss"] = sum(term.weight * metrics[f"{term.name}/loss"] for term in live)
    metrics["grad_norm"] = float(norm)
    return StepResult(metrics, int(total), skipped=not finite)


def sum_over_processes(accelerator: Any, values: Sequence[float]) -> list[float]:
    """Each value summed over all processes."""
    tensor = torch.tensor(values, dtype=torch.float64, device=accelerator.device)
    total: list[float] = accelerator.reduce(tensor, reduction="sum").tolist()
    return total


def fill_up(accelerator: Any, batches: Sequence[MicroBatch]) -> list[MicroBatch]:
    """The micro-batches and as many empty ones as the process with the most has more: collectives match."""
    mine = torch.tensor(len(batches), device=accelerator.device)
    most = int(accelerator.gather(mine).max())
    return [*batches, *[_empty()] * (most - len(batches))]


def _empty() -> MicroBatch:
    nothing = torch.zeros(0)
    return MicroBatch(
        ids=torch.zeros((1, 1), dtype=torch.long),
        positions=torch.zeros((1, 1), dtype=torch.long),
        attention=torch.ones((1, 1), dtype=torch.long),
        predictors=nothing.long(),
        targets=nothing.long(),
        advantages=nothing,
        old_logps=nothing,
        sampled_logps=nothing,
        lengths=(),
        order=(),
    )
