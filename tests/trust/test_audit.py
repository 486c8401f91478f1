"""What an audit measures, on a real run and on runs that were tampered with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datamind_gen.publish.audit import read_audit
from datamind_gen.trust.marks import Mark, draw_unmarked, write_marks
from datamind_gen.trust.published import read_rows
from tests.trust.conftest import Finished, command

Row = dict[str, Any]


@pytest.fixture(scope="module")
def audited(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Row]:
    return _audit(finished.run, tmp_path_factory.mktemp("audited"))


def _audit(run: Path, place: Path, change: Callable[[Row], object] | None = None) -> tuple[Path, Row]:
    """An audit of a copy of a run, its published rows changed beforehand."""
    copy = place / "run"
    shutil.copytree(run / "dataset", copy / "dataset")
    if change is not None:
        (shard,) = (copy / "dataset" / "sft").glob("*.parquet")
        table = pq.read_table(shard)
        rows = table.to_pylist()
        for row in rows:
            change(row)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), shard)
    done = command("audit", copy, "--json")
    assert done.returncode == 0, done.stderr
    return copy, json.loads(done.stdout)


def _line(audit: Row, name: str) -> Row:
    lines = [*audit["chain"], *audit["judges"], *audit["rules"]]
    return next(line for line in lines if line["name"] == name)


def test_every_sample_has_an_end_and_a_truth(finished: Finished, audited: tuple[Path, Row]) -> None:
    _, audit = audited
    truth = audit["truth"]
    assert truth["recomputed"] == truth["queries"] > 0
    assert truth["by_sql_too"] > 0
    assert truth["unknown"] == 0
    assert truth["wrong_references"] == truth["disputed"] == []
    funnel = json.loads((finished.run / "funnel.json").read_text())["funnel"]
    sampled = next(stage for stage in funnel["stages"] if stage["stage"] == "sample")
    assert truth["queries"] == sampled["kept"]


def test_planted_faults_are_followed_to_their_end(audited: tuple[Path, Row]) -> None:
    _, audit = audited
    assert audit["faults"]
    assert audit["truth"]["planted"] > 0
    for line in audit["faults"]:
        assert line["samples"] == line["published"] + sum(count for _, count in line["stopped"])
        assert line["published_wrong"] <= min(line["published"], line["wrong"])


def test_slices_add_up_to_the_chain(audited: tuple[Path, Row]) -> None:
    _, audit = audited
    for part in ("by_category", "by_level", "by_format"):
        assert sum(found["queries"] for found in audit[part]) == audit["truth"]["queries"]


def test_the_card_and_the_report_can_read_it(audited: tuple[Path, Row]) -> None:
    copy, audit = audited
    lines = read_audit((copy / "audit.json").read_text("utf-8"))
    assert len(lines) == len(audit["chain"]) + len(audit["judges"]) + len(audit["rules"])


def test_a_reference_that_lies_is_not_believed(finished: Finished, tmp_path: Path) -> None:
    """Reference and answer changed alike: a filter that compares the two is content, an audit is not."""

    def lie(row: Row) -> None:
        lineage = json.loads(row["lineage"])
        if lineage["query"]["answer_type"] != "number" or row["format"] != "csv":
            return
        lineage["query"]["reference"] |= {"value": 123456.0, "text": "123456"}
        row["lineage"] = json.dumps(lineage)
        row["answer"] = "123456"

    _, audit = _audit(finished.run, tmp_path, lie)
    assert audit["truth"]["wrong_references"]
    assert audit["published_wrong"]
    assert _line(audit, "chain: all published queries")["false_alarms"] >= 1


def test_a_published_result_table_is_made_again(finished: Finished, tmp_path: Path) -> None:
    """The answer of a database row is a file name: only its code, run again, tells what was in it."""
    changed: list[str] = []

    def break_sql(row: Row) -> None:
        if row["format"] != "sqlite":
            return
        for message in row["messages"]:
            if message["role"] == "assistant":
                message["content"] = message["content"].replace("SELECT", "SELECT 1 WHERE 0 --")
        changed.append(row["id"])

    _, audit = _audit(finished.run, tmp_path, break_sql)
    assert changed
    assert set(changed) <= set(audit["published_wrong"])


def test_marks_of_a_person_are_kept_and_counted(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.run / "dataset", tmp_path / "dataset")
    rows = list(read_rows(tmp_path))
    first = draw_unmarked(rows, {}, count=2, seed=1)
    assert first == draw_unmarked(list(reversed(rows)), {}, count=2, seed=1)
    marks = {first[0].id: Mark.RIGHT, first[1].id: Mark.WRONG}
    assert not {row.id for row in draw_unmarked(rows, marks, count=99, seed=1)} & marks.keys()
    write_marks(tmp_path, marks)
    done = command("audit", tmp_path, "--json")
    found = json.loads(done.stdout)["marks"]
    assert (found["support"], found["precision"], found["recall"]) == (2, 0.5, None)


def test_a_place_without_a_dataset_is_bad_input(tmp_path: Path) -> None:
    done = command("audit", tmp_path)
    assert done.returncode == 2
    assert "holds no dataset" in done.stderr
