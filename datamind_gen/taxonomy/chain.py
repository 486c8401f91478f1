"""A chain: one or more filled programs over a view, each hop taking what the hop before it gives.

The state between hops is one table. A filter narrows it for all that follows; a derived table replaces
it; a label or a number only takes a slot's place. So a chain has one meaning, which its code, its SQL
and its question all follow. Chains turn into the hops of a `Query` and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from datamind_gen.rows import AnswerType, Column, Hop, Profile, Query, SemanticType, Slot
from datamind_gen.taxonomy.fill import slot_values
from datamind_gen.taxonomy.render import Value, Wired, render_words
from datamind_gen.taxonomy.schema import Gives, Program, Taxonomy, Wire
from datamind_gen.taxonomy.views import View, find_view

FILTER = "filter"
"""The slot that says which column a filter wiring compares; its value is the operator."""


@dataclass(frozen=True, slots=True)
class Link:
    """A hop: a program with its slots. `wire` says how it takes the link before it."""

    category: str
    program: Program
    slots: tuple[Slot, ...]
    wire: Wire | None = None

    @property
    def path(self) -> str:
        return f"{self.category}/{self.program.name}"

    @property
    def filter(self) -> Slot | None:
        return next((slot for slot in self.slots if slot.name == FILTER), None)

    @property
    def wired_slot(self) -> Slot | None:
        """The slot, a filter's included, that the earlier answer fills."""
        return next((slot for slot in self.slots if slot.wired is not None), None)

    def columns_used(self) -> frozenset[str]:
        return frozenset(slot.column for slot in self.slots if slot.column is not None)

    def column_of(self, name: str | None) -> str | None:
        """The column that fills a column slot."""
        return next((slot.column for slot in self.slots if slot.name == name), None)


@dataclass(frozen=True, slots=True)
class Chain:
    view: View
    links: tuple[Link, ...]

    @property
    def last(self) -> Link:
        return self.links[-1]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for chains that compute the same."""
        return (self.view.tables, *((link.path, link.wire, link.slots) for link in self.links))

    def gives_at(self, index: int) -> Gives:
        """The type of a link's answer, over the columns that it has."""
        link = self.links[index]
        gives = link.program.gives
        name = link.column_of(gives.whole)
        dtype = next((column.dtype for column in self.columns_at(index) if column.name == name), None)
        return gives.model_copy(update={"decimals": None}) if dtype == "int" else gives

    def columns_at(self, index: int) -> tuple[Column, ...]:
        """The columns that the link at an index sees."""
        columns = self.view.columns
        for position in range(1, index + 1):
            if self.links[position].wire is Wire.TABLE:
                columns = derived_columns(self.links[position - 1], columns)
        return columns

    def words_at(self, index: int) -> dict[str, str]:
        """What questions call the columns that the link at an index sees, where not by their name."""
        words = dict(self.view.called)
        for position in range(1, index + 1):
            if self.links[position].wire is Wire.TABLE:
                words = self._derived_words(position - 1, words)
        return words

    def _derived_words(self, index: int, words: Mapping[str, str]) -> dict[str, str]:
        link = self.links[index]
        values = slot_values(link.program, link.slots, self.columns_at(index), words)
        found = {}
        for derived in link.program.gives.columns:
            name = derived.name or link.column_of(derived.like)
            if name is not None and derived.words is not None:
                found[name] = render_words(derived.words, values)
        return found

    def values(self, index: int, *, phrase: str = "", python: str = "", sql: str = "") -> dict[str, Value]:
        """What the templates of the link at an index see; the wired slot in the given forms."""
        link = self.links[index]
        values = slot_values(link.program, link.slots, self.columns_at(index), self.words_at(index))
        wired = link.wired_slot
        if wired is not None and wired.name != FILTER:
            values[wired.name] = Wired(python=python, sql=sql, phrase=phrase)
        return values


def derived_columns(link: Link, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of the table that a link gives, as far as they are known before it runs."""
    by_name = {column.name: column for column in columns}
    labels = [by_name[name] for part in link.program.gives.columns if (name := link.column_of(part.like))]
    rows = max((column.distinct for column in labels if not column.kind.is_measure), default=0)
    found = []
    for part in link.program.gives.columns:
        like = by_name[link.column_of(part.like) or ""]
        name = part.name or like.name
        if like.kind.is_measure:
            known = replace(like, name=name, count=rows, nulls=0, distinct=rows, distinct_exact=False)
            unknown = replace(known, minimum=None, maximum=None, mean=None, std=None, quantiles=(), top=())
            found.append(unknown)
        else:
            kind = SemanticType.NAME if like.kind is SemanticType.CATEGORY else like.kind
            found.append(replace(like, name=name, kind=kind, count=like.distinct, nulls=0, top=()))
    return tuple(found)


def takes_table(columns: Sequence[Column]) -> int:
    """How many rows a derived table has, as far as its columns tell."""
    return max((column.count for column in columns), default=0)


def filter_operator(kind: AnswerType) -> str:
    """How a filter compares a column with an earlier answer of a type."""
    return {AnswerType.LIST: "in", AnswerType.NUMBER: ">"}.get(kind, "==")


# --- to rows and back ------------------------------------------------------------------------------


def to_hops(chain: Chain, questions: Sequence[str], phrases: Sequence[str]) -> tuple[Hop, ...]:
    return tuple(
        Hop(
            category=link.category,
            question=question,
            phrase=phrase,
            program=link.path,
            slots=link.slots,
            wiring=link.wire.value if link.wire else None,
        )
        for link, question, phrase in zip(chain.links, questions, phrases, strict=True)
    )


def from_query(query: Query, taxonomy: Taxonomy, profile: Profile) -> Chain:
    """The chain that a program's query was made from. Raises KeyError when the taxonomy or the profile
    no longer holds it."""
    links = []
    for hop in query.hops:
        if hop.program is None:
            raise KeyError(f"{query.id}: a hop of it is no program's")
        wire = Wire(hop.wiring) if hop.wiring else None
        links.append(Link(hop.category, taxonomy.program(hop.program), hop.slots, wire))
    return Chain(find_view(profile, query.tables), tuple(links))


def wire_column(chain: Chain, index: int) -> str | None:
    """The column whose values the answer of the link before `index` is one of."""
    slot = chain.links[index].wired_slot
    return None if slot is None else slot.column
