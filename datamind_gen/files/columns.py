"""Describes one column: counts, range, quantiles, top values, and what it means.

Works on a polars series in memory, exactly; `streaming.py` gives the same facts for a table that does
not fit. Statistics are rounded to ten significant digits, so that engines agree on them.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from datamind_gen.files.semantics import Facts, judge
from datamind_gen.rows import Column, Scalar, SemanticType

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP = 10
EXAMPLES = 5
LONGEST_VALUE = 200
_SAMPLE = 300


@dataclass(frozen=True, slots=True)
class Hint:
    """What reading learned about a column that its loaded values no longer show."""

    unit: str | None = None
    is_date_text: bool = False


def describe_column(series: pl.Series, *, hint: Hint | None = None) -> Column:
    """The column's description: exact, from values in memory."""
    hint = hint or Hint()
    dtype = dtype_name(series.dtype)
    if dtype == "float":
        series = series.fill_nan(None)
        series = series.set(series.is_infinite().fill_null(False), None)
    values = series.drop_nulls()
    count = len(values)
    if dtype == "nested":
        return _describe_nested(series, values)
    if dtype == "other":
        return _describe_opaque(series, values)
    distinct = values.n_unique()
    low, high = _bounds(values)
    numeric = dtype in ("int", "float")
    integral = numeric and count > 0 and (dtype == "int" or bool((values % 1 == 0).all()))
    unique = _showable(values.unique(maintain_order=True))
    step = max(1, len(unique) // _SAMPLE)
    facts = Facts(
        name=series.name,
        dtype=dtype,
        rows=len(series),
        count=count,
        distinct=distinct,
        integral=integral,
        minimum=low,
        maximum=high,
        sample=tuple(plain(value) for value in unique.gather_every(step)),
        ascending=bool(values.is_sorted()) if numeric else False,
        unit=hint.unit,
        is_date_text=hint.is_date_text,
    )
    kind = judge(facts)
    numbers = numeric and count > 0
    quantiles = tuple(
        rounded(values.quantile(q, interpolation="linear")) for q in QUANTILES
    ) if numbers else ()  # fmt: skip
    return Column(
        name=series.name,
        dtype=dtype,
        kind=kind,
        count=count,
        nulls=len(series) - count,
        distinct=distinct,
        minimum=cut(low),
        maximum=cut(high),
        mean=rounded(values.mean()) if numbers else None,
        std=rounded(values.std()) if numbers and count > 1 else None,
        quantiles=tuple(q for q in quantiles if q is not None),
        skew=rounded(values.skew()) if numbers and distinct > 1 else None,
        zeros=int((values == 0).sum()) if numbers else None,
        negatives=int((values < 0).sum()) if numbers else None,
        integral=integral,
        top=_top(values, distinct),
        examples=_examples(unique),
        unit=hint.unit or ("%" if kind is SemanticType.PERCENT else None),
        granularity=granularity(values) if unique.dtype in (pl.Datetime, pl.Date) and count else None,
    )


def _showable(values: pl.Series) -> pl.Series:
    """The values, as text where Python's dates cannot hold their years."""
    if values.dtype in (pl.Datetime, pl.Date) and not values.dt.year().is_between(1, 9999).all():
        return values.cast(pl.String)
    return values


def _bounds(values: pl.Series) -> tuple[Scalar, Scalar]:
    if not len(values):
        return None, None
    try:
        return plain(values.min()), plain(values.max())
    except (ValueError, OverflowError):
        # A year that Python's dates cannot hold (Spark writes year 290000): shown as text.
        ends = values.sort().gather([0, -1]).cast(pl.String)
        return ends[0], ends[1]


def _describe_nested(series: pl.Series, values: pl.Series) -> Column:
    texts = [cut(value) for value in shown_values(values.head(EXAMPLES)) if value is not None]
    return Column(
        name=series.name, dtype="nested", kind=SemanticType.NESTED if len(values) else SemanticType.EMPTY,
        count=len(values), nulls=len(series) - len(values), distinct=len(values), distinct_exact=False,
        examples=tuple(texts),
    )  # fmt: skip


def _describe_opaque(series: pl.Series, values: pl.Series) -> Column:
    """Bytes, durations, times of day: counted, never averaged."""
    binary = series.dtype in (pl.Binary, pl.Object)
    examples = () if binary else tuple(cut(str(value)) for value in values.head(EXAMPLES).to_list())
    return Column(
        name=series.name, dtype="other", kind=SemanticType.TEXT if len(values) else SemanticType.EMPTY,
        count=len(values), nulls=len(series) - len(values),
        distinct=len(values) if series.dtype == pl.Object else values.n_unique(),
        distinct_exact=series.dtype != pl.Object, examples=examples,
        description="binary values" if binary else "",
    )  # fmt: skip


def _top(values: pl.Series, distinct: int) -> tuple[tuple[Scalar, int], ...]:
    if not len(values) or distinct == len(values):
        return ()
    counts = _showable(values).alias("value").value_counts(sort=False, name="n")
    ordered = counts.sort(["n", "value"], descending=[True, False]).head(TOP)
    pairs = ((plain(value), int(n)) for value, n in ordered.iter_rows())
    return tuple(
        (value, n) for value, n in pairs if not (isinstance(value, str) and len(value) > LONGEST_VALUE)
    )


def _examples(unique: pl.Series) -> tuple[Scalar, ...]:
    """Distinct values, evenly spaced over the rows."""
    step = max(1, len(unique) // EXAMPLES)
    return tuple(cut(plain(value)) for value in unique.gather_every(step).head(EXAMPLES))


def shown_values(series: pl.Series) -> list[Scalar]:
    """The values as JSON holds them; nested ones and impossible dates as text."""
    if series.dtype.is_nested():
        try:
            return [None if value is None else str(value) for value in series.to_list()]
        except (OverflowError, ValueError):  # a date inside that Python cannot hold
            return [None if null else "…" for null in series.is_null()]
    if series.dtype == pl.Binary:
        return [None if null else "(binary)" for null in series.is_null()]
    return [plain(value) for value in _showable(series)]


def dtype_name(dtype: pl.DataType) -> str:
    """int, float, string, datetime, date, boolean, nested or other."""
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if dtype.is_nested():
        return "nested"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype == pl.Datetime:
        return "datetime"
    if dtype == pl.Date:
        return "date"
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return "string"
    return "other"


def plain(value: object) -> Scalar:
    """A JSON value: dates as ISO text, decimals as floats, no NaN."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight and value.tzinfo is None else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def cut(value: Scalar) -> Scalar:
    """The value, or the beginning of a long text."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return value[: LONGEST_VALUE - 1] + "…"
    return value


def rounded(value: object) -> float | None:
    """Ten significant digits; None for what is no finite number."""
    if not isinstance(value, int | float | Decimal):
        return None
    number = float(value)
    return float(f"{number:.10g}") if math.isfinite(number) else None


def granularity(values: pl.Series) -> str:
    """The finest unit in which the dates differ: second, minute, hour, day, week, month, quarter, year."""
    if values.dtype == pl.Datetime:
        for part in ("second", "minute", "hour"):
            if getattr(values.dt, part)().n_unique() > 1:
                return part
    days = values.dt.date().unique().sort()
    first = (days.dt.day() == 1).all()
    last = (days.dt.offset_by("1d").dt.day() == 1).all()
    if first or last:
        months = days.dt.month().n_unique()
        if months == 1 and len(days) > 1:
            return "year"
        steps = (days.dt.year().cast(pl.Int32) * 12 + days.dt.month()).diff().drop_nulls()
        return "quarter" if len(steps) and (steps % 3 == 0).all() else "month"
    if len(days) >= 4 and days.dt.weekday().n_unique() == 1:
        return "week"
    return "day"
