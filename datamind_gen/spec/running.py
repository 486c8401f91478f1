"""How to run a pipeline here. Nothing of this says what the dataset is: it is in no key, and changing it
never redoes anything.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field, field_validator

from datamind_gen.models.budget import TokenCount
from datamind_gen.models.settings import RetrySettings
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
    tokens: TokenCount | None = None
    """Tokens of all models, prompts and replies."""
    hours: Annotated[float, Field(gt=0)] | None = None
    """Wall time of this run, pauses between resumes not counted."""


class RunSettings(Section):
    """`run:` in a pipeline: how to run it on this machine."""

    out: str | None = None
    """The run directory; `runs/NAME` below the working directory when left out. `--out` wins."""
    concurrency: int | str | None = None
    """Requests in flight to each endpoint, a number or a range (`8-64`), in place of the models' own."""
    turns: Annotated[int, Field(ge=1)] | None = None
    """Turns of code that run at once; one more than there are cores when left out."""
    awake_memory_mb: Annotated[int, Field(ge=64)] | None = None
    """Memory for all sessions kept awake; the longest idle sleep. Half of this machine's when left out."""
    scratch: str | None = None
    """Where sessions' directories lie; a temporary directory, removed at the end, when left out."""
    budget: Budget = Budget()
    """When to stop. Nothing given: no limit."""
    retries: RetrySettings = RetrySettings()
    """When to ask a model again, how long to bear an outage, when too many calls failed."""
    salvage_rounds: Annotated[int, Field(ge=0)] = 2
    """How often rows that failed, and may be mended by asking again, are tried once more at the end."""
    error_rate: Annotated[float, Field(gt=0, le=1)] | None = 0.5
    """Stop when more than this share of the last `error_window` settled rows failed (a rejected row is no
    failure); `null` never stops."""
    error_window: Annotated[int, Field(ge=1)] = 100
    """How many settled rows `error_rate` looks back over; with fewer it waits."""
    stall_seconds: Annotated[float, Field(ge=10)] = 600.0
    """Without any sign of life for so long, the run says what hangs and ends, resumable."""
    display: Display = Display.AUTO
    """What the terminal shows while running."""
    graph: GraphRunner = GraphRunner.DISTILABEL
    """What moves the rows between the stages; `local` gives the same rows without distilabel."""
    ray: str | None = None
    """Address of a Ray cluster (`HOST:PORT`, or `auto`) to run the graph on, an engine a node. Start the
    run on one of its nodes; pipeline, files and run directory lie on a file system that all nodes share."""

    @field_validator("concurrency")
    @classmethod
    def _check_concurrency(cls, value: int | str | None) -> int | str | None:
        if value is not None:
            read_concurrency(value)
        return value

    @field_validator("ray")
    @classmethod
    def _check_ray(cls, value: str | None) -> str | None:
        if value is not None and value.startswith("ray://"):
            raise ValueError(
                "the run has to be on a node of the cluster, not outside it: log in to one (or use `ray job "
                "submit`) and write `auto`"
            )
        return value

    @property
    def concurrency_range(self) -> ConcurrencyRange | None:
        """The limits that stand in place of the models' own, if any do."""
        return None if self.concurrency is None else read_concurrency(self.concurrency)


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
