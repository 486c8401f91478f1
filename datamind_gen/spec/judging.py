"""What a pipeline says about judging the samples of a query, and about reflecting on those that disagree."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from datamind_gen.spec.section import Section


class JudgeMethod(StrEnum):
    RULE = "rule"
    """Typed comparison of answers; needs no model."""
    MODEL = "model"
    """The judge model, as in the paper."""


class Keep(StrEnum):
    """Which of the agreeing trajectories go on."""

    BEST = "best"
    ALL = "all"
    SHORTEST = "shortest"


class JudgeSettings(Section):
    """`judge:` in a pipeline."""

    methods: tuple[JudgeMethod, ...] = (JudgeMethod.RULE, JudgeMethod.MODEL)
    """In this order: each is asked only for what those before it could not settle."""
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Relative difference at which two numbers still say the same (3 % in the paper)."""
    require: Literal["all", "majority"] | Annotated[int, Field(ge=1)] = "all"
    """How many samples of a query must agree: all of them, more than half, or a number."""
    keep: Keep = Keep.BEST
    """Which of the agreeing trajectories go on: the best one, all of them, or the shortest."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    """Of the judge; `null` leaves the provider's default."""
    max_tokens: Annotated[int, Field(ge=16)] = 2048
    """Tokens that the judge may write."""

    @field_validator("methods")
    @classmethod
    def _check_methods(cls, methods: tuple[JudgeMethod, ...]) -> tuple[JudgeMethod, ...]:
        if not methods:
            raise ValueError("no method is left; give `rule`, `model` or both")
        if len(set(methods)) < len(methods):
            raise ValueError("a method stands twice; name each once")
        return methods


class ReflectSettings(Section):
    """`reflect:` in a pipeline: a second chance for queries whose samples disagree."""

    rounds: Annotated[int, Field(ge=0, le=10)] = 1
    """How often the judge's reasoning goes back to the expert; 0 turns reflection off."""
    samples: Annotated[int, Field(ge=1, le=64)] | None = None
    """New trajectories a round; as many as `sample.samples` when left out."""
