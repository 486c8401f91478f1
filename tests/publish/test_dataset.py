"""The published folder: what it holds, that it loads, that the same rows give the same bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from datasets import Dataset, load_dataset

from datamind_gen.ledger.funnel import StageCount
from datamind_gen.publish import Finished, PublishedDataset, PublishError, write_dataset
from datamind_gen.publish.records import answer_csv
from datamind_gen.publish.schema import SCHEMAS, Config
from datamind_gen.rows import Answer, AnswerType, FileFormat, Reason, Stage, Status
from datamind_gen.spec.publish import LicensePolicy, PublishSettings
from tests.publish.samples import make_finished, shuffled


def load(folder: Path, config: str, cache: Path) -> Dataset:
    return load_dataset(str(folder), config, split="train", cache_dir=str(cache))


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("config", list(Config))
def test_config_loads_with_its_columns(config: Config, published: PublishedDataset, tmp_path: Path) -> None:
    rows = load(published.folder, config, tmp_path)
    assert rows.column_names == SCHEMAS[config].names
    assert len(rows) == getattr(published, config) > 0
    assert rows["id"] == sorted(rows["id"])
    assert set(rows["schema_version"]) == {1}


@pytest.mark.parametrize("config", list(Config))
def test_empty_config_keeps_its_columns(config: Config, finished: Finished, tmp_path: Path) -> None:
    """Streamed, because `datasets` up to 5.2 cannot prepare a split without rows (its issue, not ours)."""
    nothing = replace(finished, kept=(), dropped=(), profiles={}, paths={})
    empty = write_dataset(tmp_path / "dataset", nothing)
    rows = load_dataset(str(empty.folder), config, split="train", streaming=True)
    assert rows.column_names == SCHEMAS[config].names
    assert list(rows) == []
    assert pd.read_parquet(empty.folder / config).columns.tolist() == SCHEMAS[config].names
    assert (empty.folder / "train_files").is_dir()
    assert (empty.folder / "gold_csv_results").is_dir()
    assert json.loads((empty.folder / "db_schema.json").read_text()) == []


def test_two_runs_do_not_share_a_cache_entry(finished: Finished, tmp_path: Path) -> None:
    """Every run's folder is called `dataset`; a loader that keys its cache by that must not mix them up."""
    first = write_dataset(tmp_path / "a" / "dataset", finished)
    fewer = write_dataset(tmp_path / "b" / "dataset", replace(finished, kept=finished.kept[:1]))
    assert len(load(first.folder, "sft", tmp_path / "cache")) == first.sft > 1
    assert len(load(fewer.folder, "sft", tmp_path / "cache")) == fewer.sft == 1


def test_same_rows_give_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    first = write_dataset(tmp_path / "a" / "dataset", finished)
    moved = {
        file_id: {name: Path(shutil.copy(path, _made(tmp_path / file_id))) for name, path in paths.items()}
        for file_id, paths in finished.paths.items()
    }
    elsewhere = replace(shuffled(finished, 3), paths=moved)
    second = write_dataset(tmp_path / "b" / "another-name", elsewhere)
    assert contents(first.folder) == contents(second.folder)


def test_writing_again_replaces_the_folder_whole(finished: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    write_dataset(folder, finished)
    (folder / "stray.txt").write_text("left over")
    write_dataset(folder, finished)
    assert not (folder / "stray.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_sft_rows_hold_whole_conversations(
    finished: Finished, published: PublishedDataset, tmp_path: Path
) -> None:
    rows = load(published.folder, "sft", tmp_path)
    assert {row.id for row in finished.kept} == set(rows["id"])
    for row in rows:
        roles = [message["role"] for message in row["messages"]]
        assert roles[:2] == ["system", "user"]
        assert roles[2::2] == ["assistant"] * len(roles[2::2])
        assert roles[3::2] == ["user"] * len(roles[3::2])
        assert roles[-1] == "assistant"
        assert all(
            message["content"].startswith("<interpreter>")
            for message in row["messages"][3:]
            if message["role"] == "user"
        )
        assert row["question"] in row["messages"][1]["content"]
        assert f"<answer>\n{row['answer']}\n</answer>" in row["messages"][-1]["content"]


def test_files_of_a_row_are_there_and_are_the_right_ones(published: PublishedDataset, tmp_path: Path) -> None:
    rows = load(published.folder, "sft", tmp_path)
    for row in rows:
        lineage = json.loads(row["lineage"])
        assert [file["path"] for file in lineage["files"]] == [f"train_files/{name}" for name in row["files"]]
        for name, file in zip(row["files"], lineage["files"], strict=True):
            raw = (published.folder / "train_files" / name).read_bytes()
            assert hashlib.sha256(raw).hexdigest() == file["sha256"]
            assert Path(name).name == file["name"]
            assert f"data/files/{file['name']}" in row["messages"][1]["content"]
    sales = {name for names in rows["files"] for name in names if name.endswith("sales.csv")}
    assert len(sales) == 2, "two files of one name are both there"
    published_files = {
        path.relative_to(published.folder / "train_files").as_posix()
        for path in (published.folder / "train_files").rglob("*")
        if path.is_file()
    }
    assert published_files == {name for names in rows["files"] for name in names}


def test_rl_has_one_task_a_query_with_the_best_trajectory(
    finished: Finished, published: PublishedDataset, tmp_path: Path
) -> None:
    rows = load(published.folder, "rl", tmp_path)
    by_query = {row.query.id: row for row in finished.kept if row.trajectory.sample == row.verdict.best}
    assert set(rows["id"]) == set(by_query)
    for row in rows:
        best = by_query[row["id"]]
        assert row["trajectory"][-1]["content"] == best.trajectory.turns[-1].text
        assert [message["role"] for message in row["prompt"]] == ["system", "user"]
        assert row["trajectory"][:2] == row["prompt"]
        assert row["extra_info"]["question"] == best.query.question
        assert all((published.folder / file["path"]).is_file() for file in row["extra_info"]["files"])
    assert [row["extra_info"]["index"] for row in rows] == list(range(len(rows)))


def test_database_tasks_have_gold_tables_and_schemas(published: PublishedDataset, tmp_path: Path) -> None:
    rows = load(published.folder, "rl", tmp_path)
    schemas = {
        entry["id"]: entry["omni_db_ddl"]
        for entry in json.loads((published.folder / "db_schema.json").read_text())
    }
    databases = [row for row in rows if row["data_source"] == "darl/sql"]
    assert databases
    for row in databases:
        truth = row["reward_model"]["ground_truth"]
        assert truth["task_id"] == row["task_id"] == row["id"]
        gold = published.folder / "gold_csv_results" / f"{row['task_id']}.csv"
        assert gold.read_text() == truth["ground_truth"]
        assert next(csv.reader(io.StringIO(gold.read_text()))) == ["id", "total"]
        assert "CREATE TABLE" in schemas[row["task_id"]]
        assert schemas[row["db_id"]] == schemas[row["task_id"]]
        assert (published.folder / "train_files" / row["db_id"]).is_file()
    assert len(list((published.folder / "gold_csv_results").iterdir())) == len(databases)
    for row in rows:
        if row["data_source"] == "darl/python":
            assert row["task_id"] is None
            assert row["db_id"] is None
            assert row["reward_model"]["ground_truth"]["ground_truth"]


def test_lineage_tells_where_a_row_came_from(
    finished: Finished, published: PublishedDataset, tmp_path: Path
) -> None:
    rows = {row["id"]: json.loads(row["lineage"]) for row in load(published.folder, "sft", tmp_path)}
    for candidate in finished.kept:
        lineage = rows[candidate.id]
        assert lineage["query"]["id"] == candidate.query.id
        assert [hop["program"] for hop in lineage["query"]["hops"]] == [
            hop.program for hop in candidate.query.hops
        ]
        assert lineage["query"]["hops"][0]["slots"][0]["column"] == "units"
        assert lineage["templates"]["react_system.jinja"] == "a" * 64
        assert lineage["models"]["judge"]["served"] == "gpt-4o-mini-2024"
        assert lineage["trajectory"]["sampling"] == {"temperature": 0.7, "max_tokens": 4096}
        assert lineage["trajectory"]["isolation"] == "full"
        assert lineage["trajectory"]["usage"]["completion_tokens"] == sum(
            turn.usage.completion_tokens or 0 for turn in candidate.trajectory.turns
        )
        assert lineage["verdict"] == {
            "method": "rule+model", "agree": True, "agreeing": 3, "margin": 1.0, "round": 0,
        }  # fmt: skip


def test_unknown_usage_stays_unknown(finished: Finished, tmp_path: Path) -> None:
    row = finished.kept[0]
    turns = (
        replace(row.trajectory.turns[0], usage=type(row.trajectory.turns[0].usage)()),
        *row.trajectory.turns[1:],
    )
    changed = replace(row, trajectory=replace(row.trajectory, turns=turns))
    write_dataset(tmp_path / "dataset", replace(finished, kept=(changed,)))
    lineage = json.loads(load(tmp_path / "dataset", "sft", tmp_path / "cache")[0]["lineage"])
    assert lineage["trajectory"]["usage"] == {"prompt_tokens": None, "completion_tokens": None}


def test_no_row_tells_of_this_machine(
    finished: Finished, published: PublishedDataset, tmp_path: Path
) -> None:
    text = "".join(
        json.dumps(row) for config in Config for row in load(published.folder, config, tmp_path)
    ) + "".join(
        path.read_text() for path in published.folder.glob("*.*") if path.suffix in {".md", ".json", ".yaml"}
    )
    places = {str(path.parent) for paths in finished.paths.values() for path in paths.values()}
    for secret in (*places, str(published.folder), "10.0.0.1", "endpoint"):
        assert secret not in text


def test_refused_licence_takes_file_rows_and_quotes_out(tmp_path: Path) -> None:
    settings = PublishSettings(
        licenses=LicensePolicy(allow=("permissive", "attribution"), refuse=("CC-BY-4.0",))
    )
    finished = make_finished(tmp_path / "files", settings=settings)
    refused = next(p.file for p in finished.profiles.values() if p.file.license == "CC-BY-4.0")
    published = write_dataset(tmp_path / "dataset", finished)
    sft = load(published.folder, "sft", tmp_path / "cache")
    kept = [row for row in finished.kept if row.query.file_id != refused.id]
    assert 0 < len(sft) == len(kept) < len(finished.kept)
    assert not any(name.startswith(refused.parts[0].sha256[:8]) for names in sft["files"] for name in names)
    assert refused.parts[0].sha256 not in contents(published.folder).values()
    rejected = load(published.folder, "rejected", tmp_path / "cache")
    withheld = [row for row in rejected if "withheld" in json.loads(row["payload"])]
    refused_rows = [row for row in finished.kept if row.query.file_id == refused.id]
    by_license = [row for row in rejected if row["reason"] == Reason.LICENSE]
    assert {row["id"] for row in by_license} == {row.id for row in refused_rows}
    assert {row["stage"] for row in by_license} == {Stage.PUBLISH}
    assert len(withheld) > len(by_license), "rows rejected earlier quote the file as well"
    assert not any(refused.id in row["payload"] and "turns" in row["payload"] for row in rejected)
    publish = published.funnel.stages[-1]
    assert (publish.stage, publish.kept, publish.rejected_total) == (
        Stage.PUBLISH,
        len(kept),
        len(refused_rows),
    )
    assert published.funnel.problems() == []
    assert sum(cell.kept for cell in published.funnel.cells) == len(kept)
    again = replace(finished, funnel=replace(published.funnel, stages=before_publish(finished)))
    assert write_dataset(tmp_path / "again", again).funnel.stages == published.funnel.stages


def before_publish(finished: Finished) -> tuple[StageCount, ...]:
    """The funnel as an engine hands it over that has counted its own publish stage already."""
    own = StageCount(Stage.PUBLISH, "trajectory", len(finished.kept), 0, len(finished.kept))
    return (*finished.funnel.stages, own)


def test_refused_file_without_a_profile_is_withheld_too(tmp_path: Path) -> None:
    settings = PublishSettings(licenses=LicensePolicy(allow=(), warn=(), refuse=("MIT",)))
    finished = make_finished(tmp_path / "files", settings=settings)
    published = write_dataset(tmp_path / "dataset", finished)
    unread = next(row for row in load(published.folder, "rejected", tmp_path) if row["stage"] == Stage.READ)
    assert json.loads(unread["payload"])["license"] == "MIT"
    assert "withheld" in json.loads(unread["payload"])


def test_warned_licence_is_published_and_named(published: PublishedDataset) -> None:
    assert len(published.warnings) == 1
    assert "survey 2024" in published.warnings[0]
    assert "unknown" in published.warnings[0]


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_data_file_that_is_not_what_was_read_stops_and_keeps_the_old(harm: str, tmp_path: Path) -> None:
    finished = make_finished(tmp_path / "files")
    folder = tmp_path / "run" / "dataset"
    before = contents(write_dataset(folder, finished).folder)
    victim = tmp_path / "files" / "shop.sqlite"
    if harm == "gone":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    with pytest.raises(PublishError, match=f"shop.sqlite.*{harm}"):
        write_dataset(folder, finished)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["dataset"]


def test_broken_unicode_from_a_model_is_published_readable(finished: Finished, tmp_path: Path) -> None:
    row = finished.kept[0]
    turn = replace(row.trajectory.turns[-1], text="<answer>\ud83d alone, \U0001f600 whole</answer>")
    broken = replace(row, trajectory=replace(row.trajectory, turns=(turn,), answer="\udc00"))
    write_dataset(tmp_path / "dataset", replace(finished, kept=(broken,)))
    found = load(tmp_path / "dataset", "sft", tmp_path / "cache")[0]
    assert found["messages"][-1]["content"] == "<answer>\ufffd alone, \U0001f600 whole</answer>"
    assert found["answer"] == "\ufffd"


def test_only_an_answer_that_matches_its_reference_is_verified(finished: Finished, tmp_path: Path) -> None:
    """A reference beside a wrong answer verifies nothing."""
    found = [row for row in finished.kept if row.query.reference]
    tables = [row for row in found if row.trajectory.result_csv]
    texts = [row for row in found if not row.trajectory.result_csv]
    wrong_text = replace(texts[0], trajectory=replace(texts[0].trajectory, answer="99999.25"))
    wrong_table = replace(tables[0], trajectory=replace(tables[0].trajectory, result_csv="id,total\n1,8\n"))
    written = (
        wrong_text,
        wrong_table,
        *texts[1:],
        *tables[1:],
        *(r for r in finished.kept if r not in found),
    )
    write_dataset(tmp_path / "dataset", replace(finished, kept=written))
    rows = load(tmp_path / "dataset", "sft", tmp_path / "cache")
    verified = {row["id"] for row in rows if row["verified"]}
    assert verified == {row.id for row in found} - {wrong_text.id, wrong_table.id}
    assert (
        "2 have a reference that their answer does not match"
        in (tmp_path / "dataset" / "README.md").read_text()
    )


def test_rows_are_sharded(finished: Finished, tmp_path: Path) -> None:
    small = replace(finished, settings=PublishSettings(shard_rows=7))
    published = write_dataset(tmp_path / "dataset", small)
    shards = sorted(path.name for path in (published.folder / "sft").iterdir())
    count = -(-published.sft // 7)
    assert len({name.split("-")[1] for name in shards}) == 1
    assert [name.split("-", 2)[2] for name in shards] == [
        f"{n:05d}-of-{count:05d}.parquet" for n in range(count)
    ]
    rows = load(published.folder, "rl", tmp_path / "cache")
    assert [row["extra_info"]["index"] for row in rows] == list(range(published.rl))


def test_database_query_without_gold_is_no_task(finished: Finished, tmp_path: Path) -> None:
    databases = [
        r for r in finished.kept if finished.profiles[r.query.file_id].file.format is FileFormat.SQLITE
    ]
    bare = [
        replace(
            row, query=replace(row.query, reference=None), trajectory=replace(row.trajectory, result_csv=None)
        )
        for row in databases
    ]
    published = write_dataset(tmp_path / "dataset", replace(finished, kept=tuple(bare)))
    assert published.sft == len(bare)
    assert published.rl == 0
    assert any("neither a reference nor a result CSV" in warning for warning in published.warnings)


def test_kept_row_about_an_unknown_file_is_an_error(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="not handed over"):
        write_dataset(tmp_path / "dataset", replace(finished, profiles={}))
    assert not (tmp_path / "dataset").exists()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(AnswerType.NUMBER, "3.5", 3.5), "answer\n3.5\n"),
        (Answer(AnswerType.LIST, "a, b", ("a", "b")), "answer\na\nb\n"),
        (Answer(AnswerType.TABLE, "t", ((1, "x,y"), (2, None)), columns=("k", "v")), 'k,v\n1,"x,y"\n2,\n'),
        (Answer(AnswerType.TABLE, "t", ((1, 2),)), "column_1,column_2\n1,2\n"),
        (Answer(AnswerType.TABLE, "none", (), columns=("k",)), "k\n"),
    ],
    ids=["number", "list", "table", "no-names", "no-rows"],
)
def test_gold_table_of_a_typed_answer(answer: Answer, text: str) -> None:
    assert answer_csv(answer) == text


def test_rejected_rows_keep_their_whole_payload(
    finished: Finished, published: PublishedDataset, tmp_path: Path
) -> None:
    rows = load(published.folder, "rejected", tmp_path)
    assert sorted((row["id"], row["payload"]) for row in rows) == sorted(
        (row.id, row.payload) for row in finished.dropped
    )
    assert {row["status"] for row in rows} == {Status.REJECTED, Status.FAILED}
