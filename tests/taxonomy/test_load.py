"""Mistakes in a taxonomy are reported together, each with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamind_gen.taxonomy import Category, Program, TaxonomyError, load_taxonomy
from datamind_gen.taxonomy.count import count_distinct
from datamind_gen.taxonomy.lint import lint


@pytest.mark.parametrize("name", ["data_analysis", "survey_research"])
def test_the_shipped_taxonomies_have_no_lint(name: str) -> None:
    assert [str(finding) for finding in lint(load_taxonomy(name))] == []


def test_lint_tells_what_would_fail_from_what_is_poor() -> None:
    taxonomy = load_taxonomy("survey_research")
    one, other, *rest = taxonomy.categories
    program = one.programs[0].model_copy(update={"phrase": "the {{ nothing }}", "guards": ()})
    spoilt = one.model_copy(update={"programs": (program,), "description": other.description})
    found = list(lint(taxonomy.model_copy(update={"categories": (spoilt, other, *rest)})))
    assert any(finding.fatal and "nothing" in finding.message for finding in found)
    assert any(not finding.fatal and "guard" in finding.message for finding in found)
    assert any(not finding.fatal and other.name in finding.message for finding in found)


def test_programs_that_differ_in_names_and_aggregates_count_once() -> None:
    first, *_ = load_taxonomy("survey_research").category("sample_composition").programs
    renamed = first.model_copy(
        update={"python": first.python.replace("known", "rows").replace(".mean()", ".max()")}
    )
    other = first.model_copy(update={"python": first.python.replace("100 *", "100 -")})
    assert count_distinct([first, renamed]) == 1
    assert count_distinct([first, other]) == 2
    programs = [one for category in load_taxonomy("data_analysis").categories for one in category.programs]
    assert len(programs) >= 150
    assert count_distinct(programs) >= 100


def test_every_mistake_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.yaml").write_text("name: t\ntitle: T\ndescription: d\n")
    shipped = (Path(__file__).parents[2] / "taxonomies/data_analysis/ranking.yaml").read_text()
    broken = shipped.replace("weight: 4.81", "weight: -1").replace(
        "top: {number: [2, 3]}", "top: {number: [2], x: 1}"
    )
    (tmp_path / "ranking.yaml").write_text(broken)
    lines = broken.splitlines()
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(tmp_path)
    weight = next(i for i, line in enumerate(lines, 1) if line.startswith("weight"))
    assert any(
        problem.startswith(f"{tmp_path}/ranking.yaml:{weight}: weight") for problem in caught.value.problems
    )
    assert any("top.x" in problem for problem in caught.value.problems)


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(TaxonomyError, match="data_analysis"):
        load_taxonomy("no_such_taxonomy")


def test_removing_a_file_removes_its_category(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "taxonomies/data_analysis"
    for name in ("taxonomy.yaml", "ranking.yaml"):
        (tmp_path / name).write_text((folder / name).read_text())
    assert [category.name for category in load_taxonomy(tmp_path).categories] == ["ranking"]


SPOILT = {
    "python: nothing binds totals": lambda program: {"python": program.python.replace("totals", "totls", 1)},
    "python: does not parse": lambda program: {"python": program.python + "\nanswer = (1"},
    "sql: SQLite does not take it": lambda program: {"sql": (program.sql or "").replace("FROM", "FORM", 1)},
    "guards: nothing binds sizes": lambda program: {"guards": ("sizes.min() > 2",)},
    "slot group: distinct [40, 4]": lambda program: {
        "slots": {**program.slots, "group": program.slots["group"].model_copy(update={"distinct": (40, 4)})}
    },
    "a category has at most 40": lambda program: {
        "slots": {**program.slots, "group": program.slots["group"].model_copy(update={"distinct": (90, 99)})}
    },
    "additive, positive and integral are asked of numbers only": lambda program: {
        "slots": {**program.slots, "group": program.slots["group"].model_copy(update={"additive": True})}
    },
}


@pytest.mark.parametrize("told", SPOILT)
def test_lint_finds_programs_that_cannot_work(told: str) -> None:
    taxonomy = load_taxonomy("data_analysis")
    ranking = taxonomy.category("ranking")
    program = ranking.program("nth_group_by_total")
    spoilt = program.model_copy(update=SPOILT[told](program))
    found = list(lint(taxonomy.model_copy(update={"categories": (_with(ranking, spoilt),)})))
    assert any(finding.fatal and told in finding.message for finding in found), [str(one) for one in found]


def test_lint_finds_an_exemplar_of_another_category() -> None:
    taxonomy = load_taxonomy("data_analysis")
    counting, correlation = taxonomy.category("counting"), taxonomy.category("correlation_analysis")
    stray = correlation.exemplars[0]
    spoilt = counting.model_copy(update={"exemplars": (*counting.exemplars[:3], stray)})
    others = [one for one in taxonomy.categories if one not in (counting, correlation)]
    left = correlation.model_copy(update={"exemplars": correlation.exemplars[1:]})
    found = list(lint(taxonomy.model_copy(update={"categories": (spoilt, left, *others)})))
    assert any(finding.category == "counting" and "sounds like" in finding.message for finding in found)


def _with(category: Category, program: Program) -> Category:
    others = [one for one in category.programs if one.name != program.name]
    return category.model_copy(update={"programs": (*others, program)})
