"""What a run says at its end."""

from __future__ import annotations

import pytest

from datamind_gen.run.finish import describe_shortfall
from datamind_gen.spec.queries import CoverageSettings

COVERAGE = CoverageSettings(target=30, per_file=12, waves=2)


@pytest.mark.parametrize(
    ("asked", "limit", "wave", "said"),
    [
        ({"a": 12, "b": 12}, 24, 2, "--limit 24"),
        ({"a": 12, "b": 13}, 50, 2, "coverage.per_file (12)"),
        ({"a": 12, "b": 11}, None, 2, "coverage.waves (2)"),
        ({"a": 12, "b": 11}, None, 1, "no more questions"),
        ({}, None, 1, "no more questions"),
    ],
    ids=["limit", "every file is full", "waves are over", "nothing left to ask", "no file"],
)
def test_a_run_that_falls_short_says_why(
    asked: dict[str, int], limit: int | None, wave: int, said: str
) -> None:
    assert said in describe_shortfall(COVERAGE, asked, planned=24, limit=limit, wave=wave)
