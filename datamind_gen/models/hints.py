"""What the scripted model is told beside the messages: a query's program and slots, as code to act from.

The hint never holds a reference, nor any answer of a hop: what the scripted expert answers with comes from
what its code printed. No other model sees it, and it is never sent over a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from datamind_gen.rows import HopCode, Profile, Query, decode, encode


@dataclass(frozen=True, slots=True)
class HintColumn:
    """A column that an expert might take for another one."""

    name: str
    is_measure: bool


@dataclass(frozen=True, slots=True)
class Hint:
    query_id: str
    question: str
    is_database: bool
    hops: tuple[HopCode, ...]
    """Empty for a query that no program made: there the scripted expert has nothing to act from."""
    columns: tuple[HintColumn, ...]
    misread: str | None
    paths: tuple[str, ...]


def make_hint(query: Query, profile: Profile) -> str:
    """The hint of a query about a file, as JSON text."""
    columns = {
        column.name: HintColumn(column.name, column.kind.is_measure and column.dtype in ("int", "float"))
        for name in query.tables
        for column in profile.table(name).columns
    }
    codes = tuple(hop.code for hop in query.hops if hop.code is not None)
    return encode(
        Hint(
            query_id=query.id,
            question=query.question,
            is_database=profile.file.format.is_database,
            hops=codes if len(codes) == len(query.hops) else (),
            columns=tuple(columns.values()),
            misread=query.misread,
            paths=tuple(f"data/files/{part.name}" for part in profile.file.parts),
        )
    )


def read_hint(text: str) -> Hint:
    """The hint that `make_hint` wrote. Raises pydantic.ValidationError."""
    return decode(Hint, text)


class AuthorTask(StrEnum):
    """What an author is asked for."""

    WRITE = "write"
    COMPOSE = "compose"
    PARAPHRASE = "paraphrase"


@dataclass(frozen=True, slots=True)
class AuthorHint:
    """What the scripted author writes: the question of a program, in the tags that the prompt asks for."""

    query_id: str
    task: AuthorTask
    question: str
    description: str = ""
    type: str = ""
    step: str = ""
    wiring: str = ""


def read_author_hint(text: str) -> AuthorHint:
    """The hint that a stage encoded. Raises pydantic.ValidationError."""
    return decode(AuthorHint, text)
