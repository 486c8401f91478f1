"""A level says before anybody answers how much solving will take: held against a real run."""

from __future__ import annotations

from datamind_gen.rows import Level
from tests.bench.levels import mean, read_efforts
from tests.run.pipelines import Undisturbed


def test_higher_levels_take_more_operations_and_no_fewer_turns(undisturbed: Undisturbed) -> None:
    efforts = [one for one in read_efforts(undisturbed.run) if not one.in_sql]
    lower = [one for one in efforts if one.level is Level.EASY]
    higher = [one for one in efforts if one.level is not Level.EASY]
    assert lower
    assert higher
    assert mean(one.operations for one in higher) > mean(one.operations for one in lower)
    assert mean(one.turns for one in higher) >= mean(one.turns for one in lower)
