"""A program that a file cannot fill is told by slot, with what each column of the right kind lacks."""

from __future__ import annotations

from typing import Any

import pytest

from datamind_gen.rows import Column, SemanticType
from datamind_gen.taxonomy.schema import Program
from datamind_gen.taxonomy.unfilled import explain_unfilled
from datamind_gen.taxonomy.views import View


def column(name: str, kind: SemanticType, **known: Any) -> Column:
    facts = {"dtype": "float", "count": 200, "nulls": 0, "distinct": 150, "minimum": -5.0, "maximum": 90.0}
    return Column(name=name, kind=kind, **{**facts, **known})


PRICE = column("price", SemanticType.NUMBER)
CITY = column("city", SemanticType.CATEGORY, dtype="string", distinct=3, top=(("Rome", 2), ("Oslo", 1)))
VIEW = View(("t",), (PRICE, CITY), 200, "", "t", "", False)


def program(**slots: object) -> Program:
    gives = {"type": "number"}
    texts = {"question": "?", "phrase": "it", "python": "answer = 1"}
    return Program.model_validate({"name": "p", "slots": slots, "gives": gives, **texts})


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        pytest.param(
            {"when": {"column": "date"}}, "no column for when (date): no column is a date", id="kind"
        ),
        pytest.param(
            {"amount": {"column": ["measure", "money"], "additive": True}},
            "no column for amount (measure or money, additive): price is not known to be additive",
            id="additive",
        ),
        pytest.param(
            {"group": {"column": "category", "distinct": [9, 12], "rows_each": 90}},
            "no column for group (category, distinct [9, 12], rows_each 90): "
            "city has 3 distinct values, not 9 to 12 and has 66.7 rows a distinct value, not 90",
            id="two-wishes",
        ),
        pytest.param(
            {"amount": {"column": "measure", "positive": True}},
            "no column for amount (measure, positive): price has values of zero or below",
            id="positive",
        ),
        pytest.param(
            {"holes": {"column": "measure", "nulls": "some"}},
            "no column for holes (measure, nulls some): price has no missing values, or little else",
            id="nulls",
        ),
        pytest.param(
            {"one": {"column": "measure"}, "other": {"column": "measure"}},
            "no table has a column of its own for each slot at once",
            id="too-few-columns",
        ),
        pytest.param(
            {"group": {"column": "category"}, "level": {"value_of": "group"}},
            "the columns give no value for one of level (value_of)",
            id="no-label",
        ),
    ],
)
def test_what_keeps_a_program_from_a_file_is_named(slots: dict[str, object], told: str) -> None:
    assert explain_unfilled(program(**slots), [VIEW]) == [told]


def test_each_slot_without_a_column_is_told() -> None:
    both = program(when={"column": "date"}, note={"column": "text"})
    assert [told.partition(":")[0] for told in explain_unfilled(both, [VIEW])] == [
        "no column for when (date)",
        "no column for note (text)",
    ]
