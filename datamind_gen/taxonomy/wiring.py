"""Makes a question harder by one hop: finds a program whose answer an existing chain can take.

Composition is recursive. The new hop goes in front: its answer becomes the filter, the label, the number
or the table that the chain's first hop takes, so the last hop, and with it the category and the type of
the answer, stay what they were.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from datamind_gen.rows import AnswerType, Column, SemanticType, Slot
from datamind_gen.taxonomy.chain import FILTER, Chain, Link, derived_columns, filter_operator, takes_table
from datamind_gen.taxonomy.fill import CATEGORY_DISTINCT, fill
from datamind_gen.taxonomy.harness import least_kept
from datamind_gen.taxonomy.schema import ColumnKind, Program, Taxonomy, Wire

_SHARES = {Wire.FILTER: 0.3, Wire.LABEL: 0.35, Wire.NUMBER: 0.25, Wire.TABLE: 0.1}
"""How often each wiring is tried first, where several are open."""
_BY_NUMBER = 0.15
"""How often a filter compares with a number where a label could filter as well: people think in labels."""
MAX_CLAUSES = 3
"""Filters and tables of a chain: four in a row read as a list."""
MAX_NESTING = 2
"""Noun phrases inside one another, `the mean of the firm with the highest ...`, that a reader can follow."""
_LISTED = 3
"""Labels that a filter by a list keeps, as a rule."""
_TIMES = frozenset({ColumnKind.DATE, ColumnKind.YEAR})
_FILTERS = frozenset({SemanticType.CATEGORY, SemanticType.BOOLEAN, SemanticType.YEAR})


@dataclass(frozen=True, slots=True)
class Opening:
    """A place in a chain's first hop that an earlier answer can take."""

    wire: Wire
    column: Column | None
    slot: str | None
    types: frozenset[AnswerType]


def extend(chain: Chain, taxonomy: Taxonomy, rng: random.Random) -> Chain | None:
    """A chain with one hop more in front, or None where the draw found none. Draw again for another."""
    openings = [
        opening
        for opening in _openings(chain)
        if is_readable(_wires(chain, opening.wire)) and not _nests_bounds(chain, opening)
    ]
    if not openings:
        return None
    wires = sorted({opening.wire for opening in openings})
    wire = rng.choices(wires, [_SHARES[wire] for wire in wires])[0]
    opening = _choose([opening for opening in openings if opening.wire is wire], rng)
    asked = {link.path for link in chain.links}
    givers = [
        (category, program, slot)
        for category, program, slot in _givers(taxonomy, opening)
        if (program.sql or not chain.view.is_database)
        and f"{category}/{program.name}" not in asked
        and program.leads
        and not (_picks_of_two(program) and not _can_pick(chain, opening))
    ]
    if not givers:
        return None
    front = chain.links[0]
    weights = [program.leads * (0.4 if name == front.category else 1.0) for name, program, _ in givers]
    category, program, slot = rng.choices(givers, weights)[0]
    forced = {slot: opening.column} if slot is not None and opening.column is not None else {}
    slots = fill(program, chain.view.columns, chain.view.rows, rng, forced=forced)
    if slots is None:
        return None
    giver = Link(category, program, slots)
    longer = _join(chain, giver, opening, rng) if _belongs(giver, chain, opening) else None
    return longer if longer is not None and _leaves_enough(longer) else None


def takes_phrases(chain: Chain) -> bool:
    """Whether an earlier label or number can stand inside its first question."""
    return any(opening.wire in (Wire.LABEL, Wire.NUMBER) for opening in _openings(chain))


def _nests_bounds(chain: Chain, opening: Opening) -> bool:
    """Whether a threshold would stand inside a threshold: `rows above the mean of rows above the mean`."""
    return opening.wire is Wire.NUMBER and len(chain.links) > 1


def _belongs(giver: Link, chain: Chain, opening: Opening) -> bool:
    """Whether a hop is about what the chain is about: it brings in one column at most, picks no label by the
    very columns that are then asked of it, and nothing by a column that then leaves rows out."""
    used = frozenset().union(*(link.columns_used() for link in chain.links))
    if giver.columns_used() & {link.filter.column for link in chain.links if link.filter is not None}:
        return False
    new = giver.columns_used() - used
    if opening.column is not None:
        new |= {opening.column.name} - used
    circular = opening.wire is Wire.LABEL and giver.columns_used() <= chain.links[0].columns_used()
    return len(new) <= 1 and not circular


def _pair(program: Program) -> frozenset[str]:
    """The slots of two labels of one column that a program sets against each other."""
    return frozenset(
        name
        for slot, spec in program.slots.items()
        if spec.other_than is not None
        for name in (slot, spec.other_than)
    )


def _picks_of_two(program: Program) -> bool:
    """Whether its answer is one of two labels that it names: either again would be set against itself."""
    return program.gives.type is AnswerType.LABEL and any(
        spec.value_of == program.gives.of for spec in program.slots.values()
    )


def _can_pick(chain: Chain, opening: Opening) -> bool:
    """Whether one of two labels may be picked for an opening: by words, and not for a pair of its own."""
    numeric = opening.column is not None and opening.column.dtype in ("int", "float")
    return not numeric and opening.slot not in _pair(chain.links[0].program)


def _follows_time(link: Link) -> bool:
    """Whether it goes along dates or years, where rows picked by a value leave gaps."""
    return any(spec.kinds and set(spec.kinds) <= _TIMES for spec in link.program.slots.values())


def _choose(openings: Sequence[Opening], rng: random.Random) -> Opening:
    by_number = [opening for opening in openings if AnswerType.NUMBER in opening.types]
    by_label = [opening for opening in openings if AnswerType.NUMBER not in opening.types]
    if by_number and by_label:
        return rng.choice(by_number if rng.random() < _BY_NUMBER else by_label)
    return rng.choice(openings)


def is_readable(wires: Sequence[Wire | None]) -> bool:
    """Whether one sentence can say hops wired so: few clauses, and few phrases inside one another."""
    clauses, nesting = 0, 0
    for wire in wires:
        if wire in (Wire.FILTER, Wire.TABLE):
            clauses, nesting = clauses + 1, 0
        elif wire is not None:
            nesting += 1
        if clauses > MAX_CLAUSES or nesting > MAX_NESTING:
            return False
    return True


def _wires(chain: Chain, first: Wire) -> tuple[Wire | None, ...]:
    """How the hops are wired once another one is in front, which the first takes so."""
    return (None, first, *(link.wire for link in chain.links[1:]))


def follow(chain: Chain, tail: Chain, rng: random.Random) -> Chain | None:
    """A chain with `tail`, a chain of one hop over the same view, after it; None where the tail cannot take
    its answer."""
    giver = chain.last
    if tail.view.tables != chain.view.tables or any(link.wire is Wire.TABLE for link in chain.links):
        return None
    column = giver.column_of(giver.program.gives.of)
    openings = [
        opening
        for opening in _openings(tail)
        if giver.program.gives.type in opening.types
        and opening.wire in giver.program.feeds
        and (opening.column is None or opening.column.name == column)
    ]
    if not openings:
        return None
    joined = _join(tail, giver, rng.choice(openings), rng)
    if joined is None:
        return None
    place = len(chain.links) - 1
    slots = tuple(slot if slot.wired is None else replace(slot, wired=place) for slot in joined.last.slots)
    longer = Chain(chain.view, (*chain.links, replace(joined.last, slots=slots)))
    return longer if is_readable([link.wire for link in longer.links]) else None


def _openings(chain: Chain) -> Iterator[Opening]:
    front = chain.links[0]
    takes = front.program.takes
    used = _used_on_view(chain)
    if Wire.FILTER in takes:
        labels = frozenset({AnswerType.LABEL, AnswerType.LIST})
        along_time = any(_follows_time(link) for link in chain.links)
        for column in chain.view.columns:
            if column.name in used:
                continue
            if column.kind in _FILTERS and CATEGORY_DISTINCT[0] <= column.distinct <= CATEGORY_DISTINCT[1]:
                yield Opening(Wire.FILTER, column, None, labels)
            if column.kind.is_measure and column.dtype in ("int", "float") and not along_time:
                yield Opening(Wire.FILTER, column, None, frozenset({AnswerType.NUMBER}))
    by_name = {column.name: column for column in chain.view.columns}
    for slot in front.slots:
        spec = front.program.slots.get(slot.name)
        if spec is None or not spec.wire or slot.column is None:
            continue
        if spec.value_of is not None and Wire.LABEL in takes:
            yield Opening(Wire.LABEL, by_name[slot.column], slot.name, frozenset({AnswerType.LABEL}))
        if spec.quantile_of is not None and Wire.NUMBER in takes:
            yield Opening(Wire.NUMBER, by_name[slot.column], slot.name, frozenset({AnswerType.NUMBER}))
    if Wire.TABLE in takes and len(chain.links) == 1:
        yield Opening(Wire.TABLE, None, None, frozenset({AnswerType.TABLE}))


def _leaves_enough(chain: Chain) -> bool:
    """Whether its filters can leave rows enough between them, at their widest: a label its most frequent one,
    a comparison half of the rows."""
    rows = chain.view.rows
    columns = {column.name: column for column in chain.view.columns}
    left = float(rows)
    for link in chain.links:
        if link.wire is Wire.TABLE:
            break
        if link.filter is not None and link.filter.column is not None:
            left *= _widest_share(columns[link.filter.column], link.filter.value, rows)
    return left >= least_kept(rows)


def _widest_share(column: Column, operator: object, rows: int) -> float:
    if operator == ">":
        return 0.5
    counts = sorted((count for _, count in column.top), reverse=True) or [column.count // column.distinct]
    labels = _LISTED if operator == "in" else 1
    return min(1.0, (sum(counts[:labels]) + counts[-1] * max(labels - len(counts), 0)) / rows)


def _used_on_view(chain: Chain) -> frozenset[str]:
    """The columns that the chain uses before a derived table takes over."""
    used: set[str] = set()
    for index, link in enumerate(chain.links):
        if index and link.wire is Wire.TABLE:
            break
        used |= link.columns_used()
    return frozenset(used)


def _givers(taxonomy: Taxonomy, opening: Opening) -> Iterator[tuple[str, Program, str | None]]:
    """Programs whose answer fits an opening, with the slot that must get the opening's column."""
    for category in taxonomy.categories:
        for program in category.programs:
            gives = program.gives
            if gives.type not in opening.types or opening.wire not in program.feeds:
                continue
            if opening.wire is Wire.TABLE:
                yield category.name, program, None
            elif gives.of is not None and opening.column is not None:
                yield category.name, program, gives.of


def _join(chain: Chain, giver: Link, opening: Opening, rng: random.Random) -> Chain | None:
    front, *rest = (_shift(link) for link in chain.links)
    match opening.wire:
        case Wire.FILTER:
            assert opening.column is not None
            operator = filter_operator(giver.program.gives.type)
            wired = Slot(name=FILTER, value=operator, column=opening.column.name, wired=0)
            front = replace(front, slots=(*front.slots, wired), wire=Wire.FILTER)
        case Wire.LABEL | Wire.NUMBER:
            slots = tuple(
                replace(slot, value=None, wired=0) if slot.name == opening.slot else slot
                for slot in front.slots
            )
            front = replace(front, slots=slots, wire=opening.wire)
        case Wire.TABLE:
            columns = derived_columns(giver, chain.view.columns)
            refilled = _refill(front, columns, rng)
            if refilled is None:
                return None
            front = replace(front, slots=refilled, wire=Wire.TABLE)
    return Chain(chain.view, (giver, front, *rest))


def _refill(link: Link, columns: Sequence[Column], rng: random.Random) -> tuple[Slot, ...] | None:
    rows = takes_table(columns)
    return fill(link.program, columns, rows, rng) if rows >= 8 else None


def _shift(link: Link) -> Link:
    slots = tuple(slot if slot.wired is None else replace(slot, wired=slot.wired + 1) for slot in link.slots)
    return replace(link, slots=slots)
