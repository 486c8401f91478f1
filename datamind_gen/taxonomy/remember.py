"""Remembers what a pure function of large, frozen values gave, by identity of the values.

Hashing a profile costs more than most of what is asked about it. The values are kept alive while they are
remembered, so that no other takes their identity.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MOST = 4096


def remember(function: Callable[P, R]) -> Callable[P, R]:
    """The function, computing each result once for the same values; numbers compare by value."""
    known: OrderedDict[tuple[int, ...], tuple[object, R]] = OrderedDict()

    @wraps(function)
    def remembering(*args: P.args, **kwargs: P.kwargs) -> R:
        key = tuple(value if isinstance(value, int) else id(value) for value in (*args, *kwargs.values()))
        found = known.get(key)
        if found is None:
            found = known[key] = ((args, kwargs), function(*args, **kwargs))
            if len(known) > MOST:
                known.popitem(last=False)
        return found[1]

    return remembering
