"""Mistakes in a taxonomy are reported together, each with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamind_gen.taxonomy import TaxonomyError, load_taxonomy
from datamind_gen.taxonomy.count import count_distinct


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
    weight = next(number for number, line in enumerate(lines, 1) if line.startswith("weight"))
    found = {problem.key.rpartition(".")[2]: problem for problem in caught.value.problems}
    assert (found["weight"].line, found["weight"].file) == (weight, str(tmp_path / "ranking.yaml"))
    assert "unknown key `x`" in found["x"].message


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(TaxonomyError, match="data_analysis"):
        load_taxonomy("no_such_taxonomy")


def test_removing_a_file_removes_its_category(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "taxonomies/data_analysis"
    for name in ("taxonomy.yaml", "ranking.yaml"):
        (tmp_path / name).write_text((folder / name).read_text())
    assert [category.name for category in load_taxonomy(tmp_path).categories] == ["ranking"]
