"""Bad input and bad luck: a clear message each, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from datamind_gen.run.status import read_status
from tests.run.pipelines import SMALL, Undisturbed, dataset_bytes, write_small_pipeline
from tests.run.processes import finish, start_run

DATABASE = "  - bundled: company_investment.sqlite\n"


def run(pipeline: Path, out: Path, *extra: str) -> tuple[int, str]:
    process = start_run(pipeline, out, *extra)
    output = finish(process)
    return process.returncode, " ".join(output.split())


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of two megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    place = tmp_path / "small-disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.decode()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_sources_that_name_nothing_are_bad_input(tmp_path: Path) -> None:
    pipeline = write_small_pipeline(
        tmp_path / "p.yaml",
        SMALL.replace("bundled: state_crime_2009.csv", "glob: nothing/*.csv").replace(DATABASE, ""),
    )
    code, output = run(pipeline, tmp_path / "run")
    assert code == 2
    assert "nothing/*.csv" in output


def test_files_without_rows_end_in_a_funnel_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "short.csv").write_text("a,b\n1,2\n")
    text = SMALL.replace("bundled: state_crime_2009.csv", 'glob: "*.csv"').replace(DATABASE, "")
    pipeline = write_small_pipeline(tmp_path / "p.yaml", text)
    code, output = run(pipeline, tmp_path / "run")
    assert code == 1, output
    funnel = json.loads((tmp_path / "run" / "funnel.json").read_text())["funnel"]
    read = next(stage for stage in funnel["stages"] if stage["stage"] == "read")
    assert read["taken"] == 2
    assert {reason for reason, _ in (*read["rejected"], *read["failed"])} == {"empty", "too_few_rows"}


def test_an_unreadable_file_is_a_row_of_the_funnel_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + os.urandom(200) + b"PAR1")
    text = SMALL.replace("bundled: state_crime_2009.csv", "path: broken.parquet")
    pipeline = write_small_pipeline(tmp_path / "p.yaml", text)
    code, output = run(pipeline, tmp_path / "run", "--limit", "4")
    assert code == 0, output
    funnel = json.loads((tmp_path / "run" / "funnel.json").read_text())["funnel"]
    read = next(stage for stage in funnel["stages"] if stage["stage"] == "read")
    assert sum(count for _, count in (*read["rejected"], *read["failed"])) == 1


def test_a_full_disk_stops_the_run_resumably(undisturbed: Undisturbed, mount: Path) -> None:
    pipeline = undisturbed.pipeline
    (mount / "ballast").write_bytes(bytes(1_700_000))
    code, output = run(pipeline, mount / "run")
    assert code == 3, output
    assert "No space left on device" in output
    (mount / "ballast").unlink()
    settled = read_status(mount / "run").results
    subprocess.run(["mount", "-o", "remount,size=200m", str(mount)], check=True)
    code, output = run(pipeline, mount / "run")
    assert code == 0, output
    assert read_status(mount / "run").results >= settled
    assert dataset_bytes(mount / "run") == undisturbed.dataset


def test_a_read_only_place_is_bad_input(mount: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    pipeline = write_small_pipeline(tmp_path / "p.yaml")
    code, output = run(pipeline, mount / "run")
    assert code == 2
    assert "cannot write to" in output
    assert "Read-only file system" in output


@pytest.mark.parametrize(
    ("resume", "words"), [("never", "holds a run"), ("always", "holds no run")], ids=["never", "always"]
)
def test_resume_says_what_it_does_not_find(tmp_path: Path, resume: str, words: str) -> None:
    pipeline = write_small_pipeline(tmp_path / "p.yaml")
    out = tmp_path / "run"
    if resume == "never":
        code, output = run(pipeline, out, "--limit", "2")
        assert code in (0, 1), output
    code, output = run(pipeline, out, "--resume", resume)
    assert code == 2
    assert words in output


def test_changing_the_judge_judges_again_and_samples_nothing_again(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    out = shutil.copytree(undisturbed.run, tmp_path / "run")
    sampled = read_status(out).replies
    code, output = run(undisturbed.pipeline, out, "--set", "judge.tolerance=0.02")
    assert code == 0, output
    assert "judge runs again: tolerance went from 0.03 to 0.02" in output
    assert "sample runs again" not in output
    assert read_status(out).replies >= sampled


def test_a_budget_stops_publishes_and_is_resumed(undisturbed: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, output = run(undisturbed.pipeline, out, "--set", "run.budget.hours=0.0012")
    assert code in (0, 3), output
    if code == 3:
        assert "the budget of" in output
        assert (out / "dataset" / "README.md").is_file()
    code, output = run(undisturbed.pipeline, out)
    assert code == 0, output
    assert dataset_bytes(out) == undisturbed.dataset
