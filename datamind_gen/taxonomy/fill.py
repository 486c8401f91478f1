"""Fills a program's slots from a profile: by what columns mean and how their values lie.

A pure function of program, columns and seed. Identifiers, years, codes and coordinates are never
measures; which measures may be summed, `meaning` says. What only the rows can tell (ties, group sizes,
variance) is left to the program's guards.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from datamind_gen.rows import AnswerType, Column, Scalar, SemanticType, Slot
from datamind_gen.taxonomy.meaning import (
    SHORT_SCALE,
    has_true_zero,
    is_additive,
    is_period,
    is_quarter_of_series,
    is_scale,
)
from datamind_gen.taxonomy.remember import remember
from datamind_gen.taxonomy.render import ChoiceRef, ColumnRef, LabelRef, Value, say
from datamind_gen.taxonomy.schema import ColumnKind, NullWish, Program, SlotSpec

CATEGORY_DISTINCT = (2, 40)
MEASURE_DISTINCT = 5
QUANTILE_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)

_SEMANTIC: Mapping[ColumnKind, frozenset[SemanticType]] = {
    ColumnKind.MEASURE: frozenset(kind for kind in SemanticType if kind.is_measure),
    ColumnKind.MONEY: frozenset({SemanticType.MONEY}),
    ColumnKind.PERCENT: frozenset({SemanticType.PERCENT}),
    ColumnKind.CATEGORY: frozenset({SemanticType.CATEGORY, SemanticType.BOOLEAN}),
    ColumnKind.NAME: frozenset({SemanticType.NAME}),
    ColumnKind.LABEL: frozenset({SemanticType.CATEGORY, SemanticType.BOOLEAN, SemanticType.NAME}),
    ColumnKind.DATE: frozenset({SemanticType.DATE}),
    ColumnKind.YEAR: frozenset({SemanticType.YEAR}),
    ColumnKind.TEXT: frozenset({SemanticType.TEXT}),
    ColumnKind.BOOLEAN: frozenset({SemanticType.BOOLEAN}),
    ColumnKind.IDENTIFIER: frozenset({SemanticType.IDENTIFIER}),
    ColumnKind.ANY: frozenset(SemanticType) - {SemanticType.EMPTY, SemanticType.NESTED},
}

_GROUPS = frozenset({ColumnKind.CATEGORY, ColumnKind.LABEL, ColumnKind.NAME})


def suits(column: Column, spec: SlotSpec, rows: int, columns: Sequence[Column] = ()) -> bool:
    """Whether a column may fill a slot. `columns` are those of its table."""
    if not any(has_kind(column, kind) for kind in spec.kinds):
        return False
    if _GROUPS & set(spec.kinds) and is_quarter_of_series(column, columns):
        return False
    return _meets(column, spec, rows) and (not spec.additive or is_additive(column, columns))


def has_kind(column: Column, kind: ColumnKind) -> bool:
    """Whether a column is of a kind, by its meaning and its type after loading."""
    numeric = column.dtype in ("int", "float")
    if kind in (ColumnKind.CATEGORY, ColumnKind.LABEL) and numeric and is_scale(column):
        return column.integral and CATEGORY_DISTINCT[0] <= column.distinct <= SHORT_SCALE
    if column.kind not in _SEMANTIC[kind]:
        return False
    match kind:
        case ColumnKind.MEASURE | ColumnKind.MONEY | ColumnKind.PERCENT:
            return numeric and column.distinct >= MEASURE_DISTINCT and not is_scale(column)
        case ColumnKind.CATEGORY:
            return CATEGORY_DISTINCT[0] <= column.distinct <= CATEGORY_DISTINCT[1]
        case ColumnKind.LABEL:
            return column.distinct >= 2
        case ColumnKind.DATE:
            return column.dtype in ("datetime", "date") and column.distinct >= MEASURE_DISTINCT
        case ColumnKind.YEAR:
            return numeric and column.distinct >= 2
        case _:
            return True


def _meets(column: Column, spec: SlotSpec, rows: int) -> bool:
    share = column.nulls / rows if rows else 1.0
    match spec.nulls:
        case NullWish.NONE:
            fit = column.nulls == 0
        case NullWish.SOME:
            fit = column.nulls > 0 and share <= 0.9
        case NullWish.FEW:
            fit = share <= 0.5
    if spec.distinct is not None:
        fit = fit and spec.distinct[0] <= column.distinct <= spec.distinct[1]
    if spec.rows_each is not None:
        fit = fit and column.count >= spec.rows_each * max(column.distinct, 1)
    if spec.positive:
        fit = (
            fit and isinstance(column.minimum, (int, float)) and column.minimum > 0 and has_true_zero(column)
        )
    if spec.integral is not None:
        fit = fit and column.integral == spec.integral
    return fit


def names_things(column: Column) -> bool:
    """Whether its labels can answer "which?": not yes or no, and no bare numbers but those of time."""
    if column.distinct < 3:
        return False
    return column.dtype not in ("int", "float") or column.kind is SemanticType.YEAR or is_period(column)


def _answers_with(program: Program, name: str) -> bool:
    """Whether the slot's labels are what the program answers with, one out of all of them."""
    gives = program.gives
    chosen = any(spec.value_of == name for spec in program.slots.values())
    return gives.of == name and gives.type in (AnswerType.LABEL, AnswerType.LIST) and not chosen


def fill(
    program: Program,
    columns: Sequence[Column],
    rows: int,
    rng: random.Random,
    *,
    forced: Mapping[str, Column] = MappingProxyType({}),
) -> tuple[Slot, ...] | None:
    """Slots for a program, or None where no column suits one of them. Different slots get different
    columns; the draw spreads evenly over all that suit. `forced` gives some column slots their column."""
    suitable = find_candidates(program, columns, rows)
    if not all(column in suitable[name] for name, column in forced.items()):
        return None
    taken: dict[str, Column] = dict(forced)
    slots: dict[str, Slot] = {name: Slot(name=name, column=column.name) for name, column in forced.items()}
    for name in sorted(suitable, key=lambda name: len(suitable[name])):
        if name in forced:
            continue
        names = {column.name for column in taken.values()}
        found = [column for column in suitable[name] if column.name not in names]
        if not found:
            return None
        taken[name] = rng.choice(found)
        slots[name] = Slot(name=name, column=taken[name].name)
    for name, spec in program.slots.items():
        if spec.column is None:
            slot = fill_literal(name, spec, taken, slots, rng)
            if slot is None:
                return None
            slots[name] = slot
    return tuple(slots[name] for name in program.slots)


@remember
def find_candidates(
    program: Program, columns: Sequence[Column], rows: int
) -> Mapping[str, tuple[Column, ...]]:
    """The columns that suit each column slot of a program; in `fill` those that few suit choose first, so
    that others do not take their columns."""
    return {
        name: tuple(
            column
            for column in columns
            if suits(column, spec, rows, columns)
            and (not _answers_with(program, name) or names_things(column))
        )
        for name, spec in program.slots.items()
        if spec.column is not None
    }


def fill_literal(
    name: str, spec: SlotSpec, taken: Mapping[str, Column], slots: Mapping[str, Slot], rng: random.Random
) -> Slot | None:
    if spec.number is not None:
        return Slot(name=name, value=rng.choice(spec.number))
    if spec.choice is not None:
        return Slot(name=name, value=rng.choice(spec.choice).python)
    assert spec.of is not None
    column = taken[spec.of]
    value: Scalar | tuple[Scalar, ...] | None
    if spec.quantile_of is not None:
        value = round_quantile(column, rng.choice(spec.at))
    elif spec.value_of is not None:
        other = slots[spec.other_than].value if spec.other_than and spec.other_than in slots else None
        value = _pick_label(column, other, rng)
    elif spec.values_of is not None:
        value = _pick_labels(column, rng.choice(spec.count), rng)
    elif spec.date_of is not None:
        value = _pick_date(column, rng.choice(spec.at))
    else:
        value = _pick_year(column, rng)
    return None if value is None else Slot(name=name, value=value, column=column.name)


def _labels(column: Column) -> list[Scalar]:
    """Frequent values that a question can name."""
    least = max(3, column.count // 200)
    return [value for value, count in column.top if value is not None and value != "" and count >= least]


def _pick_label(column: Column, other: object, rng: random.Random) -> Scalar | None:
    found = [value for value in _labels(column) if value != other]
    return rng.choice(found) if found and column.distinct > 1 else None


def _pick_labels(column: Column, count: int, rng: random.Random) -> tuple[Scalar, ...] | None:
    found = _labels(column)
    if len(found) < count or column.distinct <= count:
        return None
    return tuple(sorted(rng.sample(found, count), key=str))


def round_quantile(column: Column, share: float) -> float | int | None:
    """A round number near a column's quantile, strictly inside its range."""
    if len(column.quantiles) != len(QUANTILE_SHARES):
        return None
    value = _interpolate(share, column.quantiles)
    low, high = column.minimum, column.maximum
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)) or low >= high:
        return None
    for digits in (2, 3, 4):
        scale = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
        near = round(value, 0 if column.integral else scale) if scale > 0 else round(value, scale)
        if low < near < high and abs(near - value) <= 0.1 * (high - low):
            return int(near) if column.integral or (scale <= 0) else near
    return None


def _interpolate(share: float, quantiles: Sequence[float]) -> float:
    shares = QUANTILE_SHARES
    if share <= shares[0]:
        return quantiles[0]
    for left in range(len(shares) - 1):
        if share <= shares[left + 1]:
            part = (share - shares[left]) / (shares[left + 1] - shares[left])
            return quantiles[left] + part * (quantiles[left + 1] - quantiles[left])
    return quantiles[-1]


def _range(column: Column) -> tuple[date, date] | None:
    try:
        low, high = (date.fromisoformat(str(end)[:10]) for end in (column.minimum, column.maximum))
    except ValueError:
        return None
    return (low, high) if low < high else None


def _pick_date(column: Column, share: float) -> str | None:
    ends = _range(column)
    if ends is None:
        return None
    days = (ends[1] - ends[0]).days
    found = ends[0] + timedelta(days=round(days * share))
    if days > 5 * 366:
        found = found.replace(month=1, day=1)
    elif days > 120:
        found = found.replace(day=1)
    return found.isoformat() if ends[0] < found < ends[1] else None


def _pick_year(column: Column, rng: random.Random) -> int | None:
    ends = _range(column)
    if ends is None or ends[0].year == ends[1].year:
        return None
    first, last = ends[0].year, ends[1].year
    return rng.randint(first + 1, last - 1) if last - first > 1 else rng.choice((first, last))


def slot_values(
    program: Program, slots: Sequence[Slot], columns: Sequence[Column], words: Mapping[str, str]
) -> dict[str, Value]:
    """What templates see: the slots by name, columns and choices as references. `words` names columns
    that a question calls otherwise than by their name."""
    by_name = {column.name: column for column in columns}
    values: dict[str, Value] = {}
    for slot in slots:
        spec = program.slots.get(slot.name)
        if spec is None:
            continue
        if spec.column is not None:
            assert slot.column is not None
            column = by_name[slot.column]
            values[slot.name] = ColumnRef(column.name, words.get(column.name), column.unit)
        elif spec.choice is not None:
            choice = next(choice for choice in spec.choice if choice.python == slot.value)
            values[slot.name] = ChoiceRef(choice.python, choice.sql, choice.words)
        elif slot.value is not None and slot.column is not None and (spec.value_of or spec.values_of):
            column = by_name[slot.column]
            values[slot.name] = LabelRef(slot.value, _owner(column, slot.value, words, columns))
        else:
            values[slot.name] = slot.value
    return values


_BARE = re.compile(r"(?i)yes|no|true|false|y|n|t|f|[\d.,+-]+|.{1,2}")


def _owner(
    column: Column, value: Scalar | tuple[Scalar, ...], words: Mapping[str, str], columns: Sequence[Column]
) -> str | None:
    """The column that a question must name with its label, because the label alone says nothing (2, yes) or
    is found in other columns as well."""
    parts = value if isinstance(value, tuple) else (value,)
    if column.kind is SemanticType.YEAR:
        return None
    elsewhere = {label for other in columns if other.name != column.name for label, _ in other.top}
    if not all(_BARE.fullmatch(str(part)) for part in parts) and elsewhere.isdisjoint(parts):
        return None
    return words.get(column.name) or say(ColumnRef(column.name))
