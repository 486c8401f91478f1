"""What a pipeline says about sampling trajectories: how many, how long, and what happens on a bad turn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from datamind_gen.spec.section import Section


class SampleSettings(Section):
    """`sample:` in a pipeline."""

    samples: Annotated[int, Field(ge=1, le=64)] = 3
    """Independent trajectories a query (N in the paper)."""
    turns: Annotated[int, Field(ge=1, le=100)] = 10
    """At most so many turns a trajectory (T in the paper); an answer on the last one counts."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.7
    """Of the expert; `null` leaves the provider's default."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = 0.95
    """Of the expert; `null` leaves the provider's default."""
    max_tokens: Annotated[int, Field(ge=16)] = 4096
    """Tokens that the expert may write in one turn."""
    knowledge: bool = True
    """Whether the category's workflow stands at the end of the prompt. It is never published."""
    on_invalid: Literal["retry", "void"] = "retry"
    """A turn with neither code nor answer: `retry` tells the expert, `void` ends the trajectory."""
    on_error: Literal["rollback", "keep"] = "rollback"
    """A turn whose code failed: `rollback` undoes it all, `keep` leaves what was done before the error."""
    observation_chars: Annotated[int, Field(ge=64)] = 2048
    """Characters of output that the expert sees of one turn."""
