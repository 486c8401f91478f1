"""A query: its hops, their code, and the reference answer where a program computed one."""

from __future__ import annotations

from dataclasses import dataclass

from datamind_gen.rows.vocabulary import AnswerType, Level, Origin, Scalar


@dataclass(frozen=True, slots=True)
class Answer:
    """A typed answer. `text` is how a person would write it; `value` is what code compares."""

    type: AnswerType
    text: str
    value: Scalar | tuple[Scalar, ...] | tuple[tuple[Scalar, ...], ...]
    unit: str | None = None
    decimals: int | None = None
    """Digits after the point that the question asks for."""
    columns: tuple[str, ...] = ()
    """Column names, for a table."""
    ordered: bool = False
    """Whether order counts, for a list or a table."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a program, filled. `wired` names the hop (0-based) whose answer fills it instead."""

    name: str
    value: Scalar | tuple[Scalar, ...] = None
    column: str | None = None
    """Set when the slot is a column rather than a literal."""
    table: str | None = None
    wired: int | None = None


@dataclass(frozen=True, slots=True)
class HopCode:
    """What computes a program's hop, and how its answer is written: for lineage, and for the scripted
    model to act from. Earlier hops' answers stand in it by name, never by value."""

    wiring: str
    """Python that makes `df` what the hop works on; an earlier answer is `answer_N`."""
    python: str
    """Binds `answer`."""
    sql: str | None
    """One SELECT; an earlier answer is `⟦answer_N⟧`."""
    type: AnswerType
    load: str = ""
    """Of the first hop: Python that binds `df`."""
    given: str | None = None
    """The dtype of the column that the earlier hop's answer is a value of."""
    thought: str = ""
    decimals: int | None = None
    unit: str | None = None
    statement: str | None = None
    """Of claims: a template over them that says them in words."""
    claims: tuple[tuple[str, int | None], ...] = ()
    """Of claims: their names, and the digits that each is rounded to."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a query: a question of its own, whose answer the next hop may take."""

    category: str
    question: str
    phrase: str
    """A noun phrase for what it gives."""
    program: str | None = None
    """`category/name`, when a program of the taxonomy makes it."""
    slots: tuple[Slot, ...] = ()
    wiring: str | None = None
    """How it takes earlier hops' answers: filter, label, number, table; None for the first."""
    reference: Answer | None = None
    found: str | None = None
    """What executing a model's hop gave, once: what the chain was built on, and no reference."""
    code: HopCode | None = None
    """Only hops of programs have one."""


@dataclass(frozen=True, slots=True)
class Query:
    id: str
    file_id: str
    question: str
    category: str
    """The last hop's category: what the answer is."""
    hops: tuple[Hop, ...]
    level: Level
    origin: Origin
    tables: tuple[str, ...]
    answer_type: AnswerType
    reference: Answer | None = None
    """The executed reference; only queries of programs have one."""
    parents: tuple[str, ...] = ()
    misread: str | None = None
    """A misreading planted in every sample of the query (scripted model only): truth for audits."""
    template: str | None = None
    """The phrasing template or prompt it came from."""
    wave: int = 1
    wanted_hops: int = 1
    """What the plan asks for; the compose stage brings the query there."""
    wanted_level: Level | None = None
    wanted_category: str | None = None
    """Of a model's query that is to get more hops: the category that the plan asks for, the last hop's."""

    @property
    def verified(self) -> bool:
        return self.reference is not None
