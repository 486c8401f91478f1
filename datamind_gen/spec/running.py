"""How to run a pipeline here. Nothing of this says what the dataset is: it is in no key, and changing it
never redoes anything.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field, field_validator

from datamind_gen.spec.section import Section


class Display(StrEnum):
    AUTO = "auto"
    """Live in a terminal, plain lines elsewhere."""
    LIVE = "live"
    PLAIN = "plain"
    NONE = "none"


class GraphRunner(StrEnum):
    DISTILABEL = "distilabel"
    LOCAL = "local"
    """The same stages without distilabel: the same rows."""


class ConcurrencyRange(NamedTuple):
    """Requests in flight to one endpoint: where adapting may not go below and above."""

    least: int
    most: int


class Budget(Section):
    """When any of these is reached, the run drains, publishes what passed, and can be resumed."""

    usd: Annotated[float, Field(gt=0)] | None = None
    """Money spent on models, where their prices are known."""
    tokens: Annotated[int, Field(gt=0)] | None = None
    """Tokens of all models, prompts and replies."""
    hours: Annotated[float, Field(gt=0)] | None = None
    """Wall time of this run, pauses between resumes not counted."""


class RunSettings(Section):
    """`run:` in a pipeline: how to run it on this machine."""

    concurrency: int | str = "8-64"
    """Requests in flight to each endpoint: a number, or `least-most`, adapted when the endpoint pushes
    back."""
    budget: Budget = Budget()
    """When to stop. Nothing given: no limit."""
    display: Display = Display.AUTO
    """What the terminal shows while running."""
    graph: GraphRunner = GraphRunner.DISTILABEL
    """What moves the rows between the stages."""
    ray: str | None = None
    """Address of a Ray cluster to run the graph on."""
    batch_size: Annotated[int, Field(ge=1)] = 50
    """Rows that travel together between two stages. They are worked on one by one all the same."""
    error_rate: Annotated[float, Field(gt=0, le=1)] | None = 0.5
    """Stop when this share of the last `error_window` settled rows failed (`rejected` is no failure);
    `null` never stops."""
    error_window: Annotated[int, Field(ge=1)] = 100
    """How many settled rows `error_rate` looks back over; with fewer it waits."""
    salvage_rounds: Annotated[int, Field(ge=0)] = 2
    """How often rows that failed, and may be mended by asking again, are tried once more at the end."""
    stall_seconds: Annotated[float, Field(ge=10)] = 600.0
    """Without any sign of life for so long, the run reports what hangs and ends, resumable."""

    @field_validator("concurrency")
    @classmethod
    def _check_concurrency(cls, value: int | str) -> int | str:
        read_concurrency(value)
        return value

    @property
    def concurrency_range(self) -> ConcurrencyRange:
        return read_concurrency(self.concurrency)


def read_concurrency(value: int | str) -> ConcurrencyRange:
    """`16`, `"16"` or `"8-64"` as a range. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", str(value))
    if found is None:
        raise ValueError("write a number (`16`) or a range (`8-64`)")
    least = int(found[1])
    most = int(found[2]) if found[2] else least
    if not 1 <= least <= most:
        raise ValueError("the range must start at 1 or more and not end below its start")
    return ConcurrencyRange(least, most)
