"""The command line: checks before anything is spent, the shipped tiny recipe, curves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trainers.helpers import save_jsonl
from tests.trainers.published import write_dataset
from trainers.cli import main
from trainers.config import RECIPES
from trainers.tracking import read_jsonl

TINY = str(RECIPES / "tiny.yaml")
SMALL = ["model.scratch.width=32", "model.scratch.layers=1", "model.scratch.heads=2", "device=cpu"]


@pytest.mark.parametrize("verb", ["sft", "rl"])
def test_check_shows_the_mask_and_takes_a_step_without_a_dataset(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = f"data.dataset={tmp_path}/none"
    assert main([verb, "--config", TINY, "--check", missing, f"out={tmp_path}/out", *SMALL]) == 0
    printed = capsys.readouterr().out
    assert printed.count("⟦") == printed.count("⟧") == 6
    assert "⟦<answer>" not in printed.replace("\n", "")  # the thought before it is trained on too
    assert "gradient norm" in printed
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sft", "--config", TINY, "sft.epoch=1"], "did you mean `epochs`"),
        (["rl", "--config", TINY, "out=nowhere", "data.dataset=nowhere"], "python -m trainers sft"),
        (["evaluate", "--config", TINY, "out=nowhere"], "data.dataset"),
        (["export", "--config", TINY, "out=nowhere"], "no LoRA adapter"),
        (["plot", "nowhere"], "no metrics.jsonl"),
    ],
    ids=["unknown key", "rl before sft", "no dataset", "nothing to export", "nothing to plot"],
)
def test_mistakes_are_a_message_and_exit_code_two(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_the_tiny_recipe_trains_twenty_steps_and_is_evaluated(tmp_path: Path) -> None:
    """With a smaller model and a few steps; sizes aside, the recipe as it ships."""
    dataset = write_dataset(tmp_path / "dataset", tasks=16)
    common = ["--config", TINY, f"data.dataset={dataset}", f"out={tmp_path}/out", "data.holdout=0.2", *SMALL]
    assert main(["sft", *common, "sft.max_steps=20", "sft.epochs=1000"]) == 0
    small = ["rl.max_steps=1", "rl.group_size=2", "rl.prompts_per_step=2", "rl.prompts_per_generation=2"]
    limits = ["rl.max_generations=1", "rl.limits.response_tokens=24", "evaluate.limits.response_tokens=24"]
    assert main(["rl", *common, *small, *limits]) == 0
    assert main(["evaluate", *common, *limits]) == 0
    losses = [row["loss"] for row in read_jsonl(tmp_path / "out" / "sft" / "metrics.jsonl")]
    assert len(losses) == 20
    assert losses[-1] < losses[0]
    (report,) = (tmp_path / "out" / "evaluate").glob("holdout-*/report.json")
    assert json.loads(report.read_text(encoding="utf-8"))["subject"].endswith("rl/model")


def test_curves_are_pictures_and_one_page(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        rows = [{"step": i, "reward": i / 10, "gamma": 0.9 - i / 20, "rl/entropy": 1.0} for i in range(5)]
        save_jsonl(tmp_path / name / "metrics.jsonl", [json.dumps(row) for row in rows])
    assert main(["plot", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    pictures = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert pictures == {"reward.png", "gamma.png", "rl-entropy.png"}
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page
