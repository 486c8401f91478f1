"""`init`: what it writes is valid, runs, and is the user's own to edit."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import datasets
import pytest
import yaml

from tests.cli.conftest import Run


@pytest.mark.slow
def test_a_new_folder_runs_and_asks_what_its_taxonomy_says(
    tmp_path: Path, table: Path, datamind_gen: Run
) -> None:
    mine = tmp_path / "mine"
    made = datamind_gen("init", mine, "--data", table)
    assert made.returncode == 0, made.stderr
    for category in (mine / "taxonomy").glob("*.yaml"):
        if category.stem not in ("taxonomy", "ranking"):
            category.unlink()
    assert datamind_gen("validate", mine / "pipeline.yaml").returncode == 0
    run = datamind_gen(
        "run", mine / "pipeline.yaml", "--out", mine / "run", "--limit", "4", "--set", "queries.hops={1: 1}"
    )
    assert run.returncode == 0, run.stderr
    assert "--limit 4 allowed no more queries" in run.stdout
    assert re.search(r"next: .+ -m datamind_gen verify \S+/mine/run ", run.stdout)
    rows = datasets.load_dataset(str(mine / "run" / "dataset"), "sft", split="train")
    assert set(rows["category"]) == {"ranking"}
    assert {name for names in rows["files"] for name in names} == {"states.csv"}
    moved = shutil.move(mine / "run" / "dataset", tmp_path / "elsewhere")
    table.unlink()
    checked = datamind_gen("validate", moved / "pipeline.yaml", "--json")
    assert json.loads(checked.stdout)["problems"] == []


@pytest.mark.parametrize(("files", "asked"), [(1, 60), (3, 20), (9, 12)], ids=["one", "some", "many"])
def test_the_files_can_carry_the_target(tmp_path: Path, datamind_gen: Run, files: int, asked: int) -> None:
    names = [f"{number}.csv" for number in range(files)]
    for name in names:
        (tmp_path / name).write_text("a,b\n1,2\n")
    datamind_gen("init", "mine", *(word for name in names for word in ("--data", name)), cwd=tmp_path)
    written = yaml.safe_load((tmp_path / "mine" / "pipeline.yaml").read_text())
    assert written["sources"] == [{"path": f"../{name}"} for name in names]
    assert written["coverage"]["per_file"] == asked


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path, datamind_gen: Run) -> None:
    (tmp_path / "note.txt").write_text("mine")
    refused = datamind_gen("init", tmp_path)
    assert (refused.returncode, "not empty" in refused.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_without_data_it_asks_about_bundled_tables(tmp_path: Path, datamind_gen: Run) -> None:
    datamind_gen("init", tmp_path / "new", "--taxonomy", "survey_research")
    checked = datamind_gen("validate", tmp_path / "new" / "pipeline.yaml", "--json")
    assert json.loads(checked.stdout)["valid"] is True, checked.stdout


def test_an_unknown_taxonomy_is_named_with_those_there_are(tmp_path: Path, datamind_gen: Run) -> None:
    refused = datamind_gen("init", tmp_path / "new", "--taxonomy", "data")
    assert (refused.returncode, "data_analysis" in refused.stderr) == (2, True)
