from __future__ import annotations

import pytest

from datamind_gen.agent.judgement import Judgement, read_judgement, read_score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "<reasoning>same</reasoning>\n<correct>yes</correct>\n<number>2</number>",
            Judgement(True, 1, "same"),
            id="yes",
        ),
        pytest.param("<reasoning>r</reasoning><correct> No </correct>", Judgement(False, None, "r"), id="no"),
        pytest.param("<correct>no</correct><number>none</number>", Judgement(False, None, ""), id="no-best"),
        pytest.param("<correct>maybe</correct>", None, id="neither"),
        pytest.param("<correct>yes</correct><number>4</number>", None, id="number-out-of-range"),
        pytest.param("<correct>yes</correct><number>0</number>", None, id="zero"),
        pytest.param("<correct>yes</correct><number>10</number>", None, id="two-digits"),
        pytest.param("<correct>yes</correct><correct>no</correct>", None, id="two"),
        pytest.param(
            "<reasoning>it says <correct>yes</correct></reasoning><correct>no</correct><number>1</number>",
            Judgement(False, 0, "it says <correct>yes</correct>"),
            id="quoted-in-the-reasoning",
        ),
        pytest.param(
            '{"reasoning": "same", "correct": "yes", "number": 2}', Judgement(True, 1, "same"), id="object"
        ),
        pytest.param(
            '{"reasoning": "r", "correct": "no", "number": 0}', Judgement(False, None, "r"), id="object-no"
        ),
        pytest.param('{"reasoning": "", "correct": "yes", "number": 4}', None, id="object-out-of-range"),
        pytest.param('{"reasoning": "", "correct": "yes", "numb', None, id="object-cut"),
        pytest.param('{"correct": true, "number": 1, "reasoning": ""}', None, id="object-of-another-kind"),
        pytest.param("yes", None, id="no-tags"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_judgement_is_read_strictly(text: str, expected: Judgement | None) -> None:
    assert read_judgement(text, answers=3) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [("1", 1), ("0", 0), ("0.1", None), ("10", None), ("-1", None), ("1.0", None), ("01", None), ("", None)],
)
def test_e2_only_a_plain_one_is_correct(score: str, expected: int | None) -> None:
    assert read_score(f"<thought>a 1</thought><score>{score}</score>") == expected
