"""Filtering: which of the agreeing trajectories are kept, and where the others end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from datamind_gen.rows import Reason, Status, Verdict
from datamind_gen.stages.filter import FilterStage
from tests.stages.groups import make_group, make_query, make_trajectory

RULES = ["format", "supported_answer"]


@pytest.fixture
def keep(do: Any, serve: Any, bundled: Any) -> Any:
    """What filtering makes of a group whose last verdict holds these indices, best first."""
    loaded = bundled("firm_investment.csv")

    def run(answers: Any, agreeing: Any, *, keep: str, turns: Any = (), spoil: Any = ()) -> Any:
        group = make_group(make_query(loaded[0].file.id), answers, turns=turns)
        verdict = Verdict(True, "rule", agreeing[0], tuple(agreeing), 1.0)
        samples = tuple(
            replace(made, answer="77.7") if index in spoil else made
            for index, made in enumerate(group.trajectories)
        )
        group = replace(group, trajectories=samples, verdicts=(verdict,))
        return do(FilterStage().run(group, serve(loaded, rules=RULES, judge={"keep": keep})))

    return run


def ends(found: Any) -> list[str]:
    return [outcome.reason.value if outcome.reason else "kept" for outcome in found]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("best", ["not_chosen", "kept", "not_chosen"]),
        ("all", ["kept", "kept", "kept"]),
        ("shortest", ["not_chosen", "not_chosen", "kept"]),
    ],
)
def test_keep_says_which_agreeing_ones_go_on(keep: Any, which: str, expected: list[str]) -> None:
    found = keep(("4.2", "4.2", "4.2"), (1, 0, 2), keep=which, turns=(2, 3, 1))
    assert ends(found) == expected
    assert [outcome.row.rank for outcome in found] == [1, 0, 2]


def test_a_flaw_in_the_best_does_not_cost_the_query(keep: Any) -> None:
    found = keep(("4.2", "4.2", "4.2"), (1, 0, 2), keep="best", spoil=(1,))
    assert ends(found) == ["kept", "unsupported_answer", "not_chosen"]
    assert found[1].detail.startswith("supported_answer: ")


def test_every_trajectory_ends_somewhere(keep: Any) -> None:
    found = keep(("4.2", "5", None), (0,), keep="all")
    assert ends(found) == ["kept", "inconsistent", "no_answer"]
    assert [outcome.status for outcome in found] == [Status.KEPT, Status.REJECTED, Status.REJECTED]
    assert [outcome.row.rank for outcome in found] == [0, None, None]


def test_samples_from_before_a_reflection_are_left_out(do: Any, serve: Any, bundled: Any) -> None:
    loaded = bundled("firm_investment.csv")
    group = make_group(make_query(loaded[0].file.id), ("1", "2"))
    fresh = tuple(make_trajectory(group.query, sample, "4.2", round=1) for sample in range(2))
    verdict = Verdict(True, "rule", 3, (3, 2), 1.0, round=1)
    group = replace(group, trajectories=(*group.trajectories, *fresh), verdicts=(verdict,))
    found = do(FilterStage().run(group, serve(loaded, rules=RULES, judge={"keep": "all"})))
    assert ends(found) == ["inconsistent", "inconsistent", "kept", "kept"]
    assert found[0].detail == "an earlier round, before reflection"
    assert found[0].reason is Reason.INCONSISTENT
    assert [outcome.row.rank for outcome in found[2:]] == [1, 0]
