"""SFT from a recipe to a model that loads: learning, resuming bitwise, dying while it saves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainers.published import write_dataset
from trainers.config import Recipe
from trainers.sft import train_sft
from trainers.tracking import read_jsonl

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("run") / "dataset")


def recipe(dataset: Path, out: Path, **changes: Any) -> Recipe:
    plain: dict[str, Any] = {
        "name": "t",
        "out": str(out),
        "device": "cpu",
        "model": {"scratch": {"vocabulary": 320, "width": 32, "layers": 2, "heads": 2}, "precision": "fp32"},
        "data": {"dataset": str(dataset)},
        "sft": {"optimizer": {"lr": 5e-3, "warmup": 2}, "batch_size": 4, "epochs": 4, "max_steps": 6},
        "checkpoints": {"every": 3},
    }
    for key, value in changes.items():
        plain[key] = {**plain[key], **value} if isinstance(value, dict) and key in plain else value
    return Recipe.model_validate(plain)


def weights(model: Path) -> dict[str, torch.Tensor]:
    return load_file(model / "model.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_four_conversations_are_learnt_by_heart(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "dataset", tasks=4)
    changes = {
        "sft": {
            "optimizer": {"lr": 1e-2, "schedule": "constant"},
            "batch_size": 4,
            "epochs": 200,
            "max_steps": 120,
        }
    }
    train_sft(recipe(folder, tmp_path / "out", **changes, checkpoints={"every": 1000}))
    losses = [row["loss"] for row in read_jsonl(tmp_path / "out" / "sft" / "metrics.jsonl")]
    assert losses[0] > 4
    assert losses[-1] < 0.05


def test_the_exported_model_loads_and_speaks(dataset: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = train_sft(recipe(dataset, tmp_path))
    tokenizer = AutoTokenizer.from_pretrained(model)
    loaded = AutoModelForCausalLM.from_pretrained(model)
    assert tokenizer.chat_template
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Sum?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=False,
    )
    assert loaded.generate(ids, max_new_tokens=3, do_sample=False).shape[1] == ids.shape[1] + 3
    assert loaded.config.use_cache


@pytest.mark.parametrize("mode", ["buckets", "packed"])
def test_resuming_is_bitwise(dataset: Path, tmp_path: Path, mode: str) -> None:
    changes = {"batching": {"mode": mode, "max_tokens": 400}}
    straight = train_sft(recipe(dataset, tmp_path / "a", **changes))
    stopped = recipe(dataset, tmp_path / "b", **changes)
    train_sft(stopped.model_copy(update={"max_seconds": 1e-9}))  # saves before the first step
    assert not read_jsonl(tmp_path / "b" / "sft" / "metrics.jsonl")
    for part in (3, 6):
        _stop_at(stopped, part)
    assert same(weights(straight), weights(tmp_path / "b" / "sft" / "model"))
    numbers = [
        [(row["step"], row["loss"]) for row in read_jsonl(tmp_path / run / "sft" / "metrics.jsonl")]
        for run in ("a", "b")
    ]
    assert numbers[0] == numbers[1]
    assert [step for step, _ in numbers[0]] == [1, 2, 3, 4, 5, 6]


def _stop_at(run: Recipe, step: int) -> None:
    """Trains on until after the step, by raising from the tracker as a crash would."""
    from trainers import sft as module

    original = module.Training.save_if_due

    def stop(self: Any, *, last: bool) -> None:
        original(self, last=last)
        if self.state.step == step and not last:
            raise KeyboardInterrupt

    module.Training.save_if_due = stop  # type: ignore[method-assign]
    try:
        train_sft(run)
    except KeyboardInterrupt:
        pass
    finally:
        module.Training.save_if_due = original  # type: ignore[method-assign]


def test_another_recipe_does_not_go_on_from_the_checkpoint(dataset: Path, tmp_path: Path) -> None:
    from trainers.errors import TrainerError

    train_sft(recipe(dataset, tmp_path))
    with pytest.raises(TrainerError, match="another recipe"):
        train_sft(recipe(dataset, tmp_path, seed=1))


def test_a_kill_while_saving_leaves_the_last_good_checkpoint(dataset: Path, tmp_path: Path) -> None:
    """A process that saves at every step is killed at some moment inside a save, several times over."""
    from tests.trainers.test_sft import recipe as make

    run = make(
        dataset,
        tmp_path / "run",
        checkpoints={"every": 1, "keep_last": 2},
        sft={"max_steps": 400, "epochs": 1000},
    )
    run.save(tmp_path)
    command = [sys.executable, "-m", "trainers", "sft", "--config", str(tmp_path / "recipe.yaml")]
    checkpoints = tmp_path / "run" / "sft" / "checkpoints"
    reached = 0
    for _ in range(2):
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE
        )
        while not (partial := list(checkpoints.glob(".*.partial"))) or _last(checkpoints) <= reached:
            assert process.poll() is None, process.stderr.read().decode()  # type: ignore[union-attr]
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert partial
        whole = sorted(checkpoints.glob("step-*"))
        assert whole
        for checkpoint in whole:
            state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
            assert checkpoint.name == f"step-{state['step']:07d}"
            assert load_file(checkpoint / "model.safetensors")
        assert _last(checkpoints) > reached
        reached = _last(checkpoints)


def _last(checkpoints: Path) -> int:
    return max((int(path.name.removeprefix("step-")) for path in checkpoints.glob("step-*")), default=0)


def test_the_resumed_process_starts_where_the_killed_one_was(dataset: Path, tmp_path: Path) -> None:
    run = recipe(dataset, tmp_path, checkpoints={"every": 2})
    _stop_at(run, 4)
    assert [row["step"] for row in read_jsonl(tmp_path / "sft" / "metrics.jsonl")] == [1, 2, 3, 4]
    train_sft(run)
    assert [row["step"] for row in read_jsonl(tmp_path / "sft" / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
