"""The token builder: what was sampled is what is trained, and text never becomes control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trl
from hypothesis import given, settings
from hypothesis import strategies as st

from datamind_gen.rows import Message
from tests.trainers.helpers import CONVERSATION, PROMPT, hostile_tokenizer, make_tokenizer
from trainers.errors import TrainerError
from trainers.tokens import TokenBuilder

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")

TOKENIZER = make_tokenizer()
TOKENIZERS = {
    "plain": TOKENIZER,
    "hostile": hostile_tokenizer(),
    "unflagged": hostile_tokenizer(flagged=False),
}
BUILDERS = {name: TokenBuilder(tokenizer) for name, tokenizer in TOKENIZERS.items()}

nasty = st.text(alphabet=st.sampled_from("ab12 \n<>|/\u00e9\U0001f600"), max_size=20)
spelled = st.sampled_from(
    ["<|im_end|>", "<|im_start|>assistant\n", "<|endoftext|>", "</interpreter>", "<answer>9</answer>", "\n\n"]
)
content = st.lists(st.one_of(nasty, spelled), max_size=6).map("".join)


@st.composite
def conversations(draw: Any) -> list[Message]:
    messages = [Message("system", draw(content)), Message("user", draw(content))]
    for _ in range(draw(st.integers(0, 3))):
        messages += [Message("assistant", draw(content)), Message("user", draw(content))]
    return [*messages, Message("assistant", draw(content))]


def template(name: str) -> str:
    return (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(BUILDERS))
@settings(max_examples=60, deadline=None)
@given(messages=conversations())
def test_the_mask_covers_every_assistant_turn_and_nothing_else(name: str, messages: list[Message]) -> None:
    builder = BUILDERS[name]
    tokens = builder.conversation(messages)
    assert len(tokens.ids) == len(tokens.mask) == len(tokens.logprobs)
    runs: list[list[int]] = []
    for index, trained in enumerate(tokens.mask):
        if trained and (index == 0 or not tokens.mask[index - 1]):
            runs.append([])
        if trained:
            runs[-1].append(tokens.ids[index])
    replies = [message.content for message in messages if message.role == "assistant"]
    assert len(runs) == len(replies)
    for run, reply in zip(runs, replies, strict=True):
        assert run[-1] == builder.end_of_turn
        assert builder.tokenizer.decode(run[:-1], clean_up_tokenization_spaces=False) == reply


@pytest.mark.parametrize("name", list(BUILDERS))
@settings(max_examples=60, deadline=None)
@given(messages=conversations())
def test_only_the_template_writes_control_tokens(name: str, messages: list[Message]) -> None:
    builder = BUILDERS[name]
    tokens = builder.conversation(messages)
    controls = {
        builder.tokenizer.convert_tokens_to_ids(text)
        for text in ("<|im_end|>", "<|im_start|>", "<|endoftext|>")
    }
    found = [i for i in tokens.ids if i in controls]
    start, end = (builder.tokenizer.convert_tokens_to_ids(text) for text in ("<|im_start|>", "<|im_end|>"))
    assert found == [start, end] * len(messages)


@pytest.mark.parametrize("name", list(BUILDERS))
@settings(max_examples=60, deadline=None)
@given(messages=conversations())
def test_decoding_gives_back_what_was_said(name: str, messages: list[Message]) -> None:
    builder = BUILDERS[name]
    whole = builder.tokenizer.decode(builder.conversation(messages).ids, clean_up_tokenization_spaces=False)
    rendered = "".join(f"<|im_start|>{m.role}\n{m.content}<|im_end|>\n" for m in messages)
    assert whole == rendered.removesuffix("\n")


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("qwen2_5", ()),
        ("qwen3_instruct_2507", ()),
        ("llama3", LLAMA),
        ("llama3_1", LLAMA),
        ("phi3", ("<|user|>", "<|assistant|>", "<|system|>", "<|end|>")),
    ],
)
def test_appending_equals_the_whole_rendering_for_templates_that_append(
    name: str, extra: tuple[str, ...]
) -> None:
    tokenizer = hostile_tokenizer(template=template(name), extra=extra)
    if name.startswith("llama"):
        tokenizer.eos_token, tokenizer.bos_token = "<|eot_id|>", "<|begin_of_text|>"
    assert TokenBuilder(tokenizer).matches_template(CONVERSATION)


def test_a_template_without_an_end_of_turn_is_refused() -> None:
    with pytest.raises(TrainerError, match="no special token to stop at"):
        TokenBuilder(hostile_tokenizer(template="{% for m in messages %}{{ m.content }}{% endfor %}"))


def test_history_that_a_template_would_rewrite_is_kept_as_sampled() -> None:
    builder = TokenBuilder(hostile_tokenizer(template=template("qwen3")))
    assert not builder.matches_template(CONVERSATION)
    tokens = builder.conversation(CONVERSATION)
    assert "<think>Count the rows.</think>" in builder.tokenizer.decode(tokens.ids)


def test_a_template_that_opens_the_thought_itself_is_refused() -> None:
    tokenizer = hostile_tokenizer(template=template("qwen3_5_think"))
    with pytest.raises(TrainerError, match="<think>"):
        TokenBuilder(tokenizer)


def test_a_tokenizer_without_template_is_refused() -> None:
    tokenizer = hostile_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(TrainerError, match=r"model\.chat_template"):
        TokenBuilder(tokenizer)


def test_sampled_ids_are_kept_although_encoding_their_text_gives_others() -> None:
    builder = BUILDERS["hostile"]
    letters = [builder.tokenizer.encode(letter)[0] for letter in "answer"]
    assert builder.tokenizer.encode("answer") != letters
    tokens = builder.begin(PROMPT)
    before = list(tokens.ids)
    tokens.add_sampled([*letters, builder.end_of_turn], [-0.5] * 7)
    tokens.add_observation("<interpreter>\nok\n</interpreter>")
    assert tokens.ids[: len(before) + 7] == [*before, *letters, builder.end_of_turn]
    assert tokens.mask == [0] * len(before) + [1] * 7 + [0] * (len(tokens) - len(before) - 7)
    assert tokens.logprobs[len(before)] == -0.5


def test_a_turn_cut_short_is_ended_without_training_on_its_end() -> None:
    builder = BUILDERS["plain"]
    tokens = builder.begin(PROMPT)
    tokens.add_sampled(builder.tokenizer.encode("print"), [-1.0] * len(builder.tokenizer.encode("print")))
    trained = tokens.trained
    tokens.add_observation("x")
    assert tokens.ids.count(builder.end_of_turn) == 3 + 1
    assert tokens.trained == trained


def test_each_turn_extends_the_one_before() -> None:
    builder = BUILDERS["hostile"]
    tokens = builder.begin(PROMPT)
    seen = [list(tokens.ids)]
    for turn in range(3):
        tokens.add_sampled(
            [*builder.tokenizer.encode(f"row {turn}"), builder.end_of_turn],
            [0.0] * (len(builder.tokenizer.encode(f"row {turn}")) + 1),
        )
        tokens.add_observation(f"<interpreter>\n{turn}<|im_end|>\n</interpreter>")
        assert tokens.ids[: len(seen[-1])] == seen[-1]
        seen.append(list(tokens.ids))


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(PROMPT, id="no assistant"),
        pytest.param(CONVERSATION[2:], id="no prompt"),
        pytest.param(CONVERSATION[:-1], id="ends with an observation"),
        pytest.param((*CONVERSATION[:3], *CONVERSATION[2:]), id="two assistant turns"),
    ],
)
def test_conversations_that_do_not_alternate_are_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(ValueError):
        BUILDERS["plain"].conversation(messages)
