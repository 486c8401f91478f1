"""`validate` and `schema` as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def run_verb(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "datamind_gen", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_valid_pipeline_exits_0_and_says_what_to_do_next(tmp_path: Path) -> None:
    done = run_verb(tmp_path, "validate", "quickstart")
    assert done.returncode == 0, done.stderr
    assert "python -m datamind_gen run quickstart" in done.stdout


def test_a_wrong_pipeline_exits_2_with_every_mistake(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("seed: x\nsources: [{bundled: fairs.csv}]\nsmaple: {}\n")
    done = run_verb(tmp_path, "validate", "mine.yaml", "--set", "run.display=loud", "--json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert report["valid"] is False
    assert [(one["file"], one["line"]) for one in report["problems"]] == [
        ("--set run.display=loud", 0),
        ("mine.yaml", 1),
        ("mine.yaml", 2),
        ("mine.yaml", 3),
    ]


def test_levels_that_the_hops_cannot_bring_are_a_warning(tmp_path: Path) -> None:
    text = "extends: full\nqueries: {hops: {1: 0.2, 3: 0.8}}\ncoverage:\n  levels: {easy: 0.5, hard: 0.5}\n"
    (tmp_path / "mine.yaml").write_text(text)
    done = run_verb(tmp_path, "validate", "mine.yaml")
    assert done.returncode == 0, done.stdout
    assert "mine.yaml:4:12: warning: a share of 0.5, but only 0.2 of `queries.hops`" in done.stdout


def test_a_misspelt_extends_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extend: full\n")
    done = run_verb(tmp_path, "validate", "mine.yaml")
    assert "did you mean `extends`?" in done.stdout


def test_a_prompt_that_asks_for_what_it_does_not_get_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "judge.jinja").write_text("line one\n{{ questoin }}\n")
    (tmp_path / "mine.yaml").write_text("extends: quickstart\nprompts: own\n")
    done = run_verb(tmp_path, "validate", "mine.yaml")
    assert done.returncode == 2
    assert "own/judge.jinja:2: error:" in done.stdout
    assert "questoin" in done.stdout


def test_a_category_with_unbalanced_braces_is_a_mistake_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "taxonomy.yaml").write_text("name: own\ntitle: Own\ndescription: d\n")
    shipped = Path(__file__).parents[2] / "taxonomies/data_analysis/counting.yaml"
    spoilt = shipped.read_text().replace("{{ level }}?", "{{ level }?", 1)
    (tmp_path / "own" / "counting.yaml").write_text(spoilt)
    (tmp_path / "mine.yaml").write_text("extends: quickstart\ntaxonomy: own\n")
    line = next(number for number, text in enumerate(spoilt.splitlines(), 1) if "{{ level }?" in text)
    done = run_verb(tmp_path, "validate", "mine.yaml")
    assert done.returncode == 2, done.stderr
    assert f"own/counting.yaml:{line}:9: error: counting/rows_of_label: question.0: template" in done.stdout


def test_a_pipeline_that_is_not_there_exits_2(tmp_path: Path) -> None:
    done = run_verb(tmp_path, "validate", "quickstrat")
    assert done.returncode == 2
    assert "did you mean `quickstart`" in done.stdout


@pytest.mark.parametrize("to_file", [False, True], ids=["printed", "written"])
def test_schema_is_json(tmp_path: Path, to_file: bool) -> None:
    done = run_verb(tmp_path, "schema", *(["--out", "s.json"] if to_file else []))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "s.json").read_text() if to_file else done.stdout
    assert "extends" in json.loads(text)["properties"]


def test_a_schema_that_cannot_be_written_exits_2(tmp_path: Path) -> None:
    done = run_verb(tmp_path, "schema", "--out", "no/such/folder.json")
    assert done.returncode == 2
    assert "cannot write no/such/folder.json" in done.stderr
