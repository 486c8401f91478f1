"""One undisturbed run, for all tests that disturb one."""

from __future__ import annotations

import pytest

from tests.run.pipelines import Undisturbed, dataset_bytes, write_small_pipeline
from tests.run.processes import finish, start_run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run that nobody disturbs: through distilabel's graph, as a user starts it."""
    place = tmp_path_factory.mktemp("undisturbed")
    pipeline = write_small_pipeline(place / "small.yaml")
    run = start_run(pipeline, place / "run")
    output = finish(run)
    assert run.returncode == 0, output
    return Undisturbed(pipeline, place / "run", dataset_bytes(place / "run"))
