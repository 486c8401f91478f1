"""Over two hundred forbidden acts and attacks: nothing stolen, nothing outside changed, no session lost.

As root all the others run too: as an unprivileged user, and that under a container's filter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.hostile_cases import CANARY, CASES, Case

ROOT = Path(__file__).resolve().parents[2]
MODES = [
    "as-is",
    pytest.param("unprivileged", marks=pytest.mark.slow),
    pytest.param("container", marks=pytest.mark.slow),
]
Results = dict[str, Any]


@cache
def _play(mode: str) -> Results:
    if mode != "as-is" and os.getuid() != 0:
        pytest.skip("already unprivileged: the first mode covers it")
    with tempfile.TemporaryDirectory(prefix="hostile-") as directory:
        command = [sys.executable, "-m", "tests.sandbox.hostile_host", mode, directory]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr[-3000:]
    found: Results = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def results() -> Callable[[str], Results]:
    return _play


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_hostile_code_gains_nothing(results: Callable[[str], Results], mode: str, case: Case) -> None:
    found = results(mode)[case.id]
    assert found["status"] in [status.value for status in case.statuses], found
    assert case.says is None or case.says in found["stdout"], found
    assert not found["stolen"], found
    assert "STOLEN" not in found["stdout"], found
    assert CANARY not in json.dumps(found)
    assert found["alive"], found


@pytest.mark.parametrize("mode", MODES)
def test_nothing_outside_was_touched(results: Callable[[str], Results], mode: str) -> None:
    found = results(mode)
    assert found["harm"] == []
    assert found["left"] == []
    assert found["restarts"] == 0
    assert found["sibling"].startswith("mine")
    assert found["isolation"] in ("full", "full-")
    assert found["uid"] == (os.getuid() if mode == "as-is" else 65534)


def test_there_are_many_cases_and_each_has_a_name() -> None:
    assert len(CASES) >= 120
    assert len({case.id for case in CASES}) == len(CASES)
