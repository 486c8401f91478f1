"""Why a program cannot be filled on a file: which slot finds no column, and what each column lacks.

explain_unfilled(program, list_views(profile))
# ["no column for amount (measure, additive): price is not known to be additive"]
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from datamind_gen.rows import Column
from datamind_gen.taxonomy.fill import fill, find_candidates, suits
from datamind_gen.taxonomy.schema import NullWish, Program, SlotSpec
from datamind_gen.taxonomy.views import View

_MOST = 4
"""Columns that are named."""
_NO_NAME = 'holds no labels that could answer "which?"'
_NULLS = {
    NullWish.FEW: "is empty in more than half of the rows",
    NullWish.SOME: "has no missing values, or little else",
    NullWish.NONE: "has missing values",
}


def explain_unfilled(program: Program, views: Sequence[View]) -> list[str]:
    """The reasons, a slot each; for all slots at once where each could be filled alone."""
    tables = [view for view in views if not view.joins]
    lacking = [
        name for name, spec in program.slots.items() if spec.kinds and not _is_met(program, name, views)
    ]
    if lacking:
        return [_explain_slot(name, program.slots[name], tables) for name in lacking]
    columns_only = {name: spec for name, spec in program.slots.items() if spec.kinds}
    bare = program.model_copy(update={"slots": columns_only})
    if not any(fill(bare, view.columns, view.rows, random.Random(0)) for view in views):
        return ["no table has a column of its own for each slot at once"]
    others = [f"{name} ({spec.source})" for name, spec in program.slots.items() if not spec.kinds]
    return [f"the columns give no value for one of {', '.join(others)}"]


def _is_met(program: Program, name: str, views: Sequence[View]) -> bool:
    return any(find_candidates(program, view.columns, view.rows)[name] for view in views)


def _explain_slot(name: str, spec: SlotSpec, tables: Sequence[View]) -> str:
    """What the columns of the right kind lack, or that there is none of it."""
    kinds = " or ".join(spec.kinds)
    wishes = spec.model_dump(mode="json", exclude_defaults=True, exclude={"column", "wire"})
    asked = [kinds, *(key if value is True else f"{key} {value}" for key, value in wishes.items())]
    told = [
        f"{column.name} {' and '.join(_find_lacks(column, spec, table)) or _NO_NAME}"
        for table in tables
        for column in table.columns
        if any(_suits(column, SlotSpec(column=spec.column, nulls=nulls), table) for nulls in NullWish)
    ]
    rest = f"; and {len(told) - _MOST} more" if len(told) > _MOST else ""
    why = "; ".join(told[:_MOST]) + rest if told else f"no column is a {kinds}"
    return f"no column for {name} ({', '.join(asked)}): {why}"


def _find_lacks(column: Column, spec: SlotSpec, table: View) -> Iterator[str]:
    """What keeps a column of the right kind from the slot, wish by wish."""
    if not _suits(column, SlotSpec(column=spec.column, nulls=spec.nulls), table):
        yield _NULLS[spec.nulls]
        return
    for key, lack in _wishes(column, spec):
        wish = {key: getattr(spec, key)}
        if not _suits(column, SlotSpec(column=spec.column, nulls=spec.nulls, **wish), table):
            yield lack


def _wishes(column: Column, spec: SlotSpec) -> Iterator[tuple[str, str]]:
    """What the slot asks beside kind and nulls, and how to say that this column has it not."""
    if spec.distinct is not None:
        low, high = spec.distinct
        yield "distinct", f"has {column.distinct} distinct values, not {low} to {high}"
    if spec.rows_each is not None:
        each = column.count / max(column.distinct, 1)
        yield "rows_each", f"has {each:.1f} rows a distinct value, not {spec.rows_each}"
    if spec.positive:
        yield "positive", "has values of zero or below"
    if spec.additive:
        yield "additive", "is not known to be additive"
    if spec.integral is not None:
        yield "integral", f"holds {'fractions' if spec.integral else 'whole numbers'}"


def _suits(column: Column, spec: SlotSpec, table: View) -> bool:
    return suits(column, spec, table.rows, table.columns)
