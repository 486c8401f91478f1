"""The command line: checks before anything is spent, the shipped tiny recipe, curves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainers.helpers import save_jsonl
from tests.trainers.published import write_dataset
from trainers.cli import main
from trainers.config import RECIPES
from trainers.display import progress
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
        (["sft", "--config", "tinny"], "did you mean `tiny`?"),
        (["sft", "--config", "tiny", "data.dataset=none/tiny/dataset"], "`python -m datamind_gen run tiny`"),
    ],
    ids=[
        "unknown key",
        "rl before sft",
        "no dataset",
        "nothing to export",
        "nothing to plot",
        "unknown recipe",
        "dataset of a shipped pipeline",
    ],
)
def test_mistakes_are_a_message_and_exit_code_two(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["sft", "--config", "tiny"]) == 2
    said = capsys.readouterr().err.replace("\n", " ")
    assert said.startswith("error: torch: not installed")
    assert "[train]" in said


@pytest.mark.parametrize("package", ["datamind_gen", "trainers"])
def test_without_any_dependency_it_says_which_environment_to_use(package: str) -> None:
    command = [sys.executable, "-S", "-m", package, "--help"]
    done = subprocess.run(command, cwd=RECIPES.parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"error: \w+ is not installed for .+ \(`\. \.venv/bin/activate`\).+\n", done.stderr)


def test_lines_say_how_long_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("sft", 40, 10, show=True) as advance:
        for _ in range(30):
            advance(loss=1.0)
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"sft 11/40  loss 1  about 0:00:\d\d left", lines[0])
    assert lines[-1] == "sft 40/40  loss 1"


def test_the_tiny_recipe_trains_twenty_steps_and_is_evaluated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a smaller model and a few steps; sizes aside, the recipe as it ships."""
    dataset = write_dataset(tmp_path / "dataset", tasks=16)
    common = ["--config", TINY, f"data.dataset={dataset}", f"out={tmp_path}/out", "data.holdout=0.2", *SMALL]
    assert main(["sft", *common, "sft.max_steps=20", "sft.epochs=1000"]) == 0
    said = capsys.readouterr().err
    assert re.search(r"\d+ of \d+ conversations are trained on: 20 steps of 32", said)
    assert f"next:  python -m trainers plot {tmp_path}/out/sft\n" in said
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
