"""A chain reads as one question, and says what a person would say."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from datamind_gen.rows import Profile, Slot
from datamind_gen.taxonomy import Chain, Link, draw, extend, load_taxonomy
from datamind_gen.taxonomy.questions import write_question
from datamind_gen.taxonomy.render import ChoiceRef, ColumnRef, LabelRef, Wired, render_words
from datamind_gen.taxonomy.schema import Wire
from datamind_gen.taxonomy.views import list_views
from datamind_gen.taxonomy.wiring import MAX_CLAUSES, MAX_NESTING, is_readable

TAXONOMY = load_taxonomy("data_analysis")
Loaded = tuple[Profile, dict[str, Path]]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("rows where {{ group }} is {{ level }}", "rows where quarter is 2"),
        ("for {{ group }} {{ level }}", "for quarter 2"),
        ("the share of {{ level }} (by {{ group }})", "the share of quarter 2"),
    ],
)
def test_a_bare_label_is_said_with_its_column_once(template: str, said: str) -> None:
    assert render_words(template, {"group": ColumnRef("quarter"), "level": LabelRef(2, "quarter")}) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("plant_and_equipment", "an x of plant and equipment"),
        ("murders_per_100k", "an x of murders per 100k"),
        ("q_12", 'an x of "q_12"'),
        ("m1", 'an x of "m1"'),
    ],
)
def test_names_made_of_words_are_said_as_words(name: str, said: str) -> None:
    assert render_words("an x of {{ c }}", {"c": ColumnRef(name)}) == said


def test_articles_fit_what_fills_a_slot() -> None:
    values = {"c": ColumnRef("age"), "e": ChoiceRef("x", None, "average")}
    assert render_words("a {{ c }}, a {{ e }}", values) == "an age, an average"


def test_an_earlier_label_is_not_called_by_its_column_twice() -> None:
    wired = Wired("answer_0", "", "the mode with the highest cost")
    said = render_words("between {{ g }} bus and {{ g }} {{ l }}", {"g": ColumnRef("mode"), "l": wired})
    assert said == "between mode bus and the mode with the highest cost"


def test_a_sheet_and_two_filters_are_one_sentence(bundled: Callable[[str], Loaded]) -> None:
    profile, _ = bundled("firm_investment_by_decade.xlsx")
    (view, *_) = list_views(profile)
    ranking, counting = TAXONOMY.category("ranking"), TAXONOMY.category("counting")
    firm = Link(
        "ranking",
        ranking.program("group_with_extreme_mean"),
        (
            Slot(name="group", column="firm"),
            Slot(name="value", column="market_value"),
            Slot(name="end", value="highest"),
        ),
    )
    last = Link(
        "counting",
        counting.program("rows_beyond_threshold"),
        (
            Slot(name="value", column="gross_investment"),
            Slot(name="threshold", value=50, column="gross_investment"),
            Slot(name="side", value=counting.program("rows_beyond_threshold").slots["side"].choice[0].python),  # type: ignore[index]
            Slot(name="filter", value="==", column="firm", wired=0),
        ),
        Wire.FILTER,
    )
    question = write_question(Chain(view, (firm, last)), random.Random(3))
    assert question.count("?") == 1
    assert question.startswith(f"In {view.words}, ")
    assert "the firm with the highest" in question
    assert "keep only" not in question.lower()


def test_what_would_read_as_a_list_is_not_composed(bundled: Callable[[str], Loaded]) -> None:
    profile, _ = bundled("firm_investment.csv")
    rng = random.Random(5)
    longest = 0
    for category in TAXONOMY.categories:
        for _, chain in zip(range(4), draw(category, profile, rng), strict=False):
            grown: Chain | None = chain
            for _ in range(6):
                longer = extend(grown, TAXONOMY, rng)
                grown = longer or grown
            assert is_readable([link.wire for link in grown.links])
            clauses = sum(link.wire in (Wire.FILTER, Wire.TABLE) for link in grown.links)
            assert clauses <= MAX_CLAUSES
            longest = max(longest, len(grown.links))
    assert 3 <= longest <= (MAX_CLAUSES + 1) * (MAX_NESTING + 1)


def test_what_one_sentence_cannot_say_is_a_brief_that_names_what_it_found(
    bundled: Callable[[str], Loaded],
) -> None:
    profile, _ = bundled("firm_investment.csv")
    (view, *_) = list_views(profile)

    def link(path: str, wire: Wire | None, *slots: Slot) -> Link:
        category, _, name = path.partition("/")
        return Link(category, TAXONOMY.category(category).program(name), slots, wire)

    chain = Chain(
        view,
        (
            link(
                "ranking/group_with_extreme_mean",
                None,
                Slot(name="group", column="firm"),
                Slot(name="value", column="value"),
                Slot(name="end", value="highest"),
            ),
            link(
                "aggregation/average_of_label",
                Wire.LABEL,
                Slot(name="value", column="capital"),
                Slot(name="group", column="firm"),
                Slot(name="level", column="firm", wired=0),
            ),
            link(
                "aggregation/mean_above_threshold",
                Wire.NUMBER,
                Slot(name="value", column="invest"),
                Slot(name="other", column="capital"),
                Slot(name="threshold", column="capital", wired=1),
                Slot(name="side", value="above"),
            ),
            link(
                "aggregation/overall_average",
                Wire.FILTER,
                Slot(name="value", column="value"),
                Slot(name="filter", value=">", column="invest", wired=2),
            ),
        ),
    )
    question = write_question(chain, random.Random(1))
    found, narrowed, asked, *_ = re.split(r"(?<=[.?]) ", question)
    assert "the average capital of the rows of the firm with the highest average value" in found
    assert "that average" in narrowed
    assert "invest" in narrowed
    assert asked.endswith("?")
    assert "where firm is" not in question
