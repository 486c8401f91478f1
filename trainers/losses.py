"""The formulas, as pure functions of flat per-token tensors.

Everything is of shape [N], one entry a trained token of a micro-batch; nothing here knows of masks,
padding or processes, and nothing is averaged: `objective.py` sums over the whole optimizer step and all
processes and divides once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainers.config import Gamma, Overlong, Weighting


def gamma_at(step: int, schedule: Gamma) -> float:
    """The weight of the SFT term at an RL step counted from 1 (paper §4; CHORD-mu's schedule).

    warmup:  step/warmup · peak;   then a half cosine from peak to valley over `decay` steps; then valley.
    """
    if step < schedule.warmup:
        return step / schedule.warmup * schedule.peak
    if step >= schedule.warmup + schedule.decay:
        return schedule.valley
    progress = (step - schedule.warmup) / schedule.decay
    return schedule.valley + (schedule.peak - schedule.valley) * 0.5 * (1 + math.cos(math.pi * progress))


def group_advantages(rewards: Sequence[float], counted: Sequence[bool], *, scale: bool) -> list[float]:
    """(reward - mean) / deviation within a group (GRPO); `counted` says which enter mean and deviation.

    The deviation is the sample's (n - 1). A group whose counted rewards do not differ has advantage 0.
    """
    kept = torch.tensor(
        [r for r, inside in zip(rewards, counted, strict=True) if inside], dtype=torch.float64
    )
    if len(kept) < 2 or not differs(kept.tolist()):
        return [0.0] * len(rewards)
    mean, deviation = kept.mean().item(), kept.std().item()
    return [(reward - mean) / (deviation if scale else 1.0) for reward in rewards]


def differs(rewards: Sequence[float]) -> bool:
    """Whether a group has something to learn from: dynamic sampling's test, blind to float noise."""
    return len(rewards) > 1 and max(rewards) - min(rewards) > 1e-6


@dataclass(frozen=True, slots=True)
class PolicyLoss:
    """Per-token losses [N], and which tokens the clip held back [N]."""

    loss: Tensor
    clipped: Tensor


def clipped_policy_loss(
    logps: Tensor,
    *,
    old_logps: Tensor,
    advantages: Tensor,
    clip_low: float,
    clip_high: float,
    dual_clip: float,
) -> PolicyLoss:
    """DAPO's clipped surrogate with the dual clip (arXiv 2503.14476; 1912.09729), every argument [N].

    -min(r·A, clip(r, 1 - low, 1 + high)·A), and for A < 0 never more than dual_clip·|A|.
    """
    ratio = torch.exp(logps - old_logps)
    plain = ratio * advantages
    bounded = ratio.clamp(1 - clip_low, 1 + clip_high) * advantages
    surrogate = torch.minimum(plain, bounded)
    floored = torch.where(advantages < 0, torch.maximum(surrogate, dual_clip * advantages), surrogate)
    return PolicyLoss(-floored, (floored != plain).float())


def expert_loss(logps: Tensor, weighting: Weighting) -> Tensor:
    """Negative log-likelihood of expert tokens [N], weighted by the policy's own probability p.

    `mu`: 1; `phi`: p(1 - p), which fades both what is known and what is foreign (CHORD-phi); `is`: p.
    The weight carries no gradient.
    """
    if weighting == "mu":
        return -logps
    probability = logps.detach().exp()
    return -logps * (probability if weighting == "is" else probability * (1 - probability))


def length_reward(characters: int, *, start: int, end: int) -> float:
    """What a right answer earns by its length (paper Eq. 8): 1 up to `start`, linear to 0.5 at `end`."""
    if characters <= start:
        return 1.0
    if characters >= end:
        return 0.5
    return 1.0 - 0.5 * (characters - start) / (end - start)


def overlong_penalty(tokens: int, *, limit: int, overlong: Overlong) -> float:
    """DAPO's soft overlong punishment: 0 up to `limit - buffer`, then linear to -factor at `limit`."""
    beyond = tokens - (limit - overlong.buffer)
    return -min(max(beyond / overlong.buffer, 0.0), 1.0) * overlong.factor
