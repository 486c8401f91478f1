"""Runs generated loading code and says whether what it loads is what the file holds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from datamind_gen.files.code import TextColumn
from datamind_gen.files.plan import shown_path
from datamind_gen.rows import ReadPlan


def run_code(
    code: str, places: Mapping[str, Path], *, opened: Mapping[str, object] | None = None
) -> pd.DataFrame:
    """Runs generated loading code on the real files and returns its `df`.

    `opened` holds files that are open already, so that many sheets open their workbook once.
    """
    scope: dict[str, Any] = {}
    for number, (part, file) in enumerate((opened or {}).items()):
        scope[f"_opened_{number}"] = file
        code = code.replace(repr(shown_path(part)), f"_opened_{number}")
    for part, path in places.items():
        code = code.replace(repr(shown_path(part)), repr(str(path)))
        code = code.replace(f"file:{shown_path(part)}", f"file:{path}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, "<read plan>", "exec"), scope)
    frame = scope["df"]
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"the plan binds df to a {type(frame).__name__}")
    return frame


def check_plan(plan: ReadPlan, places: Mapping[str, Path], *, rows: int, columns: int) -> str | None:
    """Runs a plan's pandas code on the real files; what is wrong with what it loads, or None.

    For trust in a plan from elsewhere: it runs the code in this process, so call it where that may be done.
    """
    try:
        frame = run_code(plan.pandas, places)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if frame.shape != (rows, columns):
        return f"loads {frame.shape[0]} x {frame.shape[1]} instead of {rows} x {columns}"
    return None


def differing(frame: pd.DataFrame, columns: Sequence[TextColumn], rows: int) -> str | None:
    """How a loaded frame differs from what the text says; None when it does not."""
    if frame.shape != (rows, len(columns)):
        return f"shape {frame.shape} instead of {(rows, len(columns))}"
    if list(frame.columns) != [column.name for column in columns]:
        return "other column names"
    if not isinstance(frame.index, pd.RangeIndex):
        return "a column became the index"
    for place, column in enumerate(columns):
        loaded = frame.iloc[:, place]
        count = int(loaded.count())
        if count != column.count:
            return f"{column.name}: {count} values instead of {column.count}"
        kind = column.notation.kind
        if kind in ("int", "float"):
            if not pd.api.types.is_numeric_dtype(loaded) or pd.api.types.is_bool_dtype(loaded):
                return f"{column.name}: loaded as {loaded.dtype}, not as numbers"
            total = column.total()
            found = float(loaded.astype("float64").sum())
            if total is not None and not math.isclose(found, total, rel_tol=1e-9, abs_tol=1e-6):
                return f"{column.name}: sums to {found} instead of {total}"
        elif kind == "date" and not pd.api.types.is_datetime64_any_dtype(loaded):
            return f"{column.name}: loaded as {loaded.dtype}, not as dates"
        elif kind == "string" and count and pd.api.types.is_numeric_dtype(loaded):
            return f"{column.name}: text loaded as numbers"
    return None
