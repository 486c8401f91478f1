"""`stop RUN` drains a live run as Ctrl-C does, and says so where nothing runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamind_gen.run.folder import RunFolder
from datamind_gen.run.status import read_status
from tests.run.pipelines import PATIENT, SMALL, dataset_bytes, write_small_pipeline
from tests.run.processes import ROOT, finish, start_run


def stop(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datamind_gen", "stop", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_folder_without_a_run_is_bad_input(tmp_path: Path) -> None:
    done = stop(str(tmp_path))
    assert done.returncode == 2
    assert "is not a run directory" in done.stderr


@pytest.mark.slow
def test_a_live_run_drains_publishes_and_is_resumed_to_the_same_rows(tmp_path: Path) -> None:
    text = SMALL.replace("target: 12", "target: 30").replace("per_file: 8", "per_file: 20") + PATIENT
    pipeline = write_small_pipeline(tmp_path / "p.yaml", text)
    folder = RunFolder(tmp_path / "run")
    run = start_run(pipeline, folder.root, "--set", "run.graph=local")
    while run.poll() is None and not (folder.holds_run and read_status(folder.root).replies > 3):
        time.sleep(0.05)
    done = stop(str(folder.root), "--json")
    output = finish(run)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["was_running"]
    assert run.returncode == 3, output
    assert told["state"] == "stopped"
    assert "somebody ran `stop`" in " ".join(output.split())
    assert not folder.stop.exists()

    nothing = stop(str(folder.root))
    assert nothing.returncode == 0
    assert "nothing runs in" in nothing.stdout
    assert not folder.stop.exists()

    again, other = (
        start_run(pipeline, place, "--set", "run.graph=local") for place in (folder.root, tmp_path / "other")
    )
    for process in (again, other):
        output = finish(process)
        assert process.returncode == 0, output
    assert dataset_bytes(folder.root) == dataset_bytes(tmp_path / "other")
