"""Hops in front: what an earlier answer may narrow, name or bound."""

from __future__ import annotations

import random
from itertools import islice
from math import prod
from typing import Any

import pytest

from datamind_gen.taxonomy import Chain, draw, extend, load_taxonomy


def long_chains(taxonomy: Any, profile: Any, hops: int, seed: int = 0) -> list[Chain]:
    rng = random.Random(seed)
    found = []
    for category in taxonomy.categories:
        for chain in islice(draw(category, profile, rng), 30):
            for _ in range(20):
                longer = extend(chain, taxonomy, rng)
                if longer is not None:
                    chain = longer
                if len(chain.links) == hops:
                    found.append(chain)
                    break
    return found


@pytest.mark.parametrize("hops", [2, 3, 4])
def test_no_chain_filters_by_labels_that_cannot_leave_rows_enough(bundled: Any, hops: int) -> None:
    profile, _ = bundled("firm_investment.csv")
    chains = long_chains(load_taxonomy("data_analysis"), profile, hops)
    assert chains
    filters = [[link.filter for link in chain.links if link.filter is not None] for chain in chains]
    assert any(filters)
    # 220 rows: 11 firms of 20 years each, and 17.6 rows are the fewest that a filter has to leave
    assert not any(slot.column == "year" and slot.value == "==" for slots in filters for slot in slots)
    widest = {("firm", "=="): 1 / 11, ("firm", "in"): 3 / 11, ("year", "in"): 3 / 20}
    for slots in filters:
        assert 220 * prod(widest.get((slot.column, slot.value), 0.5) for slot in slots) >= 17.6
