"""What a taxonomy is: categories of questions, and the programs that ask and answer them.

These are the types behind `taxonomies/*/`: a user edits YAML, and everything here is what that YAML
may say; that its names name something, `names` checks. `render` fills templates, `fill` chooses the slots,
`execute` runs the code. How to write a category is told in docs/taxonomies.md.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from datamind_gen.rows import AnswerType, Level, hash_text

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Literal = int | float | str
RESERVED = frozenset({"table", "decimals", "dialect", "filter", "df", "answer", "rows"})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnKind(StrEnum):
    """What a slot may ask of a column. `fill.suits` says which profiled columns qualify."""

    MEASURE = "measure"
    """A number, an amount of money or a percentage that sums and means make sense of."""
    MONEY = "money"
    PERCENT = "percent"
    CATEGORY = "category"
    """Few values that repeat: something to group by. Booleans qualify."""
    NAME = "name"
    """A label that names a row, such as a country or a product."""
    LABEL = "label"
    """A category or a name."""
    DATE = "date"
    YEAR = "year"
    TEXT = "text"
    BOOLEAN = "boolean"
    IDENTIFIER = "identifier"
    ANY = "any"


class NullWish(StrEnum):
    FEW = "few"
    """At most half of the rows: the default."""
    SOME = "some"
    """At least one, and at most 90 % of the rows."""
    NONE = "none"


class Choice(Strict):
    """One way to say and compute something: `{python: mean, sql: AVG, words: average}`."""

    python: Literal
    sql: str | None = None
    """Pasted into SQL as it stands: a keyword or a function's name, never data."""
    words: str

    @field_validator("sql")
    @classmethod
    def _check_keyword(cls, sql: str | None) -> str | None:
        if sql is not None and not re.fullmatch(r"[A-Za-z_<>=!]+( [A-Za-z_]+)*", sql):
            raise ValueError(f"sql: {sql!r} is not a keyword, an operator or a function's name")
        return sql


class SlotSpec(Strict):
    """A typed slot. Exactly one of the keys that say where its value comes from is given:

    `column` a column of the table; `number` one of these; `choice` one of these; `quantile_of` a round
    number near a quantile of a column slot; `value_of` a label that occurs in a column slot;
    `values_of` several such labels; `date_of` a date within a date column's range; `year_of` a year
    within it.
    """

    column: ColumnKind | tuple[ColumnKind, ...] | None = None
    distinct: tuple[int, int] | None = None
    """Of a column: at least and at most so many distinct values."""
    rows_each: int | None = None
    """Of a column: at least so many rows a distinct value, on average."""
    nulls: NullWish = NullWish.FEW
    positive: bool = False
    """Of a column: every value above zero (logarithms, ratios, growth)."""
    additive: bool = False
    """Of a column: its sum means something: amounts and counts, not rates, indices or temperatures."""
    integral: bool | None = None

    number: tuple[Literal, ...] | None = None
    choice: tuple[Choice, ...] | None = None
    quantile_of: str | None = None
    at: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.25, 0.5, 0.75)
    value_of: str | None = None
    values_of: str | None = None
    count: tuple[int, ...] = (2, 3)
    other_than: str | None = None
    """Of `value_of`: differs from that slot."""
    date_of: str | None = None
    year_of: str | None = None
    wire: bool = True
    """Whether an earlier hop's answer may take this slot's place."""

    @property
    def source(self) -> str:
        """The one key that says where the value comes from."""
        return self._sources()[0]

    @property
    def of(self) -> str | None:
        """The column slot that this slot's value belongs to."""
        return self.quantile_of or self.value_of or self.values_of or self.date_of or self.year_of

    @property
    def kinds(self) -> tuple[ColumnKind, ...]:
        if self.column is None:
            return ()
        return (self.column,) if isinstance(self.column, ColumnKind) else self.column

    def _sources(self) -> list[str]:
        keys = ("column", "number", "choice", "quantile_of", "value_of", "values_of", "date_of", "year_of")
        return [key for key in keys if getattr(self, key) is not None]

    @model_validator(mode="after")
    def _check_one_source(self) -> SlotSpec:
        if len(found := self._sources()) != 1:
            raise ValueError(
                f"a slot needs exactly one of column, number, choice, quantile_of, value_of, values_of, "
                f"date_of, year_of; this one has {found or 'none'}"
            )
        return self


class Wire(StrEnum):
    """How a hop may take the answer of the hop before it."""

    FILTER = "filter"
    """Its table keeps only the rows of an earlier label or list, or those above an earlier number."""
    LABEL = "label"
    """A `value_of` slot."""
    NUMBER = "number"
    """A `quantile_of` slot."""
    TABLE = "table"
    """An earlier table takes the place of its own."""


class DerivedColumn(Strict):
    """A column of a table that a program gives, so that a later hop can fill its slots from it."""

    like: str
    """The column slot that it resembles: it has its meaning and unit."""
    name: str | None = None
    """Its name; that of the slot's column when left out."""
    words: str | None = None
    """How a question calls it, a template: `total {{ value }}`."""


class Gives(Strict):
    """The type of a program's answer."""

    type: AnswerType
    of: str | None = None
    """The column slot that a label or list comes from, or whose scale a number shares; needed for
    wiring. A count, a ratio or a coefficient shares no column's scale."""
    unit: str | None = None
    unit_of: str | None = None
    """The column slot whose unit the answer has."""
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    """Digits after the point that the question asks for; None for whole numbers and labels."""
    whole: str | None = None
    """A column slot: where it holds whole numbers the answer is one too, and no digits are asked for."""
    ordered: bool = False
    """Of a list or a table: whether the order counts."""
    may_be_trivial: bool = False
    """Whether 0, 0 % and 100 % are fair answers."""
    columns: tuple[DerivedColumn, ...] = ()
    """Of a table."""
    claims: dict[Slug, Claim] = {}
    """Of claims: the keys of the dict that the code binds to `answer`, in the order stated."""
    statement: str | None = None
    """Of claims: a template that says them in words, as a careful analyst would."""

    @model_validator(mode="after")
    def _check_parts(self) -> Gives:
        kind = self.type
        if kind is AnswerType.CLAIMS and not (self.claims and self.statement):
            raise ValueError("an answer of type claims needs `claims` and a `statement`")
        if kind is not AnswerType.CLAIMS and (self.claims or self.statement):
            raise ValueError(f"`claims` and `statement` belong to answers of type claims, not {kind}")
        if kind is AnswerType.TABLE and not self.columns:
            raise ValueError("an answer of type table needs `columns`")
        if kind is not AnswerType.TABLE and self.columns:
            raise ValueError(f"`columns` belong to answers of type table, not {kind}")
        if kind is AnswerType.PERCENT and self.decimals is None:
            raise ValueError("an answer of type percent needs `decimals`")
        return self


class Claim(Strict):
    """One part of a judgement that can be checked."""

    type: AnswerType
    decimals: int | None = None
    checked: bool = True
    """False for wording that only a reader can judge."""


class Program(Strict):
    """A question with typed slots, its code and the type of its answer."""

    name: Slug
    slots: dict[Slug, SlotSpec]
    takes: tuple[Wire, ...] = tuple(Wire)
    """How it may take the answer of an earlier hop."""
    gives: Gives
    feeds: tuple[Wire, ...] = tuple(Wire)
    """How a later hop may take its answer: a mean of one group is fit to be compared with, not to cut all
    rows by."""
    ends: bool = True
    """Whether its question is worth asking for itself; False for a plain figure that only feeds others."""
    leads: Annotated[float, Field(ge=0)] = 1.0
    """How readily another question starts from its answer, beside other programs; 0 where nobody would."""
    question: tuple[str, ...] = Field(min_length=1)
    """Phrasings, templates over the slots. The engine adds how to round and which unit to give."""
    phrase: str
    """A noun phrase for the answer, to stand inside a later hop's question."""
    python: str
    """Binds `answer`, from `df`."""
    sql: str | None = None
    """One SELECT that gives the answer and nothing else, over `{{ table }}`."""
    guards: tuple[str, ...] = ()
    """Python expressions, evaluated after the code with its variables; all must hold."""
    thought: str | None = None
    """What an analyst would think before writing the code, a template; worded plainly if left out."""

    @field_validator("question", mode="before")
    @classmethod
    def _listed(cls, question: object) -> object:
        return [question] if isinstance(question, str) else question


class Exemplar(Strict):
    """A question that shows an author model what the category asks."""

    question: str
    domain: str
    level: Level


class Workflow(Strict):
    """Procedural knowledge for an expert model: steps, and the traps on the way."""

    python: str = ""
    sql: str = ""
    """For databases."""


class Category(Strict):
    """One YAML file of a taxonomy."""

    name: Slug
    title: str
    description: str
    """What it asks for, and what sets it apart from its neighbours."""
    weight: Annotated[float, Field(gt=0)]
    """Its wanted share; weights need not sum to anything."""
    needs: dict[ColumnKind, Annotated[int, Field(ge=1)]] = {}
    """How many columns of which kind a table must have for the category to make sense."""
    exemplars: tuple[Exemplar, ...] = Field((), max_length=6)
    """Needed where a model is an author, as are `templates`."""
    templates: tuple[str, ...] = ()
    """Phrasings for author models, with blanks in angle brackets."""
    workflow: Workflow = Workflow()
    programs: tuple[Program, ...] = ()

    def program(self, name: str) -> Program:
        """The program of that name. Raises KeyError."""
        for program in self.programs:
            if program.name == name:
                return program
        raise KeyError(f"category {self.name!r} has no program {name!r}")


class Taxonomy(Strict):
    """taxonomy.yaml with the categories that lie beside it."""

    name: Slug
    title: str
    description: str
    categories: tuple[Category, ...] = Field(min_length=1)

    def category(self, name: str) -> Category:
        """The category of that name. Raises KeyError."""
        for category in self.categories:
            if category.name == name:
                return category
        raise KeyError(f"taxonomy {self.name!r} has no category {name!r}")

    def program(self, path: str) -> Program:
        """The program at `category/name`. Raises KeyError."""
        category, _, name = path.partition("/")
        return self.category(category).program(name)

    def fingerprint(self) -> str:
        """A hash over all that its files say."""
        return hash_text(self.model_dump_json())

    def weights(self) -> dict[str, float]:
        """Wanted share by category, summing to one."""
        total = sum(category.weight for category in self.categories)
        return {category.name: category.weight / total for category in self.categories}


Gives.model_rebuild()
