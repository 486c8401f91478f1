"""Turns what pandas code binds into polars columns, without losing what the values are.

Object columns are the trouble: pandas puts there whatever fits nowhere else. One that holds dates,
numbers or truth values of one kind gets that type; lists and dicts are nested; a mixture is text.
"""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from decimal import Decimal

import pandas as pd
import polars as pl


def to_polars(frame: pd.DataFrame) -> pl.DataFrame:
    """The same table in polars, column by column. The index is left out."""
    series = [_series(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    names: dict[str, int] = {}
    for place, one in enumerate(series):
        seen = names[one.name] = names.get(one.name, 0) + 1
        if seen > 1:
            series[place] = one.alias(f"{one.name}.{seen - 1}")
    return pl.DataFrame(series)


def pick(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns of these names, literally: `select` takes a column named `*` for all of them."""
    return pl.DataFrame([frame.get_column(name) for name in names])


def flat_name(name: Hashable) -> str:
    """A column's name as text; the levels of a MultiIndex joined by blanks."""
    if isinstance(name, tuple):
        return " ".join(str(level) for level in name if str(level) and not str(level).startswith("Unnamed:"))
    return str(name)


def _series(name: str, column: pd.Series) -> pl.Series:
    if column.dtype != object:
        if isinstance(column.dtype, pd.PeriodDtype | pd.IntervalDtype | pd.SparseDtype):
            column = column.astype(str)
        return pl.from_pandas(column.reset_index(drop=True), nan_to_null=True).alias(name)
    values = [None if _is_null(value) else value for value in column]
    return from_values(name, values)


def from_values(name: str, values: list[object]) -> pl.Series:
    """A column from Python values of any sort."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null).cast(pl.String)
    if kinds <= {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds <= {str}:
        return pl.Series(name, values, dtype=pl.String)
    if kinds <= {int, float, Decimal} and bool not in kinds:
        if kinds == {int} and all(abs(value) < 2**63 for value in values if isinstance(value, int)):
            return pl.Series(name, values, dtype=pl.Int64)
        numbers = [float(value) if isinstance(value, int | float | Decimal) else None for value in values]
        return pl.Series(name, numbers, dtype=pl.Float64)
    if kinds <= {datetime.date}:
        return pl.Series(name, values, dtype=pl.Date)
    if kinds <= {datetime.datetime, datetime.date, pd.Timestamp}:
        moments = [_moment(value) for value in values]
        return pl.Series(name, moments, dtype=pl.Datetime("us"))
    if kinds <= {bytes, bytearray, memoryview}:
        return pl.Series(name, [None if value is None else bytes(value) for value in values], dtype=pl.Binary)  # type: ignore[call-overload]
    if any(issubclass(kind, list | dict | tuple | set) or hasattr(kind, "tolist") for kind in kinds):
        return _nested(name, values)
    texts = [None if value is None else _text(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def _nested(name: str, values: list[object]) -> pl.Series:
    """Nested values stay a list column, each value as one text inside: counted, shown, never computed on."""
    return pl.Series(
        name, [None if value is None else [str(value)] for value in values], dtype=pl.List(pl.String)
    )


def _moment(value: object) -> datetime.datetime | None:
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_null(value: object) -> bool:
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    return isinstance(value, float) and value != value
