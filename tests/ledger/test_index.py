"""The index finds what a dictionary would."""

from __future__ import annotations

import random

import numpy as np
import pytest

from datamind_gen.ledger import index as index_module
from datamind_gen.ledger.index import Index


def test_it_agrees_with_a_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "LEAST_RECENT", 10)
    chance = random.Random(5)
    index, wanted = Index(), dict[int, int]()
    for step in range(3000):
        if chance.random() < 0.02:
            pairs = [(chance.randrange(400) << 54, step << 20 | number) for number in range(30)]
            index.add_many(
                np.array([prefix for prefix, _ in pairs], np.uint64),
                np.array([place for _, place in pairs], np.uint64),
            )
            wanted.update(pairs)
        else:
            prefix = chance.randrange(400) << 54
            index.add(prefix, step)
            wanted[prefix] = step
        probe = chance.randrange(500) << 54
        assert index.find(probe) == wanted.get(probe)
        assert len(index) == len(wanted)
    assert list(map(int, index.places())) == sorted(wanted.values())


def test_an_empty_index_has_nothing() -> None:
    index = Index()
    assert (len(index), index.find(7), list(index.places())) == (0, None, [])
