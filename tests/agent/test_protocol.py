"""The grammar of one assistant message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamind_gen.agent.protocol import Problem, last_answer, parse

CODE_CASES = [
    pytest.param("<think>a</think>\n<code>\n```python\nx = 1\n```\n</code>", "x = 1", id="fenced"),
    pytest.param("<code>x = 1</code>", "x = 1", id="bare"),
    pytest.param("<code>  x = 1\n  y = 2\n</code>", "x = 1\ny = 2", id="bare-indented"),
    pytest.param("<code>```py\na\n```\n```python\nb\n```</code>", "a\nb", id="all-fences-run"),
    pytest.param("<code>First:\n```\na\n```\nthen\n```\nb\n```\n</code>", "a\nb", id="prose-between-fences"),
    pytest.param('<code>print("</code>")\n</code>', 'print("</code>")', id="tag-in-string"),
    pytest.param(
        "<code>s = '''\n</code>\n```\n'''\nt</code>", "s = '''\n</code>\n```\n'''\nt", id="tag-in-triple"
    ),
    pytest.param("<code>print('it\\'s </code>')</code>", "print('it\\'s </code>')", id="escaped-quote"),
    pytest.param("<code>print('don't')</code>", "print('don't')", id="unbalanced-quote"),
    pytest.param("<code># it's here\nx = 1</code>", "# it's here\nx = 1", id="quote-in-comment"),
    pytest.param("<code>x = 1  # done</code>", "x = 1  # done", id="close-after-comment"),
    pytest.param("<code>u = 'http://a#b'</code>", "u = 'http://a#b'", id="hash-in-string"),
    pytest.param("<code>```python\nx = 1 </code>\n```\n</code>", "x = 1 </code>", id="tag-in-fence"),
    pytest.param("<code>```python\nx = 1\n</code>", "x = 1", id="fence-never-closed"),
    pytest.param("<code>```python\nx = 1```</code>", "x = 1", id="fence-closed-on-the-last-line"),
    pytest.param("<code>```python\nx = 1\n```</code>", "x = 1", id="fence-and-tag-on-one-line"),
    pytest.param("<think>a <code>old</code> b</think><code>new</code>", "new", id="code-in-thought"),
    pytest.param(
        "<interpreter><code>no</code></interpreter><code>yes</code>", "yes", id="code-in-invented-output"
    ),
    pytest.param("<code>a</code><code>b</code>", "a", id="first-of-two"),
    pytest.param("<code>a</code><interpreter>1</interpreter><answer>1</answer>", "a", id="invented-ending"),
    pytest.param("<code></code><code>b</code>", "b", id="empty-code-is-no-action"),
    pytest.param("<code>f'{d[\"</code>\"]}'</code>", "f'{d[\"</code>\"]}'", id="f-string"),
]


@pytest.mark.parametrize(("text", "code"), CODE_CASES)
def test_code_is_found_where_the_grammar_says(text: str, code: str) -> None:
    parsed = parse(text)
    assert parsed.code == code
    assert parsed.answer is None


ANSWER_CASES = [
    pytest.param("<think>t</think><answer> 42 </answer>", "42", id="plain"),
    pytest.param("<answer>1</answer><code>x</code>", "1", id="answer-before-code"),
    pytest.param("<think><answer>1</answer></think><answer>2</answer>", "2", id="answer-in-thought"),
    pytest.param(
        "<interpreter><answer>1</answer></interpreter><answer>2</answer>", "2", id="invented-output"
    ),
    pytest.param("<code>print('<answer>1</answer>')", None, id="in-unclosed-code"),
    pytest.param("<answer></answer>", None, id="empty"),
    pytest.param("<answer>4", None, id="unclosed"),
    pytest.param("<interpreter><answer>1</answer>", None, id="unclosed-invented-output"),
    pytest.param("The answer is 4.", None, id="no-tags"),
    pytest.param("", None, id="nothing"),
]


@pytest.mark.parametrize(("text", "answer"), ANSWER_CASES)
def test_answer_is_found_where_the_grammar_says(text: str, answer: str | None) -> None:
    assert parse(text).answer == answer


PROBLEM_CASES = [
    pytest.param("<think>a</think><code>x</code>", [], id="clean"),
    pytest.param("<think>a</think>\n\n<answer>x</answer>\n", [], id="clean-answer"),
    pytest.param("<code>x</code>", [Problem.NO_THINK], id="no-think"),
    pytest.param("a</think><answer>1</answer>", [Problem.UNOPENED_THINK], id="unopened"),
    pytest.param("<think>a<answer>1</answer>", [Problem.UNCLOSED_THINK], id="unclosed-think"),
    pytest.param("<think>a</think>so<answer>1</answer>", [Problem.TEXT_OUTSIDE_TAGS], id="loose-text"),
    pytest.param("<think>a</think></code><answer>1</answer>", [Problem.STRAY_TAG], id="stray"),
    pytest.param("<think>a</think><code>x</code><answer>1</answer>", [Problem.AFTER_ACTION], id="after"),
    pytest.param("<think>a</think><answer>b<answer>c</answer>", [Problem.NESTED_TAG], id="nested"),
    pytest.param("<think>a</think><think>b</think><answer>c</answer>", [Problem.REPEATED_THINK], id="twice"),
    pytest.param("<think>a</think><code>x", [Problem.UNCLOSED_CODE, Problem.NO_ACTION], id="unclosed-code"),
    pytest.param(
        "<think>a</think><interpreter>1</interpreter><answer>1</answer>",
        [Problem.INVENTED_OBSERVATION],
        id="invented",
    ),
    pytest.param("<think>a</think><code>```\nx\n</code>", [Problem.UNCLOSED_FENCE], id="fence"),
    pytest.param("<think>a</think><code>so\n```\nx\n```\n</code>", [Problem.TEXT_OUTSIDE_FENCE], id="prose"),
]


@pytest.mark.parametrize(("text", "problems"), PROBLEM_CASES)
def test_deviations_are_named(text: str, problems: list[Problem]) -> None:
    assert list(parse(text).problems) == problems


def test_f7_answer_counts_only_in_the_last_message() -> None:
    printed = "<think>t</think><code>print('<answer>42</answer>')</code>"
    assert last_answer([printed, "<think>t</think><answer>7</answer>"]) == "7"
    assert last_answer(["<answer>42</answer>", printed]) is None
    assert last_answer([]) is None


def test_r4_first_action_of_a_message_wins_and_the_rest_is_not_read() -> None:
    text = "<think>t</think><code>x</code><interpreter>9</interpreter><answer>9</answer>"
    parsed = parse(text)
    assert (parsed.code, parsed.answer) == ("x", None)
    assert text[: parsed.end] == "<think>t</think><code>x</code>"


_PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<code>",
        "</code>",
        "<answer>",
        "</answer>",
        "<interpreter>",
        "</interpreter>",
        "x=1",
        "é",
        "</co",
        "```python\n",
        "\n```\n",
        "'",
        '"',
        '"""',
        "#",
        "\\",
        "\n",
        " ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_any_text_parses_and_cutting_at_the_end_changes_nothing(text: str) -> None:
    parsed = parse(text)
    assert parsed.code is None or parsed.answer is None
    assert parsed.acts is (Problem.NO_ACTION not in parsed.problems)
    again = parse(text[: parsed.end])
    if parsed.answer is not None:
        assert (again.thought, again.answer) == (parsed.thought, parsed.answer)
    assert 0 <= parsed.end <= len(text)


@settings(max_examples=100, deadline=None)
@given(
    st.text(alphabet=st.characters(exclude_characters="\x00"), max_size=40).filter(lambda s: "```" not in s),
)
def test_code_that_names_our_tags_in_literals_survives(value: str) -> None:
    code = f"print({value + '</code><answer>1</answer>'!r})"
    assert parse(f"<think>t</think>\n<code>\n```python\n{code}\n```\n</code>").code == code
    assert parse(f"<code>{code}</code>").code == code
