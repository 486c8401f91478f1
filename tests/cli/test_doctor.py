"""`doctor`: proves the confinement by attempts, and asks a pipeline's models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.models.server import Plan, ServerProcess

PIPELINE = """
extends: quickstart
models:
  expert: {{provider: openai, model: tiny, base_url: "{url}"}}
"""


def test_this_machine(datamind_gen: Run) -> None:
    told = datamind_gen("doctor", "--json")
    found = json.loads(told.stdout)
    assert told.returncode == 0, told.stderr
    assert all(attempt["denied"] for attempt in found["attempts"])
    assert found["packages"]["distilabel"] == "1.5.3"
    assert found["models"] == []


@pytest.mark.parametrize("status", [None, 401, 500], ids=["well", "key refused", "in trouble"])
def test_models_are_asked(tmp_path: Path, datamind_gen: Run, status: int | None) -> None:
    with ServerProcess(Plan(status=status)) as endpoint:
        (tmp_path / "mine.yaml").write_text(PIPELINE.format(url=endpoint.url))
        told = datamind_gen("doctor", tmp_path / "mine.yaml", "--json")
    scripted, served = sorted(json.loads(told.stdout)["models"], key=lambda model: model["model"])
    assert scripted["reached"] is True
    assert served["reached"] is (status is None), served
    assert told.returncode == (0 if status is None else 1)
    assert status is None or str(status) in served["detail"]


def test_an_endpoint_that_is_not_there(tmp_path: Path, datamind_gen: Run) -> None:
    (tmp_path / "mine.yaml").write_text(PIPELINE.format(url="http://127.0.0.1:9/v1"))
    told = datamind_gen("doctor", tmp_path / "mine.yaml")
    assert told.returncode == 1
    assert "NOT REACHED" in told.stdout
