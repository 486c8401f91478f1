"""Duplicates are a pure function of the set."""

from __future__ import annotations

import random
from dataclasses import replace

from datamind_gen.rows import Candidate
from datamind_gen.rules.duplicates import DuplicatesRule
from datamind_gen.rules.examples import WrittenCandidate, make_candidate


def candidates(*questions: str) -> list[Candidate]:
    return [
        make_candidate(WrittenCandidate(question=question), index=index)[0]
        for index, question in enumerate(questions)
    ]


def test_arrival_order_changes_nothing() -> None:
    words = [
        "mean",
        "price",
        "count",
        "cars",
        "sold",
        "japan",
        "europe",
        "highest",
        "lowest",
        "median",
        "year",
        "total",
    ]
    rng = random.Random(4)
    questions = [" ".join(rng.choices(words, k=12)) for _ in range(80)]
    questions += [question.replace(" ", ", ", 1) for question in questions[::4]]
    made = candidates(*questions)
    expected = DuplicatesRule().check_all(made)
    assert len(expected) >= 20
    for _ in range(3):
        rng.shuffle(made)
        assert DuplicatesRule().check_all(made) == expected


def test_several_trajectories_of_one_query_are_kept_unless_they_are_equal() -> None:
    (first,) = candidates("What is the mean price of all the cars?")
    turn = first.trajectory.turns[0]
    second = replace(
        first,
        id="candidate-b",
        trajectory=replace(first.trajectory, turns=(replace(turn, text=turn.text + " "),)),
    )
    third = replace(first, id="candidate-c")
    found = DuplicatesRule().check_all([first, second, third])
    assert set(found) == {"candidate-c"}


def test_all_trajectories_of_a_repeated_query_go() -> None:
    made = candidates("What is the mean price of all the cars?", "What is the mean price of all the cars?")
    other = replace(
        made[1],
        id="candidate-9",
        trajectory=replace(made[1].trajectory, turns=(replace(made[1].trajectory.turns[0], text="x"),)),
    )
    assert set(DuplicatesRule().check_all([*made, other])) == {"candidate-1", "candidate-9"}
