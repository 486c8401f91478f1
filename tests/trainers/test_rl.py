"""Joint training end to end: real loop, real sandbox, a tiny model that learns which arm pays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainers.published import write_bandit
from trainers import rl as module
from trainers.config import Recipe
from trainers.errors import TrainerError
from trainers.rl import train_rl
from trainers.sft import train_sft
from trainers.tracking import read_jsonl

ROOT = Path(__file__).parents[2]


def recipe(dataset: Path, out: Path, *, start: Path | None = None, every: int = 100, **rl: Any) -> Recipe:
    section = {
        "start": str(start) if start else None,
        "optimizer": {"lr": 3e-3, "schedule": "constant"},
        "max_steps": 4,
        "group_size": 6,
        "prompts_per_step": 3,
        "prompts_per_generation": 4,
        "max_generations": 3,
        "updates_per_step": 2,
        "gamma": {"peak": 0.5, "valley": 0.1, "decay": 4},
        "sampling": {"temperature": 1.0},
        "limits": {"max_turns": 2, "prompt_tokens": 100, "response_tokens": 40},
        "eval_every": None,
        **rl,
    }
    return Recipe.model_validate(
        {
            "name": "t",
            "out": str(out),
            "device": "cpu",
            "model": {
                "scratch": {"vocabulary": 330, "width": 32, "layers": 2, "heads": 2},
                "precision": "fp32",
            },
            "data": {"dataset": str(dataset)},
            "sft": {
                "optimizer": {"lr": 1e-2, "schedule": "constant"},
                "batch_size": 6,
                "epochs": 1000,
                "max_steps": 60,
            },
            "rl": section,
            "checkpoints": {"every": every},
        }
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bandit(tmp_path_factory.mktemp("bandit") / "dataset")


@pytest.fixture(scope="module")
def start(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cold start that has learnt the protocol, and guesses."""
    return train_sft(recipe(dataset, tmp_path_factory.mktemp("start")))


def metrics(out: Path) -> list[dict[str, Any]]:
    return read_jsonl(out / "rl" / "metrics.jsonl")


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "rl" / "model" / "model.safetensors")


def test_rl_finds_the_arm_that_pays(dataset: Path, start: Path, tmp_path: Path) -> None:
    train_rl(recipe(dataset, tmp_path, start=start, gamma={"peak": 0, "valley": 0}, max_steps=16))
    rows = [row for row in metrics(tmp_path) if "accuracy" in row]  # a step may live on surplus groups
    assert rows[0]["accuracy"] < 0.7
    assert rows[-1]["accuracy"] > 0.85
    assert rows[-1]["rl/entropy"] < rows[0]["rl/entropy"]


def test_with_the_reward_turned_round_it_loses_the_arm(
    dataset: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = module.group_reward
    monkeypatch.setattr(module, "group_reward", lambda reward: -original(reward))
    train_rl(recipe(dataset, tmp_path, start=start, gamma={"peak": 0, "valley": 0}, max_steps=8))
    rows = [row for row in metrics(tmp_path) if "accuracy" in row]
    assert rows[-1]["accuracy"] < 0.1


@pytest.fixture(scope="module")
def straight(dataset: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps without a stop."""
    out = tmp_path_factory.mktemp("straight")
    train_rl(recipe(dataset, out, start=start, every=2))
    return out


def test_rollouts_are_what_the_trainer_computes(straight: Path) -> None:
    for row in metrics(straight):
        assert row["rl/engine_gap"] < 1e-4
        assert row["engine_probe"] < 1e-4
        assert row.get("failed", 0) == 0
    rollouts = read_jsonl(straight / "rl" / "rollouts.jsonl")
    assert {1, 2} <= {row["step"] for row in rollouts} <= {1, 2, 3, 4}
    one = next(row for row in rollouts if row["answer"] == "b")
    assert one["reward"]["correct"]
    assert one["reward"]["total"] == 1.0
    assert sum(one["mask"]) > 0


def test_the_schedule_is_in_the_numbers(straight: Path) -> None:
    rows = metrics(straight)
    assert [row["gamma"] for row in rows] == pytest.approx([0.441421, 0.3, 0.158579, 0.1], abs=1e-5)
    for row in rows:
        assert row["updates"] == 2
        assert row["sft/nll"] > 0


def test_the_first_update_is_on_policy(dataset: Path, start: Path, tmp_path: Path) -> None:
    train_rl(recipe(dataset, tmp_path, start=start, max_steps=1, updates_per_step=1))
    (row,) = metrics(tmp_path)
    assert row["rl/ratio"] == pytest.approx(1.0, abs=1e-6)
    assert row["rl/clip_fraction"] == 0


def test_resuming_is_bitwise_with_surplus_groups(
    dataset: Path, start: Path, straight: Path, tmp_path: Path
) -> None:
    run = recipe(dataset, tmp_path, start=start, every=2)
    original = module.Training.save_if_due

    def stop(self: Any, *, last: bool) -> None:
        original(self, last=last)
        if self.state.step == 3:  # a step after the last checkpoint: it is done again
            raise KeyboardInterrupt

    module.Training.save_if_due = stop  # type: ignore[method-assign]
    try:
        with pytest.raises(KeyboardInterrupt):
            train_rl(run)
    finally:
        module.Training.save_if_due = original  # type: ignore[method-assign]
    train_rl(run)
    assert any(row["groups/surplus"] for row in metrics(straight))
    a, b = weights(straight), weights(tmp_path)
    assert all(torch.equal(a[name], b[name]) for name in a)
    for name in ("metrics.jsonl", "rollouts.jsonl"):
        rows = [
            [{k: v for k, v in row.items() if "second" not in k} for row in read_jsonl(out / "rl" / name)]
            for out in (straight, tmp_path)
        ]
        assert rows[0] == rows[1]


def test_gamma_one_trains_on_experts_alone(dataset: Path, start: Path, tmp_path: Path) -> None:
    train_rl(recipe(dataset, tmp_path, start=start, gamma={"peak": 1, "valley": 1}, max_steps=1))
    (row,) = metrics(tmp_path)
    assert "rl/loss" not in row
    assert row["loss"] == pytest.approx(row["sft/loss"])


def test_experts_can_come_from_a_buffer_of_their_own(dataset: Path, start: Path, tmp_path: Path) -> None:
    experts = {"source": "buffer", "per_step": 4}
    train_rl(recipe(dataset, tmp_path, start=start, experts=experts, max_steps=2))
    assert all(row["sft/nll"] > 0 for row in metrics(tmp_path))


def test_groups_that_are_filtered_still_give_their_experts(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    """Rewards that never differ: with the switch the step trains on experts, without it on nothing."""
    reward = {"wrong_format": 0.0, "length_from": 0, "length_to": 1}
    never = {"max_generations": 1, "rewards": reward, "sampling": {"temperature": 1e-4}, "max_steps": 1}
    train_rl(recipe(dataset, tmp_path / "on", start=start, **never))
    train_rl(recipe(dataset, tmp_path / "off", start=start, experts={"filtered_groups": False}, **never))
    (on,), (off,) = metrics(tmp_path / "on"), metrics(tmp_path / "off")
    assert on["groups/kept"] == off["groups/kept"] == 0
    assert on["groups/filtered_share"] == 1
    assert (on["updates"], off["updates"]) == (2, 0)


def test_rl_from_nothing_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="python -m trainers sft"):
        train_rl(recipe(dataset, tmp_path))


def test_two_processes_take_the_step_of_one(dataset: Path, start: Path, tmp_path: Path) -> None:
    run = recipe(dataset, tmp_path / "one", start=start, max_steps=1)
    train_rl(run)
    two = run.model_copy(update={"out": str(tmp_path / "two"), "processes": 2})
    two.save(tmp_path)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launch, "-m", "trainers", "rl", "--config", str(tmp_path / "recipe.yaml")]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=240)
    (alone,), (shared,) = metrics(tmp_path / "one"), metrics(tmp_path / "two")
    for name in ("reward", "loss", "rl/entropy", "grad_norm", "groups/kept"):
        assert shared[name] == pytest.approx(alone[name], abs=1e-4), name
    a, b = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(a[name], b[name], atol=1e-4) for name in a)


def test_another_number_of_processes_than_asked_for_is_an_error(
    dataset: Path, start: Path, tmp_path: Path
) -> None:
    run = recipe(dataset, tmp_path, start=start).model_copy(update={"processes": 2})
    with pytest.raises(TrainerError, match=r"1 process\(es\) run, 2 were asked for"):
        train_rl(run)
