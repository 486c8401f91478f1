from __future__ import annotations

import json
import shutil
from pathlib import Path

from datamind_gen.trust.diff import compare_runs
from datamind_gen.trust.settings import flatten
from tests.trust.conftest import Finished, command


def test_a_run_is_not_different_from_itself(finished: Finished) -> None:
    diff = compare_runs(finished.run, finished.run)
    assert diff.is_empty
    assert diff.same > 0
    assert all(change.before == change.after for change in diff.spreads)
    assert all(stage.kept[0] == stage.kept[1] for stage in diff.funnel)


def test_changed_settings_are_named_by_their_keys(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.run / "dataset", tmp_path / "dataset")
    path = tmp_path / "dataset" / "pipeline.yaml"
    path.write_text(path.read_text().replace("tolerance: 0.03", "tolerance: 0.01"))
    (change,) = compare_runs(finished.run, tmp_path).settings
    assert (change.key, change.before, change.after) == ("judge.tolerance", "0.03", "0.01")


def test_unknown_tokens_are_unknown_and_the_scripted_model_is_free(finished: Finished) -> None:
    found = json.loads(command("diff", finished.run, finished.run, "--json").stdout)
    assert found["cost"][0]["tokens_per_row"] is None
    assert found["cost"][0]["usd_per_row"] == 0
    assert found["cost"][0]["wall_s_per_row"] > 0


def test_flatten_names_every_value() -> None:
    assert flatten({"a": {"b": 1}, "c": [1, {"d": None}], "e": []}) == {
        "a.b": 1,
        "c.0": 1,
        "c.1.d": None,
        "e": [],
    }
