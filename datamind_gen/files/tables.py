"""Describes a table that was read: its columns, its key, its head, and a sentence about it."""

from __future__ import annotations

import polars as pl

from datamind_gen.files.columns import cut, describe_column, shown_values
from datamind_gen.files.frames import pick
from datamind_gen.files.plan import Loaded
from datamind_gen.files.relations import find_primary_key
from datamind_gen.rows import Column, Issue, SemanticType, Table

MOST_COLUMNS = 120
"""Columns that a profile describes: a prompt must be able to hold it. The first ones stand for the rest."""
HEAD_ROWS = 5


def describe_table(loaded: Loaded, *, most_columns: int | None = MOST_COLUMNS) -> Table:
    """The table's profile. Bounded: at most `most_columns` columns (None: all), five rows of head."""
    frame = loaded.frame
    names = frame.columns[:most_columns]
    columns = loaded.columns or tuple(
        describe_column(frame[name], hint=loaded.hints.get(name)) for name in names
    )
    issues = list(loaded.issues)
    if loaded.width > len(columns):
        detail = f"{loaded.width:,} columns: the first {len(columns)} are described"
        issues.append(Issue("wide", detail))
    issues += _value_issues(frame, columns, loaded.rows)
    key = loaded.primary_key or (
        _streamed_key(columns) if loaded.columns else find_primary_key(frame, columns)
    )
    shown = [[cut(value) for value in shown_values(frame[name].head(HEAD_ROWS))] for name in names]
    head = tuple(zip(*shown, strict=True))
    return Table(
        name=loaded.name,
        rows=loaded.rows,
        columns=columns,
        column_count=loaded.width,
        plan=loaded.plan,
        primary_key=key,
        issues=tuple(issues),
        confidence=round(loaded.confidence, 3),
        head=head,
        description=_describe(loaded, columns, key),
    )


def _streamed_key(columns: tuple[Column, ...]) -> tuple[str, ...]:
    unique = (
        c for c in columns if c.distinct == c.count and not c.nulls and c.kind is SemanticType.IDENTIFIER
    )
    return tuple(column.name for column in unique)[:1]


def _value_issues(frame: pl.DataFrame, columns: tuple[Column, ...], rows: int) -> list[Issue]:
    issues = []
    for column in columns:
        if column.count == 0:
            issues.append(Issue("empty_column", "no value in any row", column.name, rows))
        elif column.distinct == 1 and column.count > 1 and column.dtype not in ("nested", "other"):
            issues.append(
                Issue(
                    "constant_column",
                    "one value in every row",
                    column.name,
                    column.count,
                    str(column.examples[0]),
                )
            )
        elif rows and column.nulls > 0.5 * rows:
            issues.append(
                Issue(
                    "mostly_null",
                    f"{column.nulls / rows:.0%} of the rows are null",
                    column.name,
                    column.nulls,
                )
            )
        if (code := _sentinel(column)) is not None:
            detail = f"{code[0]} is the only negative value: a code for no answer, it seems"
            issues.append(Issue("sentinel", detail, column.name, code[1], str(code[0])))
    flat = [column.name for column in columns if column.dtype not in ("nested", "other")]
    if flat and rows == frame.height and 1 < rows <= 2_000_000:
        repeated = frame.height - pick(frame, flat).n_unique()
        if repeated:
            issues.append(Issue("duplicate_rows", "rows that repeat an earlier row", None, repeated))
    return issues


def _sentinel(column: Column) -> tuple[int, int] | None:
    """A negative code like -1 or -999 in a column of counts, and in how many rows."""
    codes = {-1, -2, -7, -8, -9, -88, -99, -999, -9999, -99999}
    if not column.integral or not column.negatives or column.minimum not in codes:
        return None
    rows = dict(column.top).get(column.minimum)
    return (int(column.minimum), rows) if rows == column.negatives and rows > 1 else None


def _describe(loaded: Loaded, columns: tuple[Column, ...], key: tuple[str, ...]) -> str:
    parts = [f"{loaded.rows:,} rows and {loaded.width:,} columns"]
    measures = [column.name for column in columns if column.kind.is_measure]
    groups = [column.name for column in columns if column.kind is SemanticType.CATEGORY]
    dates = [
        column for column in columns if column.kind in (SemanticType.DATE, SemanticType.YEAR) and column.count
    ]
    if key:
        parts.append(f"one row per {' and '.join(key)}")
    if measures:
        parts.append(f"measures: {_listed(measures)}")
    if groups:
        parts.append(f"groups: {_listed(groups)}")
    if dates:
        first = dates[0]
        parts.append(f"{first.name} from {first.minimum} to {first.maximum}")
    return "; ".join(parts)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
