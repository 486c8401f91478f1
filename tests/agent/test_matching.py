"""The rule judge against the table of adversarial answers, and the reference code's defects by name."""

from __future__ import annotations

import pytest

from datamind_gen.agent.matching import agree, match, match_csv, match_result
from datamind_gen.rows import Answer, AnswerType
from tests.agent.answer_cases import D, GOLD, GROUPS, S, TABLES, U, many, n, pct

CASES = [
    pytest.param(group, case, id=f"{group}-{index}-{case[1][:30]!r}")
    for group, cases in GROUPS.items()
    for index, case in enumerate(cases)
]


@pytest.mark.parametrize(("group", "case"), CASES)
def test_every_adversarial_answer_gets_the_verdict_written_down(
    group: str, case: tuple[Answer | str, str, str] | tuple[Answer | str, str, str, str]
) -> None:
    expected, got, verdict = case[:3]
    question = case[3] if len(case) == 4 else ""
    found = match(expected, got, question=question, tolerance=0.001 if group == "tight" else 0.03)
    assert found.verdict == verdict, found.why


@pytest.mark.parametrize("name", TABLES)
def test_every_result_table_gets_the_verdict_written_down(name: str) -> None:
    gold, got, ordered, verdict = TABLES[name]
    found = match_csv(gold, got, ordered=ordered)
    assert found.verdict == verdict, found.why


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 200
    assert {case[2] for cases in GROUPS.values() for case in cases} == {S, D, U}
