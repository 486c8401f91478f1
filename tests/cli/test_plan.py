"""`plan` as a shell sees it: without a key and without spending."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.run.pipelines import SMALL, write_small_pipeline

REMOTE = """\
models:
  expert:
    provider: openai
    model: nobody-knows-its-price
    base_url: http://127.0.0.1:9/v1
    api_key_env: NO_SUCH
"""


def run_plan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "datamind_gen", "plan", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A pipeline whose expert lies behind a key that is not set and has no known price, and its plan."""
    folder = tmp_path_factory.mktemp("plan")
    pipeline = write_small_pipeline(folder / "p.yaml", SMALL + REMOTE)
    done = run_plan(folder, str(pipeline), "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_every_figure_has_an_interval_and_an_unknown_price_is_unknown(
    planned: tuple[Path, dict[str, Any]],
) -> None:
    forecast = planned[1]["forecast"]
    assert forecast["measured"] == 0
    for name in ("queries", "kept", "calls", "tokens", "hours"):
        assert 0 < forecast[name]["low"] <= forecast[name]["middle"] <= forecast[name]["high"], name
    assert forecast["usd"] is None
    assert planned[1]["unpriced"] == ["nobody-knows-its-price"]


def test_the_matrix_adds_up(planned: tuple[Path, dict[str, Any]]) -> None:
    matrix = planned[1]["matrix"]
    assert {cell["format"] for cell in matrix["cells"]} == {"csv", "sqlite"}
    assert {cell["hops"] for cell in matrix["cells"]} == {1, 2}
    assert sum(cell["queries"] for cell in matrix["cells"]) == planned[1]["forecast"]["queries"]["low"]


def test_nothing_is_left_behind(planned: tuple[Path, dict[str, Any]]) -> None:
    assert sorted(path.name for path in planned[0].iterdir()) == ["p.yaml", "taxonomy"]


def test_people_read_unknown_and_what_to_do(planned: tuple[Path, dict[str, Any]]) -> None:
    done = run_plan(planned[0], "p.yaml", "--limit", "5")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "5 queries in the first wave" in said
    assert "money unknown" in said
    assert "unknown price: nobody-knows-its-price; add prices:" in said
    assert "--measure" in said


def test_sources_that_name_nothing_are_bad_input(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text('sources: [{glob: "nothing/*.csv"}]\n')
    done = run_plan(tmp_path, "p.yaml")
    assert done.returncode == 2
    assert "nothing/*.csv" in done.stderr


def test_measuring_needs_the_key_and_says_which(planned: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    done = run_plan(planned[0], "p.yaml", "--measure", "2", "--out", str(tmp_path / "run"))
    assert done.returncode == 2
    assert "the environment variable NO_SUCH is not set" in " ".join(done.stderr.split())
