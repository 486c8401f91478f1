"""Lists built from real files find what was in them, and hold only hashes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from datamind_gen.rules.base import RuleContext
from datamind_gen.rules.contamination import ContaminationRule
from datamind_gen.rules.contamination_list import build_contamination_list, load_contamination_list
from datamind_gen.rules.examples import WrittenCandidate, make_candidate

QUESTION = "Calculate the mean fare paid by the passengers of the second class to two decimals."


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps({"id": 1, "question": QUESTION}) + "\n\n")
    (folder / "b.json").write_text(
        json.dumps({"data": [{"Instruction": "List every city by its population."}]})
    )
    (folder / "t.csv").write_text("PassengerId,Fare,Class\n1,2,3\n")
    with sqlite3.connect(folder / "d.sqlite") as connection:
        connection.execute("create table shops (shop_id int, opened text, turnover real)")
    return folder


def found(path: Path, **written: object) -> str | None:
    rule = ContaminationRule(ContaminationRule.Params(lists=(str(path),)))
    candidate, profile = make_candidate(WrittenCandidate.model_validate(written))
    finding = rule.check(candidate, RuleContext(profile=profile))
    return finding.detail if finding else None


def test_a_built_list_finds_questions_tables_and_files(benchmark: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    built = build_contamination_list([benchmark], name="bench")
    built.save(path)
    assert load_contamination_list(path) == built
    assert len(built.files) == 4
    assert found(path, question=QUESTION.upper()) == "a question of bench"
    assert found(path, question="list every city, by its population") == "a question of bench"
    assert "stands in bench" in (found(path, question="Now " + QUESTION) or "")
    assert "'t'" in (found(path, columns={"class": [], "fare": [], "passengerid": []}) or "")
    assert "'t'" in (found(path, columns={"turnover": [], "shop_id": [], "opened": []}) or "")
    assert (
        found(path, question="How many cars are red?", columns={"colour": [], "price": [], "id": []}) is None
    )


def test_a_list_holds_no_text_of_the_benchmark(benchmark: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    build_contamination_list([benchmark], name="bench").save(path)
    text = path.read_text()
    assert "passenger" not in text.lower()
    assert "population" not in text


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x"}', '{"gram_words": 5}'])
def test_a_file_that_is_no_list_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"broken\.json"):
        load_contamination_list(path)


def test_broken_and_missing_benchmarks_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError, match=r"bad\.json"):
        build_contamination_list([tmp_path])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        build_contamination_list([tmp_path / "nowhere"])


def test_a_list_is_built_from_the_command_line(benchmark: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-W", "error", "-m", "datamind_gen.rules"]
    target = tmp_path / "list.json"
    done = subprocess.run([*words, benchmark, "--out", target], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 questions, 2 tables, 4 files" in done.stdout
    assert found(target, question=QUESTION) == "a question of bench"
    wrong = subprocess.run(
        [*words, tmp_path / "nowhere", "--out", target], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "no such file or folder" in wrong.stderr
