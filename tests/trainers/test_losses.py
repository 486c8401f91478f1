"""The formulas against numbers worked out by hand, numpy, and TRL."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from trainers.config import Gamma, Overlong
from trainers.losses import (
    clipped_policy_loss,
    expert_loss,
    gamma_at,
    group_advantages,
    length_reward,
    overlong_penalty,
)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.9), (1, 0.899982878), (50, 0.858), (100, 0.740), (175, 0.475), (350, 0.05), (10**6, 0.05)],
)
def test_gamma_follows_the_paper(step: int, expected: float) -> None:
    assert gamma_at(step, Gamma()) == pytest.approx(expected, abs=1e-3 if 1 < step < 175 else 1e-6)


def test_gamma_warms_up_linearly_and_can_be_constant() -> None:
    schedule = Gamma(peak=0.8, valley=0.2, warmup=4, decay=10)
    assert [gamma_at(step, schedule) for step in (0, 1, 2, 4)] == pytest.approx([0.0, 0.2, 0.4, 0.8])
    constant = Gamma(peak=0.3, valley=0.3)
    assert [gamma_at(step, constant) for step in range(400)] == pytest.approx([0.3] * 400)


def test_advantages_equal_numpy_and_ignore_the_rows_not_counted() -> None:
    rewards = [1.0, 0.0, -0.1, 0.7]
    array = np.array(rewards)
    expected = (array - array.mean()) / array.std(ddof=1)
    assert group_advantages(rewards, [True] * 4, scale=True) == pytest.approx(expected.tolist())
    assert group_advantages(rewards, [True] * 4, scale=False) == pytest.approx(
        (array - array.mean()).tolist()
    )
    counted = np.array([1.0, 0.0, 0.7])
    expected = (array - counted.mean()) / counted.std(ddof=1)
    assert group_advantages(rewards, [True, True, False, True], scale=True) == pytest.approx(
        expected.tolist()
    )


@pytest.mark.parametrize(
    "rewards", [[0.3] * 4, [0.1 + 0.2, 0.3, 0.3, 0.3], [1.0]], ids=["equal", "float noise", "alone"]
)
def test_a_group_without_difference_has_no_advantage(rewards: list[float]) -> None:
    assert group_advantages(rewards, [True] * len(rewards), scale=True) == [0.0] * len(rewards)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "clipped"),
    [
        pytest.param(1.0, 2.0, -2.0, 0, id="on policy"),
        pytest.param(1.27, 1.0, -1.27, 0, id="inside the upper clip"),
        pytest.param(1.5, 1.0, -1.28, 1, id="clipped above"),
        pytest.param(0.5, 1.0, -0.5, 0, id="low ratio with good advantage"),
        pytest.param(0.5, -1.0, 0.8, 1, id="clipped below"),
        pytest.param(3.0, -1.0, 3.0, 0, id="high ratio with bad advantage"),
        pytest.param(50.0, -1.0, 10.0, 1, id="dual clip"),
    ],
)
def test_the_clip(ratio: float, advantage: float, loss: float, clipped: int) -> None:
    result = clipped_policy_loss(
        torch.tensor([math.log(ratio)]),
        old_logps=torch.zeros(1),
        advantages=torch.tensor([advantage]),
        clip_low=0.2,
        clip_high=0.28,
        dual_clip=10.0,
    )
    assert result.loss.item() == pytest.approx(loss, rel=1e-5)
    assert result.clipped.item() == clipped


@pytest.mark.parametrize(
    ("weighting", "weight"), [("mu", lambda p: 1.0), ("is", lambda p: p), ("phi", lambda p: p * (1 - p))]
)
def test_expert_weightings_scale_the_gradient_and_carry_none(weighting, weight) -> None:  # type: ignore[no-untyped-def]
    logps = torch.tensor([-0.1, -1.0, -5.0], requires_grad=True)
    expert_loss(logps, weighting).sum().backward()
    assert logps.grad is not None
    assert logps.grad.tolist() == pytest.approx([-weight(math.exp(x)) for x in (-0.1, -1.0, -5.0)], rel=1e-5)


@pytest.mark.parametrize(
    ("characters", "reward"), [(0, 1.0), (256, 1.0), (640, 0.75), (1023, 0.50065), (1024, 0.5), (9999, 0.5)]
)
def test_length_reward_has_the_papers_edges(characters: int, reward: float) -> None:
    assert length_reward(characters, start=256, end=1024) == pytest.approx(reward, abs=1e-5)


@pytest.mark.parametrize(("tokens", "penalty"), [(0, 0), (800, 0), (900, -0.5), (1000, -1.0), (1500, -1.0)])
def test_overlong_penalty_is_soft(tokens: int, penalty: float) -> None:
    assert overlong_penalty(tokens, limit=1000, overlong=Overlong(buffer=200)) == pytest.approx(penalty)
