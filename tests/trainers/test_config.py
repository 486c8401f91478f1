"""Recipes: strict keys, overrides, and every recipe that ships."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainers.config import RECIPES, load_recipe
from trainers.errors import TrainerError

TINY = """
name: t
model: {scratch: {vocabulary: 300, width: 16, layers: 1, heads: 1}}
data: {dataset: d}
sft: {optimizer: {lr: 0.001}}
rl: {optimizer: {lr: 0.001}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_that_ships_is_valid(path: Path) -> None:
    assert load_recipe(path).name == path.stem


def test_overrides_are_typed_and_create_sections(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["rl.gamma.peak=0.5", "seed=3", "model.lora.rank=4", "rl.start=null"])
    assert loaded.rl is not None
    assert loaded.model.lora is not None
    assert (loaded.rl.gamma.peak, loaded.seed, loaded.model.lora.rank, loaded.rl.start) == (0.5, 3, 4, None)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rl.gama.peak=1", r"unknown key `gama` in `rl`\s+= did you mean `gamma`"),
        ("rl.gamma.peek=1", r"unknown key `peek` in `rl\.gamma`\s+= did you mean `peak`"),
        ("sft.optimizer.learning_rate=1", r"valid here: betas, lr"),
        ("rl.gamma.peak=2", r"`rl\.gamma\.peak` is 2; it must be at most 1"),
        ("rl.sampling.temperature=0.0", r"r\.yaml:6:1: error: `rl`: .*temperature must be above 0"),
        ("model.path=x", r"r\.yaml:3:1: error: `model`: give either `path`"),
        ("seed", r"seed: error: not of the form key\.path=value"),
        ("name.x=1", r"`name\.x` does not exist\s+= set `name` itself"),
        ("rl.engine.kind=vllm", r"`rl\.engine`: .*needs `url`"),
        ("rl.engine={kind: vllm, url: http://x, served_model: m}", r"`rl`: .*sync_dir"),
        ("rl.rewards.judge={provider: opnai, model: x}", r"rl\.rewards\.judge.*did you mean `openai`"),
    ],
)
def test_mistakes_name_the_key_and_the_fix(recipe: Path, override: str, message: str) -> None:
    with pytest.raises(TrainerError) as caught:
        load_recipe(recipe, [override])
    assert re.search(message, str(caught.value), re.DOTALL)


def test_a_mistake_in_the_file_has_its_line(recipe: Path) -> None:
    recipe.write_text(TINY.replace("sft: {", "sft: {epoch: 3, "), encoding="utf-8")
    with pytest.raises(TrainerError, match=r"r\.yaml:5:7: error: unknown key `epoch` in `sft`"):
        load_recipe(recipe)


def test_all_mistakes_come_at_once(recipe: Path) -> None:
    with pytest.raises(TrainerError) as caught:
        load_recipe(recipe, ["sed=1", "rl.groupsize=3", "sft.epochs=-1"])
    assert all(key in str(caught.value) for key in ("`sed`", "`groupsize`", "`sft.epochs`", "3 mistakes"))


def test_the_saved_recipe_is_the_same_recipe(recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(recipe, ["rl.experts.source=buffer"])
    loaded.save(tmp_path / "out")
    assert load_recipe(tmp_path / "out" / "recipe.yaml") == loaded


def test_a_missing_recipe_names_those_that_ship_and_the_nearest(tmp_path: Path) -> None:
    shipped = ", ".join(path.stem for path in sorted(RECIPES.glob("*.yaml")))
    with pytest.raises(
        TrainerError, match=rf"tinny\.yaml: no such recipe; did you mean `tiny`\?.+: {shipped}$"
    ):
        load_recipe(tmp_path / "tinny.yaml")


def test_a_shipped_recipe_is_found_by_its_name() -> None:
    assert load_recipe(Path("tiny")) == load_recipe(RECIPES / "tiny.yaml")
