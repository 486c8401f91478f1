"""Benchmark readers on small copies in the public layout, and scorers against the official rules."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.trainers.helpers import save_jsonl
from tests.trainers.test_rewards import rollout
from trainers.attempts import Attempt
from trainers.benchmarks import open_benchmark
from trainers.benchmarks.bird import last_sql, paper_table_match, run_query
from trainers.benchmarks.dabench import official_matches
from trainers.benchmarks.tablebench import official_score, rouge_l
from trainers.config import Recipe
from trainers.errors import TrainerError


def recipe(**evaluate: Any) -> Recipe:
    return Recipe.model_validate(
        {"name": "t", "model": {"path": "x"}, "data": {"dataset": "d"}, "evaluate": evaluate}
    )


@pytest.mark.parametrize(
    ("response", "labels", "expected"),
    [
        pytest.param("@mean[3.14]", [("mean", "3.14")], [True], id="as strings"),
        pytest.param("@mean[3.1400000001]", [("mean", "3.14")], [True], id="within 1e-6"),
        pytest.param("@mean[3.141]", [("mean", "3.14")], [False], id="not within 1e-6"),
        pytest.param("@a[1] then @a[2]", [("a", "2")], [True], id="the last of a name counts"),
        pytest.param("@a[1]", [("a", "1"), ("b", "2")], [True, False], id="a missing name is wrong"),
        pytest.param("@a[1] @z[9]", [("a", "1")], [True], id="an extra name is ignored"),
        pytest.param("@a[ 1 ]", [("a", "1")], [True], id="numbers with space"),
        pytest.param("@a[ x ]", [("a", "x")], [False], id="strings are not stripped"),
        pytest.param("@a[True]", [("a", "true")], [False], id="case counts"),
        pytest.param("@a[1, 2]", [("a", "1,2")], [False], id="spacing counts"),
        pytest.param("@a[]", [("a", "")], [True], id="an empty label"),
        pytest.param("@a[nan]", [("a", "nan")], [True], id="nan by string"),
        pytest.param("@a[[1]", [("a", "[1")], [True], id="a single bracket"),
        pytest.param("@a[1\n]", [("a", "1")], [False], id="a value cannot span lines"),
        pytest.param("@a[12%]", [("a", "12")], [False], id="no percent handling"),
    ],
)
def test_dabench_official(response: str, labels: list[tuple[str, str]], expected: list[bool]) -> None:
    assert official_matches(response, labels) == expected


@pytest.fixture
def dabench(tmp_path: Path) -> Path:
    questions = [
        {
            "id": i,
            "question": f"q{i}",
            "concepts": ["Correlation", "Distribution"][: i + 1],
            "constraints": f"c{i}",
            "format": "@a[x]",
            "file_name": "t.csv",
            "level": "easy",
        }
        for i in (0, 1)
    ]
    save_jsonl(tmp_path / "da-dev-questions.jsonl", [json.dumps(q) for q in [*questions, questions[0]]])
    labels = [
        {"id": 0, "common_answers": [["a", "1"]]},
        {"id": 1, "common_answers": [["a", "1"], ["b", "2"]]},
    ]
    save_jsonl(tmp_path / "da-dev-labels.jsonl", [json.dumps(label) for label in labels])
    (tmp_path / "da-dev-tables").mkdir()
    (tmp_path / "da-dev-tables" / "t.csv").write_text("x\n1\n", encoding="utf-8")
    return tmp_path


def attempt(task: str, scores: dict[str, float]) -> Attempt:
    return Attempt(task, 0, "c", "easy", scores, "a", "answered", None, 1)


@pytest.mark.anyio
async def test_dabench_counts_over_all_and_over_the_answered(dabench: Path) -> None:
    benchmark = open_benchmark(recipe(benchmark="dabench", path=str(dabench)))
    assert [task.id for task in benchmark.tasks] == ["0", "1"]
    asked = benchmark.tasks[1].prompt[1].content
    assert all(part in asked for part in ("q1", "c1", "@a[x]", "data/files/t.csv"))
    right = await benchmark.score(rollout("<answer>@a[1]</answer>", about=benchmark.tasks[0]))
    half = await benchmark.score(rollout("<answer>@a[1]</answer>", about=benchmark.tasks[1]))
    assert (right["correct"], half["correct"], half["sub_answers_right"]) == (1, 0, 1)
    crash = Attempt("1", 0, "c", "easy", {}, None, "sandbox_error", "died", 0)
    measures = benchmark.measures([attempt("0", right), crash])
    assert measures["accuracy by question, over all"] == 0.5
    assert measures["accuracy by question, official (over answered)"] == 1.0
    assert measures["accuracy by sub-question, over all"] == pytest.approx(1 / 3)
    await benchmark.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("said", "reference", "subtype", "score"),
    [
        ("12.346", "12.35", "Counting", 1.0),
        ("12.3", "12.35", "Counting", 0.0),
        ("12.345", "12.35", "Counting", 1.0),
        ("12.4", "12.35", "Counting", 0.0),
        ("a, b", "a, c", "MatchBased", 0.5),
        ("a", "a, c", "MatchBased", 0.5),
        ("A", "a", "MatchBased", 0.0),
        ("45%", "0.45", "Ranking", 1.0),
        ("Final Answer: 7", "7", "Counting", 1.0),
        ("109", "100", "CorrelationAnalysis", 1.0),
        ("111", "100", "StatisticalAnalysis", 0.0),
        ("109", "100", "Aggregation", 0.0),
        ("Strong, 0.91", "Strong, 0.9", "CorrelationAnalysis", 1.0),
    ],
)
def test_tablebench_official(said: str, reference: str, subtype: str, score: float) -> None:
    assert official_score(said, reference, subtype=subtype) == score


def test_rouge_l_is_an_f1_of_the_longest_common_subsequence() -> None:
    assert rouge_l("the cat sat", "the cat sat") == 1.0
    assert rouge_l("the cat", "the big cat sat") == pytest.approx(2 * (2 / 2) * (2 / 4) / (2 / 2 + 2 / 4))
    assert rouge_l("", "x") == 0.0


def test_tablebench_leaves_charts_out_and_keeps_the_id_that_comes_twice(tmp_path: Path) -> None:
    table = {"columns": ["a"], "data": [[1], [2]]}
    kinds = [
        ("x", "FactChecking", "MatchBased"),
        ("x", "DataAnalysis", "TrendForecasting"),
        ("y", "Visualization", "ChartGeneration"),
    ]
    rows = [
        {"id": identity, "qtype": kind, "qsubtype": sub, "table": table, "question": "q", "answer": "1"}
        for identity, kind, sub in kinds
    ]
    save_jsonl(tmp_path / "TableBench.jsonl", [json.dumps(row) for row in rows])
    benchmark = open_benchmark(recipe(benchmark="tablebench", path=str(tmp_path)))
    assert len(benchmark.tasks) == len({task.id for task in benchmark.tasks}) == 2
    (path,) = benchmark.tasks[0].files.values()
    assert path.read_text(encoding="utf-8") == "a\n1\n2\n"
    scores = {"correct": 1.0, "official": 1.0, "paper": 1.0}
    measures = benchmark.measures([attempt(task.id, scores) for task in benchmark.tasks])
    assert measures["official, over all (with 1 charts as wrong)"] == pytest.approx(2 / 3)
    assert measures["the paper's questions"] == 1


@pytest.fixture
def bird(tmp_path: Path) -> Path:
    folder = tmp_path / "dev_databases" / "shop"
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "shop.sqlite")
    connection.executescript(
        "create table t(n text, v real); insert into t values ('a', 1), ('b', 2), ('b', 2);"
    )
    connection.close()
    question = {
        "question_id": 7,
        "question": "names?",
        "evidence": "v is money",
        "db_id": "shop",
        "SQL": "select n, v from t",
        "difficulty": "simple",
    }
    (tmp_path / "dev.json").write_text(json.dumps([question]), encoding="utf-8")
    return tmp_path


def sql_turn(sql: str) -> str:
    return f'<think>t</think>\n<code>\nexecute_sql(sql="{sql}", output_path="result.csv")\n</code>'


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("sql", "official"),
    [
        ("select n, v from t order by v desc", 1.0),
        ("select distinct n, v from t", 1.0),
        ("select v, n from t", 0.0),
        ("select n from t", 0.0),
        ("select nothing from t", 0.0),
    ],
    ids=["order", "duplicates", "column order", "a column less", "an error"],
)
async def test_bird_execution_accuracy(bird: Path, sql: str, official: float) -> None:
    benchmark = open_benchmark(recipe(benchmark="bird", path=str(bird)))
    (task,) = benchmark.tasks
    assert "Hint: v is money" in task.prompt[1].content
    one = rollout(
        sql_turn("select 1"), sql_turn(sql), "<answer>'result.csv'</answer>", about=task, csv="n,v\na,1\n"
    )
    assert (await benchmark.score(one))["correct"] == official


@pytest.mark.parametrize(
    ("csv", "match"),
    [
        ("n,v\na,1\nb,2\nb,2\n", True),
        ("v,n\n2,b\n1,a\n2,b\n", True),
        ("n,v,w\nb,1,0\na,2,0\nb,2,0\n", True),
        ("n,v\na,1.004\nb,2\nb,2\n", True),
        ("n,v\na,1.02\nb,2\nb,2\n", False),
        ("n\na\nb\nb\n", False),
        ("n,v\na,1\nb,2\n", False),
        ("", False),
    ],
    ids=[
        "same",
        "columns and rows moved",
        "associations lost",
        "0.004 off",
        "0.02 off",
        "column less",
        "row less",
        "empty",
    ],
)
def test_birds_paper_match_is_the_released_one(csv: str, match: bool) -> None:
    assert paper_table_match([("a", 1.0), ("b", 2.0), ("b", 2.0)], csv) is match


def test_bird_reads_only(bird: Path) -> None:
    database = bird / "dev_databases" / "shop" / "shop.sqlite"
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        run_query(database, "drop table t")


@pytest.mark.parametrize(
    ("codes", "sql"),
    [
        (['execute_sql(sql="a", output_path="x.csv")', "print(1)"], "a"),
        (['execute_sql("a", "x.csv")\nexecute_sql(output_path="x.csv", sql="b")'], "b"),
        (['q = "a"\nexecute_sql(sql=q)'], None),
        (["get_db_info()"], None),
        (["not python ("], None),
    ],
)
def test_the_last_sql_is_found_by_parsing(codes: list[str], sql: str | None) -> None:
    assert last_sql(codes) == sql


def test_qrdata_reads_numbers_and_choices(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [
        {
            "data_description": "d",
            "question": "q",
            "data_files": ["t.csv"],
            "answer": answer,
            "meta_data": {
                "question_type": kind,
                "multiple_choices": ["A. x", "B. y"],
                "keywords": ["Causality"],
            },
        }
        for answer, kind in (("12.5%", "numerical"), ("A", "multiple_choice"))
    ]
    (tmp_path / "QRData.json").write_text(json.dumps(rows), encoding="utf-8")
    benchmark = open_benchmark(recipe(benchmark="qrdata", path=str(tmp_path)))
    number, choice = benchmark.tasks
    assert (number.reference.type, number.reference.value) == ("percent", 12.5)  # type: ignore[union-attr]
    assert "B. y" in choice.prompt[1].content


@pytest.mark.parametrize("name", ["dabench", "tablebench", "bird", "qrdata"])
def test_a_copy_that_is_missing_says_what_is_expected(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match=r"evaluate\.path: give a local copy"):
        open_benchmark(recipe(benchmark=name))
    with pytest.raises(TrainerError, match="not there; a folder with"):
        open_benchmark(recipe(benchmark=name, path=str(tmp_path)))
