"""Keys: what identifies a row of a table, and which columns join one table to another.

Declared keys are taken at their word (with their coverage counted). Inferred ones need evidence in the
values: text that is contained in a unique column; for plain numbers, which any 1..n contains, the name
must agree too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import polars as pl

from datamind_gen.files.frames import pick
from datamind_gen.files.semantics import words
from datamind_gen.rows import Column, Relationship, SemanticType, Table

_KEY_KINDS = (
    SemanticType.IDENTIFIER, SemanticType.NAME, SemanticType.DATE, SemanticType.YEAR, SemanticType.CATEGORY,
)  # fmt: skip
_MINIMUM_COVERAGE = 0.9
_MOST_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key as the database declares it."""

    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


def find_primary_key(frame: pl.DataFrame, columns: Sequence[Column]) -> tuple[str, ...]:
    """The column, or the pair of columns, that tells rows apart; empty when none does."""
    if frame.height < 2:
        return ()
    eligible = [column for column in columns if column.kind in _KEY_KINDS and column.nulls == 0]
    for kind in _KEY_KINDS[:4]:
        for column in eligible:
            if column.kind is kind and column.distinct == frame.height and column.distinct_exact:
                return (column.name,)
    several = [column for column in eligible if 1 < column.distinct < frame.height][:_MOST_COLUMNS]
    for pair in combinations(several, 2):
        if pair[0].distinct * pair[1].distinct < frame.height:
            continue
        names = [column.name for column in pair]
        if pick(frame, names).n_unique() == frame.height:
            return tuple(names)
    return ()


def declared_relationships(keys: Sequence[ForeignKey], frames: dict[str, pl.DataFrame]) -> list[Relationship]:
    """The declared foreign keys, each with the share of the child's values that the parent holds."""
    found = []
    for key in keys:
        child, parent = frames.get(key.child), frames.get(key.parent)
        if child is None or parent is None:
            continue
        if not set(key.child_columns) <= set(child.columns) or not set(key.parent_columns) <= set(
            parent.columns
        ):
            continue
        values = _as_text(child, key.child_columns)
        targets = _as_text(parent, key.parent_columns).unique()
        share = 1.0
        if values.height:
            share = round(values.join(targets, on=values.columns, how="semi").height / values.height, 6)
        found.append(Relationship(key.child, key.child_columns, key.parent, key.parent_columns, True, share))
    return found


def _as_text(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    columns = [frame.get_column(name).cast(pl.String).alias(str(place)) for place, name in enumerate(names)]
    return pl.DataFrame(columns).drop_nulls()


def infer_relationships(
    tables: Sequence[Table], frames: dict[str, pl.DataFrame], declared: Sequence[Relationship]
) -> list[Relationship]:
    """Joins that the values show, between tables that no declared key connects that way."""
    known = {(one.child, one.child_columns) for one in declared}
    pairs = {frozenset((one.child, one.parent)) for one in declared}
    found: list[Relationship] = []
    for parent in tables:
        for key in _unique_columns(parent, frames[parent.name]):
            for child in tables:
                if child.name == parent.name or frozenset((child.name, parent.name)) in pairs:
                    continue
                for column in child.columns:
                    if (child.name, (column.name,)) in known or not _alike(child, column, parent, key):
                        continue
                    share = _containment(frames[child.name][column.name], frames[parent.name][key.name])
                    if share >= _MINIMUM_COVERAGE:
                        found.append(
                            Relationship(
                                child.name, (column.name,), parent.name, (key.name,), False, round(share, 6)
                            )
                        )
    return _without_mirrors(found)


def _unique_columns(table: Table, frame: pl.DataFrame) -> list[Column]:
    return [
        column
        for column in table.columns
        if column.distinct == column.count >= 3
        and column.count >= 0.99 * frame.height
        and column.kind in _KEY_KINDS[:3]
    ][:_MOST_COLUMNS]


def _alike(child: Table, column: Column, parent: Table, key: Column) -> bool:
    """Whether the two columns could be the same thing: type and, for numbers, name."""
    if column.dtype != key.dtype or column.count == 0 or column.distinct < 2:
        return False
    if _sparse_numbers(key) and column.dtype == "int":
        return column.distinct >= 5 or column.name.lower() == key.name.lower()
    if column.kind not in _KEY_KINDS:
        return False
    names, key_names = words(column.name), words(key.name)
    if column.name.lower() == key.name.lower():
        return True
    parent_words = words(parent.name) | {word.rstrip("s") for word in words(parent.name)}
    if names & parent_words and names & (key_names | {"id", "code"}):
        return True
    return key.dtype == "string" and column.distinct >= 3 and column.kind is not SemanticType.TEXT


def _sparse_numbers(key: Column) -> bool:
    """Whether a number found among the key's values is found there for a reason."""
    if key.dtype != "int" or not isinstance(key.minimum, int) or not isinstance(key.maximum, int):
        return False
    return key.distinct < 0.5 * (key.maximum - key.minimum + 1)


def mark_references(tables: Sequence[Table], relationships: Sequence[Relationship]) -> tuple[Table, ...]:
    """The tables, with numbers that refer to another table's rows marked as identifiers."""
    referring = {(one.child, name) for one in relationships for name in one.child_columns}
    marked = []
    for table in tables:
        columns = tuple(
            replace(column, kind=SemanticType.IDENTIFIER)
            if column.kind is SemanticType.NUMBER
            and column.integral
            and (table.name, column.name) in referring
            else column
            for column in table.columns
        )
        marked.append(replace(table, columns=columns))
    return tuple(marked)


def _containment(child: pl.Series, parent: pl.Series) -> float:
    values = child.drop_nulls()
    return float(values.is_in(parent.drop_nulls().implode()).mean() or 0.0) if len(values) else 0.0  # type: ignore[arg-type]


def _without_mirrors(found: list[Relationship]) -> list[Relationship]:
    """Of a one-to-one join found both ways, and of several joins of one column, the best alone."""
    kept: list[Relationship] = []
    for one in sorted(found, key=lambda item: (-item.coverage, item.child, item.child_columns)):
        mirrored = any(
            (other.parent, other.parent_columns, other.child, other.child_columns)
            == (one.child, one.child_columns, one.parent, one.parent_columns)
            for other in kept
        )
        if not mirrored:
            kept.append(one)
    return kept
