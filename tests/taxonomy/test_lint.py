"""A category's mistakes: all at once, each at its line, in words that say what to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from datamind_gen.spec.problems import Problem, render_problems, sort_problems
from datamind_gen.taxonomy import load_taxonomy
from datamind_gen.taxonomy.lint import find_strays, lint_taxonomy
from datamind_gen.taxonomy.load import find_taxonomy, read_categories

SHIPPED = ["data_analysis", "survey_research"]
LEAST_EXEMPLARS, LEAST_TEMPLATES = 4, 5
OWN = """
name: pricing
title: Pricing
description: Asks what things cost.
weight: 2
programs:
  - name: total_of_group
    slots:
      amount: {column: measure, additive: true}
      group: {column: category, distinct: [2, 40]}
      level: {value_of: group}
    gives: {type: number, decimals: 2, of: amount}
    question:
      - What is the total {{ amount }} for {{ group }} {{ level }}?
    phrase: the total {{ amount }} of {{ level }}
    guards:
      - len(rows) > 5
    python: |
      rows = df[df[{{ group }}] == {{ level }}]
      answer = rows[{{ amount }}].sum()
    sql: |
      SELECT ROUND(SUM({{ amount }}), {{ decimals }})
      FROM {{ table }}
      WHERE {{ group }} = {{ level }}
"""
MISTAKEN = """
name: pricing
title: Pricing
description: Asks what things cost.
wieght: 2
programs:
  - name: total_of_group
    slots:
      amount: {column: [mesure, money], additive: true}
      level: {value_of: grp}
      group: {column: category, distinct: [2]}
    gives: {type: number, decimals: 2, of: amuont}
    question:
      - What is the total {{ amount }, as a number?
      - What is the total {{ amount }} of {{ levl }}?
    phrase: the total
    python: |
      rows = df[df[{{ group }}] == {{ level }}]
      answer = rows[{{ amont }}].sum()
"""
TOLD = """
pricing.yaml:4:1: error: unknown key `wieght` at the top level
  4 | wieght: 2
    = did you mean `weight`? valid here: description, exemplars, name, needs, programs, templates, title, \
weight, workflow
pricing.yaml:8:25: error: `programs.0.slots.amount.column.0` cannot be 'mesure'
  8 |       amount: {column: [mesure, money], additive: true}
    = did you mean `measure`? one of measure, money, percent, category, name, label, date, year, text, \
boolean, identifier, any
pricing.yaml:9:15: error: pricing/total_of_group: slots.level.value_of: `grp` is no column slot
  9 |       level: {value_of: grp}
    = did you mean `group`? column slots: amount, group
pricing.yaml:10:33: error: `programs.0.slots.group.distinct` is a list of 1; it must be a list of 2
  10 |       group: {column: category, distinct: [2]}
pricing.yaml:11:40: error: pricing/total_of_group: gives.of: `amuont` is no column slot
  11 |     gives: {type: number, decimals: 2, of: amuont}
     = did you mean `amount`? column slots: amount, group
pricing.yaml:13:9: error: pricing/total_of_group: question.0: template does not parse: unexpected '}'
  13 |       - What is the total {{ amount }, as a number?
     = a slot is `{{ name }}`, a condition `{% if … %} … {% endif %}`
pricing.yaml:14:46: error: pricing/total_of_group: question.1: `levl` is no slot
  14 |       - What is the total {{ amount }} of {{ levl }}?
     = did you mean `level`? slots: amount, level, group
pricing.yaml:18:24: error: pricing/total_of_group: python: `amont` is no slot
  18 |       answer = rows[{{ amont }}].sum()
     = did you mean `amount`? slots: amount, level, group, decimals
8 mistakes
"""

Lint = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lint:
    """All problems of a taxonomy that holds these files."""
    monkeypatch.chdir(tmp_path)

    def lint(for_model: bool = False, **files: str) -> tuple[Problem, ...]:
        for name, text in {"taxonomy": "name: t\ntitle: T\ndescription: d\n", **files}.items():
            (tmp_path / f"{name}.yaml").write_text(dedent(text).lstrip("\n"))
        return sort_problems(lint_taxonomy(tmp_path, for_model=for_model))

    return lint


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_taxonomies_are_more_than_valid(name: str) -> None:
    folder = find_taxonomy(name)
    assert [*lint_taxonomy(folder, for_model=True), *find_strays(read_categories(folder))] == []
    for category in load_taxonomy(name).categories:
        assert len(category.exemplars) >= LEAST_EXEMPLARS, category.name
        assert len(category.templates) >= LEAST_TEMPLATES, category.name
        assert all((category.workflow.python, category.workflow.sql)), category.name


def test_a_small_category_of_ones_own_needs_little(lint: Lint) -> None:
    assert lint(pricing=OWN) == ()


def test_an_author_model_needs_more(lint: Lint) -> None:
    found = lint(for_model=True, pricing=OWN)
    assert [(problem.key, problem.is_error) for problem in found] == [
        ("exemplars", True),
        ("templates", True),
    ]


def test_all_mistakes_are_told_at_once_with_line_and_fix(lint: Lint) -> None:
    assert render_problems(lint(pricing=MISTAKEN)).plain == TOLD.lstrip("\n")


def test_one_category_hides_no_other(lint: Lint) -> None:
    found = lint(a="name: a\n   title: b\n", b="name: b\nneeds: {mesure: 1}\n", pricing=MISTAKEN)
    assert {problem.file for problem in found} == {"a.yaml", "b.yaml", "pricing.yaml"}
    assert (found[0].line, "indentation" in found[0].fix) == (2, True)
    assert ("needs.mesure", "measure") in [(problem.key, problem.nearest) for problem in found]


@pytest.mark.parametrize(
    ("written", "instead", "line", "told"),
    [
        pytest.param("df[df", "sales[df", 18, "python: nothing binds `sales`", id="unbound"),
        pytest.param("rows[{{ amount }}].sum()", "(1", 17, "python: does not parse", id="python-syntax"),
        pytest.param("answer =", "result =", 17, "python: binds no `answer`", id="no-answer"),
        pytest.param("FROM", "FORM", 20, "sql: SQLite does not take it", id="sql-syntax"),
        pytest.param("{{ table }}", "sales", 20, "sql: selects from no {{ table }}", id="no-table"),
        pytest.param("len(rows)", "len(sizes)", 16, "guards.0: nothing binds `sizes`", id="guard-unbound"),
        pytest.param("[2, 40]", "[40, 4]", 9, "slots.group: distinct [40, 4]", id="distinct-falls"),
        pytest.param("[2, 40]", "[90, 99]", 9, "a category has at most 40", id="too-many-distinct"),
        pytest.param(
            "distinct:", "additive: true, distinct:", 9, "asked of numbers only", id="additive-label"
        ),
        pytest.param(
            "      level: {", "      table: {", 10, "slots.table: that name is taken", id="reserved"
        ),
        pytest.param("phrase: the", "phrase: the {% if %}", 14, "phrase: template does not", id="phrase"),
        pytest.param("of {{ level }}\n", "of {{ a.b\n", 14, "phrase: template does not", id="open-braces"),
        pytest.param(
            "    sql: |\n      SE", "    sql: |\n      {% SE", 21, "sql: template does", id="sql-braces"
        ),
        pytest.param("name: pricing", "name: price", 1, "name: the file is pricing.yaml", id="file-name"),
    ],
)
def test_a_program_that_cannot_work_is_found(
    lint: Lint, written: str, instead: str, line: int, told: str
) -> None:
    assert written in OWN
    found = [problem for problem in lint(pricing=OWN.replace(written, instead, 1)) if told in problem.message]
    assert [(problem.line, problem.is_error) for problem in found] == [(line, True)]


def test_what_is_poor_is_a_warning(lint: Lint) -> None:
    unguarded = OWN.replace("    guards:\n      - len(rows) > 5\n", "").replace("ROUND(", "(")
    alike = OWN.replace("name: pricing", "name: costing")
    found = lint(pricing=unguarded, costing=alike)
    assert not any(problem.is_error and problem.key != "programs.0.sql" for problem in found)
    told = " ".join(problem.message for problem in found)
    assert "has no guard" in told
    assert "shares 100% of its words with that of pricing" in told


def test_an_exemplar_of_another_category_is_a_stray(tmp_path: Path) -> None:
    folder = find_taxonomy("data_analysis")
    for path in folder.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    asked = load_taxonomy("data_analysis").category("correlation_analysis").exemplars[0].question
    stray = f"exemplars:\n  - {{question: {asked!r}, domain: x, level: easy}}\n"
    counting = (folder / "counting.yaml").read_text().replace("exemplars:\n", stray, 1)
    (tmp_path / "counting.yaml").write_text(counting)
    found = list(find_strays(read_categories(tmp_path)))
    assert any(problem.key == "exemplars.0" and "correlation" in problem.message for problem in found)


def test_a_deleted_category_makes_no_noise_about_the_others(tmp_path: Path) -> None:
    folder = find_taxonomy("data_analysis")
    for path in folder.glob("*.yaml"):
        if path.stem != "ranking":
            (tmp_path / path.name).write_text(path.read_text())
    assert list(lint_taxonomy(tmp_path)) == []
