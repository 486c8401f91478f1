"""What an author model is told about a file: its profile, bounded to what a prompt can hold.

The fields are the paper's (description, head, columns, type, range, unique, row count, column count). Of
a wide or large file less is told of each column, and then fewer columns, never a number that is not so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.rows import Column, Profile, Scalar, Table

MAX_CHARS = 12_000
"""Of all that is told about a file: about 4,000 tokens."""
_CELL_CHARS = 60


@dataclass(frozen=True, slots=True)
class ColumnNote:
    name: str
    type: str
    """What it is after loading, and what it means: `float, money in USD`."""
    range: str
    unique: str
    """How many distinct values, and some of them."""
    missing: int
    description: str

    @property
    def chars(self) -> int:
        return sum(map(len, (self.name, self.type, self.range, self.unique, self.description))) + 20


@dataclass(frozen=True, slots=True)
class TableNote:
    name: str
    description: str
    row_count: int
    column_count: int
    columns: tuple[ColumnNote, ...]
    """As many as fit."""
    head: tuple[str, ...]
    """The first rows of those columns, a line each."""

    @property
    def chars(self) -> int:
        return sum(column.chars for column in self.columns) + sum(map(len, (self.description, *self.head)))


@dataclass(frozen=True, slots=True)
class Metadata:
    file: str
    description: str
    tables: tuple[TableNote, ...]
    joins: tuple[str, ...]
    left_out: tuple[str, ...]
    """Names of tables that did not fit."""


@dataclass(frozen=True, slots=True)
class _Detail:
    columns: int
    values: int
    head: int


_DETAILS = (_Detail(80, 10, 3), _Detail(40, 6, 3), _Detail(24, 4, 2), _Detail(12, 3, 1), _Detail(6, 2, 0))


def describe_file(profile: Profile, *, max_chars: int = MAX_CHARS) -> Metadata:
    """What a prompt tells of a file, at most about `max_chars` characters: less detail where it is large."""
    notes: list[TableNote] = []
    for detail in _DETAILS:
        notes = [_note_table(table, detail) for table in profile.tables]
        if sum(note.chars for note in notes) <= max_chars:
            break
    kept: list[TableNote] = []
    used = 0
    for note in notes:
        if kept and used + note.chars > max_chars:
            break
        kept.append(note)
        used += note.chars
    names = {note.name for note in kept}
    joins = tuple(
        f"{link.child} ({', '.join(link.child_columns)}) refers to "
        f"{link.parent} ({', '.join(link.parent_columns)})"
        for link in profile.relationships
        if {link.child, link.parent} <= names
    )
    left_out = tuple(table.name for table in profile.tables if table.name not in names)
    description = _clip(profile.description, 600)
    return Metadata(profile.file.name, description, tuple(kept), joins[:20], left_out[:40])


def _note_table(table: Table, detail: _Detail) -> TableNote:
    columns = table.columns[: detail.columns]
    places = [place for place, _ in enumerate(columns)]
    head = tuple(
        " | ".join(_say(row[place]) for place in places if place < len(row))
        for row in table.head[: detail.head]
    )
    return TableNote(
        name=table.name,
        description=_clip(table.description, 300),
        row_count=table.rows,
        column_count=table.column_count,
        columns=tuple(_note_column(column, detail) for column in columns),
        head=head,
    )


def _note_column(column: Column, detail: _Detail) -> ColumnNote:
    unit = f" in {column.unit}" if column.unit else ""
    bounds = (column.minimum, column.maximum)
    return ColumnNote(
        name=column.name,
        type=f"{column.dtype}, {column.kind.value}{unit}",
        range="" if None in bounds else f"{_say(bounds[0])} to {_say(bounds[1])}",
        unique=_say_unique(column, detail.values),
        missing=column.nulls,
        description=_clip(column.description, 120),
    )


def _say_unique(column: Column, count: int) -> str:
    values: Sequence[Scalar] = [value for value, _ in column.top] or column.examples
    shown = ", ".join(_say(value) for value in values[:count])
    about = "" if column.distinct_exact else "about "
    return f"{about}{column.distinct}" + (f" (such as {shown})" if shown else "")


def _say(value: Scalar) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else _clip(str(value), _CELL_CHARS)


def _clip(text: str, chars: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= chars else f"{plain[: chars - 1]}…"
