"""One small run, made once for all tests that read a finished run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.run.pipelines import SMALL, write_small_pipeline

TINY = (
    SMALL.replace(
        "coverage: {target: 12, per_file: 8, waves: 2}", "coverage: {target: 6, per_file: 3, waves: 1}"
    )
    + "models: {expert: {provider: scripted, fault_rate: 0.4, misread_rate: 0.2}}\n"
    + "run: {graph: local, display: none}\n"
)


@dataclass(frozen=True)
class Finished:
    pipeline: Path
    run: Path


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line, as a user calls it."""
    return subprocess.run(
        [sys.executable, "-m", "datamind_gen", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run with faults and misreadings in it."""
    place = tmp_path_factory.mktemp("finished")
    pipeline = write_small_pipeline(place / "tiny.yaml", TINY)
    done = command("run", pipeline, "--out", place / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return Finished(pipeline, place / "run")
