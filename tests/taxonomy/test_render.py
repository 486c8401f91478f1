"""Data never reach code as raw text, whatever a column or a cell is called."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Callable

import pytest

from datamind_gen.taxonomy.render import (
    ChoiceRef,
    ColumnRef,
    LabelRef,
    RenderError,
    Value,
    plural,
    render_partly,
    render_python,
    render_sql,
    render_words,
    say,
)

HOSTILE = [
    "it's",
    'a "quoted" name',
    "'] ; import os #",
    'x" ; DROP TABLE t; --',
    "{{ value }}",
    "{% raw %}",
    "line\nbreak",
    "back\\slash",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_python_gets_literals(name: str) -> None:
    code = render_python("df[{{ column }}] == {{ label }}", {"column": ColumnRef(name), "label": name})
    literals = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    assert literals == [name, name]


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_sql_gets_quoted_names_and_values(name: str) -> None:
    connection = sqlite3.connect(":memory:")
    quoted = '"' + name.replace('"', '""') + '"'
    connection.execute(f"CREATE TABLE t ({quoted} TEXT)")
    connection.execute("INSERT INTO t VALUES (?)", (name,))
    sql = render_sql("SELECT {{ c }} FROM t WHERE {{ c }} = {{ v }}", {"c": ColumnRef(name), "v": name})
    assert connection.execute(sql).fetchall() == [(name,)]


def test_a_choice_says_something_else_in_each_language() -> None:
    how = {"how": ChoiceRef("mean", "AVG", "average")}
    assert render_python("{{ how }}", how) == "'mean'"
    assert render_sql("{{ how }}(x);", how) == "AVG(x)"
    assert render_words("the {{ how }}", how) == "the average"


def test_an_unknown_slot_is_named() -> None:
    with pytest.raises(RenderError, match="valeu"):
        render_python("{{ valeu }}", {"value": ColumnRef("x")})


def test_what_is_left_of_a_statement_renders_with_claims_alone() -> None:
    left = render_partly(
        "{{ value }} is {% if up %}rising{% endif %} {{ r }}", {"value": ColumnRef("{{ x }}")}
    )
    assert "{{ r }}" in left
    assert "{% raw %}" in left


@pytest.mark.parametrize("render", [render_words, render_partly], ids=["whole", "partly"])
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ group }} {{ level }}", "Rating 4"),
        ("{{ group }} is {{ level }}", "Rating is 4"),
        ("Of rating {{ level }}", "Of rating 4"),
        ("a {{ age }}", "an age"),
    ],
)
def test_a_column_is_named_once_with_its_label(
    render: Callable[[str, dict[str, Value]], str], template: str, said: str
) -> None:
    slots: dict[str, Value] = {
        "group": ColumnRef("Rating"),
        "level": LabelRef(4, "Rating"),
        "age": ColumnRef("age"),
    }
    assert render(template, slots) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("region", "regions"),
        ("City", "Cities"),
        ("class", "classes"),
        ("q_12", 'values of "q_12"'),
        ("US", "US values"),
    ],
)
def test_plurals(name: str, said: str) -> None:
    assert plural(ColumnRef(name)) == said


def test_numbers_are_said_as_people_write_them() -> None:
    assert [say(value) for value in (12, 2.5, 30000, 1234567.0)] == ["12", "2.5", "30,000", "1,234,567"]


@pytest.mark.parametrize(
    ("level", "said"),
    [
        pytest.param(3, "the age of the rows with income 3", id="number"),
        pytest.param("$45,000-$49,999", 'the age of the rows with income "$45,000-$49,999"', id="bracket"),
        pytest.param("Lima", "the age of income Lima", id="name"),
    ],
)
def test_what_is_no_name_has_rows(level: str | int, said: str) -> None:
    slots = {"group": ColumnRef("income"), "level": LabelRef(level)}
    assert render_words("the age of {{ group }} {{ level }}", slots) == said
