"""The funnel adds up, or says where it does not."""

from __future__ import annotations

from datamind_gen.ledger.funnel import Funnel, StageCount, Tally
from datamind_gen.rows import Reason, Stage, Status


def test_a_tally_counts_what_settled_by_reason() -> None:
    tally = Tally(Stage.JUDGE, "group", makes=False)
    for id in "abcd":
        tally.take(id)
    tally.settle("a", Status.KEPT, None)
    tally.settle("b", Status.REJECTED, Reason.INCONSISTENT)
    tally.settle("c", Status.REJECTED, Reason.INCONSISTENT)
    tally.settle("d", Status.FAILED, Reason.PROVIDER)
    count = tally.count()
    assert count == StageCount(
        Stage.JUDGE, "group", 4, 0, 1, ((Reason.INCONSISTENT, 2),), ((Reason.PROVIDER, 1),)
    )
    assert count.adds_up


def test_a_stage_that_makes_rows_takes_none() -> None:
    tally = Tally(Stage.FILTER, "trajectory", makes=True)
    tally.take("group")
    for id in "abc":
        tally.settle(id, Status.KEPT, None)
    assert tally.count() == StageCount(Stage.FILTER, "trajectory", 0, 3, 3)


def test_a_row_that_settles_again_counts_once_as_it_ended_last() -> None:
    tally = Tally(Stage.SAMPLE, "query", makes=False)
    for end in ((Status.FAILED, Reason.PROVIDER), (Status.KEPT, None)):
        tally.take("q")
        tally.settle("q", *end)
    assert tally.count() == StageCount(Stage.SAMPLE, "query", 1, 0, 1)


def test_a_lost_row_is_a_problem() -> None:
    funnel = Funnel((StageCount(Stage.READ, "file", 3, 0, 1, ((Reason.EMPTY, 1),)),))
    assert funnel.problems() == ["read: 3 taken + 0 made is not 1 kept + 1 rejected + 0 failed"]
