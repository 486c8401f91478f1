"""What the tests of verbs share: a small real table, and the command line as a user starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import statsmodels.api as sm

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Fifty states' figures of 2009, as CSV."""
    path = tmp_path / "states.csv"
    sm.datasets.statecrime.load_pandas().data.reset_index().to_csv(path, index=False)
    return path


@pytest.fixture
def datamind_gen() -> Run:
    """`python -m datamind_gen ARGUMENTS…` in a process of its own."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "datamind_gen", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300)

    return run
