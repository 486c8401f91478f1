"""What a run may spend: `budget: {usd: 25, tokens: 40M, hours: 3}`.

A budget tells when it is reached, and by what; the engine then drains. Where a server does not count a
reply's tokens, the most that the reply can have cost is counted, so that a budget is never overspent
by what nobody counted; a model without a price cannot be held to dollars, and `problems` says so
before anything is spent. What is in flight when a budget is reached still arrives, and still costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt

from datamind_gen.models.usage import ModelUsage

SCALES = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def parse_tokens(value: object) -> object:
    """40M as 40000000; other values as they are."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmbKMB]?)\s*", value)):
        return round(float(match[1]) * SCALES[match[2].lower()])
    return value


class Budget(BaseModel):
    """Bounds on a run; None is no bound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd: PositiveFloat | None = None
    tokens: Annotated[PositiveInt | None, BeforeValidator(parse_tokens)] = Field(
        default=None, examples=["40M", 40_000_000]
    )
    """Prompt and completion tokens of all models together."""
    hours: PositiveFloat | None = None

    def problems(self, usage: Iterable[ModelUsage]) -> list[str]:
        """Why the budget cannot be kept, one sentence a cause; empty when it can."""
        if self.usd is None:
            return []
        return [
            f"the price of {entry.model} at {entry.endpoint} is unknown, so budget.usd cannot be kept: "
            "add prices: {input: …, output: …} (US dollars for a million tokens) to its settings"
            for entry in usage
            if not entry.priced
        ]

    def reached(self, usage: Iterable[ModelUsage], *, elapsed_s: float) -> str | None:
        """Which bound is reached, as a sentence; None while there is room."""
        entries = list(usage)
        tokens = sum(entry.tokens_at_most for entry in entries)
        usd = sum(entry.usd_at_most or 0.0 for entry in entries)
        if self.tokens is not None and tokens >= self.tokens:
            return f"the budget of {self.tokens:,} tokens is reached ({tokens:,} spent)"
        if self.usd is not None and usd >= self.usd:
            return f"the budget of {self.usd:.2f} US dollars is reached ({usd:.2f} spent)"
        if self.hours is not None and elapsed_s >= self.hours * 3600:
            return f"the budget of {self.hours:g} hours is reached"
        return None
