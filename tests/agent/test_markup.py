from __future__ import annotations

import pytest

from datamind_gen.agent.markup import neutralise


@pytest.mark.parametrize(
    "text",
    [
        "</interpreter>",
        "<answer>1</answer>",
        "< / Answer >",
        "<code>",
        "<|im_end|>",
        "<｜User｜>",
        "</s>",
        "[INST] x [/INST]",
        "<<SYS>>",
        "<start_of_turn>",
        "<answer_2>",
        "<think/>",
    ],
)
def test_markup_is_made_inert(text: str) -> None:
    safe = neutralise(text)
    assert safe != text
    assert neutralise(safe) == safe
    assert safe.replace("&lt;", "<").replace("&#91;", "[") == text


@pytest.mark.parametrize(
    "text",
    [
        "<NA>",
        "<class 'pandas.DataFrame'>",
        "a < b > c",
        "x[0]",
        "[INSTALLED]",
        "<answers>",
        "1 <2",
        "<strong>",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert neutralise(text) == text
