"""What columns mean, by their values; names only where values leave a doubt."""

from __future__ import annotations

import datetime

import polars as pl
import pytest

from datamind_gen.files.columns import Hint, describe_column
from datamind_gen.rows import SemanticType as Kind

STATES = ["Alabama", "Alaska", "Arizona", "Arkansas", "California", "Colorado", "Connecticut", "Delaware"]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", ["red", "green", "blue"] * 20, Kind.CATEGORY),
        ("state", STATES, Kind.NAME),
        ("q", ["yes", "no"] * 20, Kind.BOOLEAN),
        ("flag", [0, 1] * 20, Kind.BOOLEAN),
        ("x", [True, False] * 5, Kind.BOOLEAN),
        ("x", list(range(1, 60)), Kind.IDENTIFIER),
        ("CustomerId", [1, 5, 3, 5, 1, 9] * 10, Kind.IDENTIFIER),
        ("x", [1990, 1991, 1992, 1993, 1994] * 4, Kind.YEAR),
        ("year", [1900, 2010, 1950], Kind.YEAR),
        ("x", [1.5, 2.25, -3.0, 8.125] * 5, Kind.NUMBER),
        ("population", [5_000_123, 730_000, 7_151_502, 3_011_524, 39_538_223], Kind.NUMBER),
        ("price", [9.99, 5.0, 12.5] * 5, Kind.MONEY),
        ("price_index", [100.0, 101.5, 99.3] * 5, Kind.NUMBER),
        ("pct_urban", [12.5, 50.0, 99.0] * 5, Kind.PERCENT),
        ("lat", [51.5, -33.9, 40.7, 35.6], Kind.GEOGRAPHIC),
        ("quarter", [1, 2, 3, 4] * 10, Kind.CATEGORY),
        ("passenger class", [1, 2, 3] * 30, Kind.CATEGORY),
        ("children", [0, 1, 2, 3] * 30, Kind.NUMBER),
        ("group_size", [1, 2, 3, 4] * 30, Kind.NUMBER),
        ("x", [f"https://example.org/{i}" for i in range(30)], Kind.IDENTIFIER),
        ("x", [f"AB-{i:04d}" for i in range(30)], Kind.IDENTIFIER),
        ("phone", [f"+1 (204) 452-{i:04d}" for i in range(30)], Kind.IDENTIFIER),
        ("x", [f"On day {i} it was seen that all of it had been lost at sea" for i in range(30)], Kind.TEXT),
        ("x", [None] * 5, Kind.EMPTY),
        ("x", [datetime.date(2020, 1, i + 1) for i in range(20)], Kind.DATE),
        ("x", [["a", "b"], ["c"]], Kind.NESTED),
        ("Unnamed: 0", [51 * i % 2003 for i in range(40)], Kind.IDENTIFIER),
        ("takings", [51 * i % 2003 for i in range(40)], Kind.NUMBER),
        ("Date", [10062018, 10072018, 10202018] * 10, Kind.CATEGORY),
        ("tax number", [6_610_000_000 + i * 7919 for i in range(40)], Kind.IDENTIFIER),
    ],
)  # fmt: skip
def test_kinds(name: str, values: list[object], kind: Kind) -> None:
    assert describe_column(pl.Series(name, values)).kind is kind


@pytest.mark.parametrize("name", ["a", "misleading_name", "total", "Wert", "列"])
def test_names_do_not_overrule_values(name: str) -> None:
    assert describe_column(pl.Series(name, ["red", "green"] * 20)).kind is Kind.CATEGORY
    assert describe_column(pl.Series(name, [1.5, 2.25, 3.125, 7.75] * 5)).kind is Kind.NUMBER


def test_a_unit_in_the_values_decides() -> None:
    assert describe_column(pl.Series("x", [1.0, 2.0, 3.5]), hint=Hint(unit="$")).kind is Kind.MONEY
    assert describe_column(pl.Series("x", [1.0, 2.0, 3.5]), hint=Hint(unit="%")).kind is Kind.PERCENT


def test_statistics_are_exact() -> None:
    column = describe_column(pl.Series("x", [1.0, 2.0, 2.0, -5.0, 0.0, None, float("nan"), float("inf")]))
    assert (column.count, column.nulls, column.distinct) == (5, 3, 4)
    assert (column.minimum, column.maximum, column.mean) == (-5.0, 2.0, 0.0)
    assert (column.zeros, column.negatives, column.integral) == (1, 1, True)
    assert column.quantiles == (-4.0, 0.0, 1.0, 2.0, 2.0)
    assert column.std == pytest.approx(2.915475947)
    assert column.top[0] == (2.0, 2)


@pytest.mark.parametrize(
    ("step", "unit"),
    [
        ("1y", "year"),
        ("3mo", "quarter"),
        ("1mo", "month"),
        ("1w", "week"),
        ("1d", "day"),
        ("1h", "hour"),
        ("1s", "second"),
    ],
)
def test_granularity(step: str, unit: str) -> None:
    start = datetime.datetime(2001, 1, 1)
    number, letters = int(step[0]), step[1:]
    steps = pl.Series([start] * 30).dt.offset_by(pl.Series([f"{number * i}{letters}" for i in range(30)]))
    assert describe_column(steps.alias("t")).granularity == unit


def test_long_texts_are_cut_and_never_a_top_value() -> None:
    column = describe_column(pl.Series("x", ["a" * 500] * 3 + ["b"]))
    assert all(len(str(value)) <= 200 for value in (*column.examples, column.minimum, column.maximum))
    assert column.top == (("b", 1),)
