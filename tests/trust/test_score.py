"""Scoring: the same trajectories under other settings, with nothing generated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.run.pipelines import dataset_bytes
from tests.trust.conftest import Finished, command


def _rows(run: Path, config: str) -> list[dict[str, Any]]:
    return pq.read_table(run / "dataset" / config).to_pylist()


def _trajectories(run: Path) -> set[str]:
    found = {json.loads(row["lineage"])["trajectory"]["id"] for row in _rows(run, "sft")}
    for row in _rows(run, "rejected"):
        payload = json.loads(row["payload"])
        found |= {made["id"] for made in payload.get("trajectories", [])}
        found |= {payload["trajectory"]["id"]} if "trajectory" in payload else set()
    return found


def test_the_same_settings_give_the_same_dataset(finished: Finished, tmp_path: Path) -> None:
    done = command("score", finished.run, "--out", tmp_path / "scored")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 changed, 0 gained, 0 lost" in done.stdout
    assert dataset_bytes(tmp_path / "scored") == dataset_bytes(finished.run)


def test_looser_judging_keeps_more_of_the_same_trajectories(finished: Finished, tmp_path: Path) -> None:
    scored = tmp_path / "scored"
    before = dataset_bytes(finished.run)
    done = command(
        *("score", finished.run, "--out", scored, "--set", "judge.require=1", "--set", "judge.keep=all"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _trajectories(scored) <= _trajectories(finished.run)
    assert len(_rows(scored, "sft")) > len(_rows(finished.run, "sft"))
    manifest = json.loads((scored / "manifest.json").read_text())
    assert sum(model["calls"] for model in manifest["usage"]) == 0
    assert dataset_bytes(finished.run) == before
    diff = json.loads(command("diff", finished.run, scored, "--json").stdout)
    assert {change["key"] for change in diff["settings"]} == {"judge.require", "judge.keep"}
    assert len(diff["gained"]) - len(diff["lost"]) == diff["cost"][1]["rows"] - diff["cost"][0]["rows"]


def test_what_was_never_recorded_fails_and_says_so(finished: Finished, tmp_path: Path) -> None:
    scored = tmp_path / "scored"
    done = command("score", finished.run, "--out", scored, "--set", "sample.temperature=0.31")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "no trajectory was kept" in done.stdout
    (detail,) = {row["detail"] for row in _rows(scored, "rejected") if row["stage"] == "sample"}
    assert "not recorded, and nothing may be generated" in detail


def test_a_run_is_never_scored_into_another(finished: Finished) -> None:
    done = command("score", finished.run, "--out", finished.run)
    assert done.returncode == 2
    assert "give another --out" in done.stderr
