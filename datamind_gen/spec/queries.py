"""What a pipeline says about its queries: how many, how hard, by whom, and how they must spread."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from datamind_gen.rows import Level
from datamind_gen.spec.section import Section

Share = Annotated[float, Field(ge=0)]


class AuthorMix(Section):
    """Shares of queries by who writes them; the one left out gets none. They need not sum to one."""

    replaced_whole: ClassVar[bool] = True
    """A pipeline that extends another gives both shares anew."""

    model: Share = 0.0
    """Written by the author model, as in the paper."""
    program: Share = 0.0
    """Filled from the taxonomy's programs, with an executed reference."""

    @model_validator(mode="after")
    def _check_some(self) -> AuthorMix:
        if self.model + self.program <= 0:
            raise ValueError("author shares are all zero; give `model` or `program` a positive share")
        return self


class QuerySettings(Section):
    """`queries:` in a pipeline."""

    author: AuthorMix = AuthorMix(program=1.0)
    """Who writes the queries, as shares: `{model: 0.7, program: 0.3}`."""
    hops: dict[Annotated[int, Field(ge=1, le=5)], Share] = Field(
        default={1: 0.5, 2: 0.25, 3: 0.13, 4: 0.08, 5: 0.04}, min_length=1
    )
    """Wanted shares by number of hops."""
    paraphrase: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of program questions that the author model rephrases."""
    attempts: Annotated[int, Field(ge=1)] = 12
    """How many fillings of slots are tried before a planned query is given up."""
    duplicate_threshold: Annotated[float, Field(gt=0, le=1)] = 0.85
    """Questions about the same file whose word 3-gram Jaccard similarity reaches this are duplicates."""


class CoverageSettings(Section):
    """`coverage:` in a pipeline: targets, and when to stop trying."""

    target: Annotated[int, Field(ge=1)] = 200
    """Kept trajectories wanted in all."""
    per_file: Annotated[int, Field(ge=1)] = 24
    """At most so many queries about one file."""
    each_cell: Annotated[int, Field(ge=0)] = 0
    """Kept trajectories wanted in every cell of category x format x hops that the data allow, whatever the
    shares say; 0 leaves it to the shares."""
    waves: Annotated[int, Field(ge=1)] = 3
    """At most so many waves; the second and later ones top up what filtering left short."""
    categories: dict[str, Share] | None = None
    """Wanted shares by category; the taxonomy's weights when left out."""
    formats: dict[str, Share] | None = None
    """Wanted shares by file format; as the sources have them when left out."""
    levels: dict[Level, Share] | None = None
    """Wanted shares by level, within what `queries.hops` allows (a question of one hop is never very hard);
    as they come when left out. Programs draw towards it; a model's questions are as hard as they are."""
