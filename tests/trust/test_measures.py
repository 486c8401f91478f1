from __future__ import annotations

import pytest
from statsmodels.stats.proportion import proportion_confint

from datamind_gen.trust.measures import measure, wilson


def test_precision_and_recall_are_counted() -> None:
    found = [
        (True, True, True),
        (True, True, True),
        (True, False, True),
        (True, False, False),
        (False, False, True),
        (False, False, False),
    ]
    counted = measure("x", found, "")
    assert (counted.hits, counted.misses, counted.false_alarms, counted.support) == (2, 2, 2, 6)
    assert counted.precision == counted.recall == 0.5


def test_nothing_picked_has_no_precision() -> None:
    counted = measure("x", [(False, False, True)], "")
    assert counted.precision is None
    assert counted.recall == 0


@pytest.mark.parametrize(("hits", "of"), [(0, 5), (5, 5), (3, 7), (199, 200), (1, 1000)])
def test_interval_is_that_of_statsmodels(hits: int, of: int) -> None:
    assert wilson(hits, of) == pytest.approx(proportion_confint(hits, of, method="wilson"), abs=1e-6)
