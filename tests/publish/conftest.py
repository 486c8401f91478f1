"""A published sample run, made once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_XET"] = "1"

from datamind_gen.publish import Finished, PublishedDataset, write_dataset
from datamind_gen.rows import encode
from tests.publish.samples import make_finished


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return make_finished(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def published(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> PublishedDataset:
    """Treat as read-only; `make_run` makes one to change."""
    return _publish(finished, tmp_path_factory.mktemp("run"))


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[Finished], Path]:
    """Publishes into a run directory of its own and returns that."""

    def make(finished: Finished) -> Path:
        return _publish(finished, tmp_path / "run").folder.parent

    return make


def _publish(finished: Finished, run: Path) -> PublishedDataset:
    published = write_dataset(run / "dataset", finished)
    (run / "funnel.json").write_text(encode(published.funnel))
    return published
