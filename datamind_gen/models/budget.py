"""Whether a run has spent what it may: `budget: {usd: 25, tokens: 40M, hours: 3}`.

`budget_reached` tells by which bound; the engine then drains. Where a server does not count a reply's
tokens, the most that the reply can have cost is counted, so that a budget is never overspent by what
nobody counted; a model without a price cannot be held to dollars, and `budget_problems` says so before
anything is spent. What is in flight when a budget is reached still arrives, and still costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Protocol

from pydantic import BeforeValidator, PositiveInt

from datamind_gen.models.usage import ModelUsage

SCALES = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


class BudgetBounds(Protocol):
    """Bounds on a run; None is no bound."""

    @property
    def usd(self) -> float | None: ...
    @property
    def tokens(self) -> int | None: ...
    @property
    def hours(self) -> float | None: ...


def budget_problems(budget: BudgetBounds, usage: Iterable[ModelUsage]) -> list[str]:
    """Why the budget cannot be kept, one sentence a cause; empty when it can."""
    if budget.usd is None:
        return []
    return [
        f"the price of {entry.model} at {entry.endpoint} is unknown, so budget.usd cannot be kept: "
        "add prices: {input: …, output: …} (US dollars for a million tokens) to its settings"
        for entry in usage
        if not entry.priced
    ]


def budget_reached(budget: BudgetBounds, usage: Iterable[ModelUsage], *, elapsed_s: float) -> str | None:
    """Which bound is reached, as a sentence; None while there is room."""
    entries = list(usage)
    tokens = sum(entry.tokens_at_most for entry in entries)
    usd = sum(entry.usd_at_most or 0.0 for entry in entries)
    if budget.tokens is not None and tokens >= budget.tokens:
        return f"the budget of {budget.tokens:,} tokens is reached ({tokens:,} spent)"
    if budget.usd is not None and usd >= budget.usd:
        return f"the budget of {budget.usd:.2f} US dollars is reached ({usd:.2f} spent)"
    if budget.hours is not None and elapsed_s >= budget.hours * 3600:
        return f"the budget of {budget.hours:g} hours is reached"
    return None


def parse_tokens(value: object) -> object:
    """40M as 40000000; what is no such text as it is."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmbKMB]?)\s*", value)):
        return round(float(match[1]) * SCALES[match[2].lower()])
    return value


TokenCount = Annotated[PositiveInt, BeforeValidator(parse_tokens)]
"""A number of tokens as a user may write it: 40000000, 400k or 40M."""
