"""The graph is real, and does not matter to the rows."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest

from datamind_gen.run.dag import STEPS, Graph, build_graph
from tests.run.pipelines import Undisturbed, dataset_bytes
from tests.run.processes import finish, start_run


def test_every_stage_is_a_named_step_of_the_graph(tmp_path: Path) -> None:
    graph = build_graph("socket", str(tmp_path))
    assert list(graph.dag) == ["source", *STEPS, "publish"]
    assert STEPS == ("read", "profile", "write", "compose", "sample", "judge", "reflect", "filter")


def test_a_graph_that_has_not_begun_has_lost_no_worker(tmp_path: Path) -> None:
    """Its watcher looks before it runs, too, and must live to look again."""
    graph = build_graph("/nowhere", str(tmp_path))
    assert isinstance(graph, Graph)
    assert not graph.has_lost_a_worker()


def test_without_distilabel_the_rows_are_the_same(undisturbed: Undisturbed, tmp_path: Path) -> None:
    run = start_run(undisturbed.pipeline, tmp_path / "run", "--set", "run.graph=local")
    output = finish(run)
    assert run.returncode == 0, output
    assert dataset_bytes(tmp_path / "run") == undisturbed.dataset


def test_running_again_redoes_nothing_and_says_so(undisturbed: Undisturbed) -> None:
    before = undisturbed.run / "funnel.json"
    funnel = before.read_text()
    run = start_run(undisturbed.pipeline, undisturbed.run)
    output = " ".join(finish(run).split())
    assert run.returncode == 0, output
    assert "nothing that a result depends on has changed" in output
    assert dataset_bytes(undisturbed.run) == undisturbed.dataset
    assert before.read_text() == funnel


def test_the_funnel_adds_up_and_every_row_is_somewhere(undisturbed: Undisturbed) -> None:
    funnel = json.loads((undisturbed.run / "funnel.json").read_text())["funnel"]
    for stage in funnel["stages"]:
        ended = stage["kept"] + sum(count for _, count in (*stage["rejected"], *stage["failed"]))
        assert stage["taken"] + stage["made"] == ended, stage
    kept = funnel["stages"][-1]["kept"]
    assert kept > 0
    assert sum(cell["kept"] for cell in funnel["cells"]) == kept


@pytest.mark.parametrize("config", ["sft", "rl", "rejected"])
def test_the_dataset_opens_as_its_card_says(
    undisturbed: Undisturbed, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = str(undisturbed.run / "dataset")
    loaded = datasets.load_dataset(folder, config, split="train", cache_dir=str(tmp_path))
    assert len(loaded) > 0
    if config == "sft":
        assert loaded[0]["messages"][0]["role"] == "system"
        assert {"id", "question", "answer", "verified", "lineage", "schema_version"} <= set(
            loaded.column_names
        )
