"""What may be summed, averaged or only counted: evidence decides, and doubt is no evidence."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from datamind_gen.rows import Column, SemanticType
from datamind_gen.taxonomy import load_taxonomy
from datamind_gen.taxonomy.fill import fill, has_kind
from datamind_gen.taxonomy.meaning import has_true_zero, is_additive, is_quarter_of_series, is_scale
from datamind_gen.taxonomy.schema import ColumnKind


def number(name: str, **known: object) -> Column:
    facts: dict[str, object] = {
        "dtype": "float", "kind": SemanticType.NUMBER, "count": 200, "nulls": 0, "distinct": 150,
        "minimum": 0.5, "maximum": 90.0, "mean": 30.0, "std": 25.0, "skew": 1.5,
    }  # fmt: skip
    return Column(name=name, **{**facts, **known})  # type: ignore[arg-type]


YEAR = number("year", dtype="int", kind=SemanticType.YEAR, distinct=20, minimum=1990, maximum=2009)


@pytest.mark.parametrize("name", ["total_sales", "Doctor visits", "number of orders", "rainfall", "shipCost"])
def test_amounts_and_counts_may_be_summed(name: str) -> None:
    assert is_additive(number(name))


@pytest.mark.parametrize(
    "column",
    [
        number("murders per 100k"),
        number("murder_rate"),
        number("unemployment"),
        number("sales", kind=SemanticType.PERCENT),
        number("sales", unit="USD/kg"),
        number("sales", description="Sales index, 2010 = 100"),
        number("temperature_celsius"),
        number("unit_price"),
        number("profit", minimum=-4.0),
        number("x17"),
    ],
    ids=lambda column: column.name,
)
def test_rates_levels_and_what_nobody_knows_are_not_summed(column: Column) -> None:
    assert not is_additive(column)


def test_a_stock_is_summed_over_places_and_never_over_time() -> None:
    people = number("population", integral=True, dtype="int")
    states = replace(number("state"), kind=SemanticType.NAME, count=50, distinct=50)
    assert is_additive(people, (people, states))
    assert not is_additive(people, (people, replace(states, kind=SemanticType.CATEGORY, count=900))), "people"
    assert not is_additive(people, (people, YEAR))
    assert is_additive(number("sales"), (number("sales"), YEAR))


def test_half_as_warm_again_means_nothing() -> None:
    assert has_true_zero(number("price"))
    assert not has_true_zero(number("temperature_celsius"))


def test_a_quarter_beside_a_year_is_half_a_date() -> None:
    quarter = number("quarter", integral=True, distinct=4, minimum=1, maximum=4)
    assert is_quarter_of_series(quarter, (quarter, YEAR))
    assert not is_quarter_of_series(quarter, (quarter, number("sales")))


@pytest.mark.parametrize("dtype", ["int", "float"])
def test_a_short_scale_is_grouped_by_and_not_averaged(dtype: str) -> None:
    occupation = number("occupation", dtype=dtype, integral=True, distinct=6, minimum=1, maximum=6, skew=0.1)
    assert is_scale(occupation)
    assert not has_kind(occupation, ColumnKind.MEASURE)
    assert has_kind(occupation, ColumnKind.CATEGORY)


def test_brackets_are_codes_and_few_children_are_a_count() -> None:
    assert is_scale(number("income", integral=True, distinct=24, minimum=1, maximum=24, skew=-0.4))
    assert not is_scale(number("children", integral=True, distinct=6, minimum=0, maximum=5))
    assert not is_scale(number("age", integral=True, distinct=70, minimum=19, maximum=91))


def test_yes_or_no_and_numbers_are_no_answers_to_which() -> None:
    program = load_taxonomy("data_analysis").program("ranking/group_with_extreme_mean")
    value = number("weight")
    two = number(
        "smoker", dtype="string", kind=SemanticType.CATEGORY, distinct=2, top=(("yes", 9), ("no", 8))
    )
    code = number("days", dtype="int", kind=SemanticType.CATEGORY, distinct=8, integral=True)
    town = number("town", dtype="string", kind=SemanticType.CATEGORY, distinct=8)
    quarter = number("quarter", dtype="int", kind=SemanticType.CATEGORY, distinct=4, integral=True)
    for column, fits in ((two, False), (code, False), (town, True), (quarter, True)):
        assert (fill(program, (column, value), 200, random.Random(1)) is not None) is fits, column.name


def test_brackets_of_income_are_codes_though_their_name_says_money() -> None:
    income = number(
        "income", kind=SemanticType.MONEY, integral=True, distinct=24, minimum=1, maximum=24, skew=-0.4
    )
    assert is_scale(income)
    assert not is_additive(income)
