"""The scripted author: asks what a program asks, in the tags of the prompt, and rewords questions.

It has the faults of authors, at a share of the usual rate: a reply that lacks a tag, and paraphrases that
change the question. Each is named in the reply, so that what readers of replies catch can be counted.
"""

from __future__ import annotations

import random
import re

from datamind_gen.models.hints import AuthorHint, AuthorTask

UNREADABLE = 0.1
"""Replies without all tags, as a share of the fault rate."""
_SYNONYMS = (
    ("highest", "largest"), ("largest", "highest"), ("lowest", "smallest"), ("smallest", "lowest"),
    ("average", "mean"), ("mean", "average"), ("in total", "altogether"), ("above", "greater than"),
    ("below", "less than"), ("Looking only at", "Going by"), ("Considering nothing but", "Taking only"),
    ("Round to", "Round the result to"), ("Give the result to", "State the result to"),
    ("Express it as", "Give it as"), ("Work out", "Compute"), ("Keep only", "Retain only"),
)  # fmt: skip
_OPENINGS = ("{question}", "Please tell: {question}", "Here is what I want to know: {question}")
_DISTORTIONS = (
    ("highest", "lowest"), ("largest", "smallest"), ("lowest", "highest"), ("smallest", "largest"),
    ("above", "below"), ("below", "above"), ("mean", "median"), ("average", "median"), ("median", "average"),
    ("total", "average"), ("two decimals", "one decimal"), ("one decimal", "two decimals"),
    ("increase", "decrease"), ("most", "least"), ("ascending", "descending"), ("descending", "ascending"),
)  # fmt: skip


def write_as_author(hint: AuthorHint, fault_rate: float, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """The reply, and the faults planted in it. A pure function of its arguments."""
    if rng.random() < fault_rate * UNREADABLE:
        return f"Here is a question that fits: {hint.question}", ("unreadable_reply",)
    match hint.task:
        case AuthorTask.WRITE:
            return _tag(question=hint.question, description=hint.description, type=hint.type), ()
        case AuthorTask.COMPOSE:
            text = _tag(
                step=hint.step,
                wiring=hint.wiring,
                question=hint.question,
                description=hint.description,
                type=hint.type,
            )
            return text, ()
        case AuthorTask.PARAPHRASE:
            question = _reword(hint.question, rng)
            if rng.random() < fault_rate and (distorted := _distort(question, rng)) != question:
                return _tag(question=distorted), ("unfaithful_paraphrase",)
            return _tag(question=question), ()


def _tag(**blocks: str) -> str:
    return "\n".join(f"<{name}>{text}</{name}>" for name, text in blocks.items())


def _reword(question: str, rng: random.Random) -> str:
    """The question in other words: one or two words exchanged, and another opening."""
    fitting = [pair for pair in _SYNONYMS if _replace(question, *pair) != question]
    for pair in rng.sample(fitting, min(len(fitting), rng.choice((1, 2)))):
        question = _replace(question, *pair)
    return rng.choice(_OPENINGS).replace("{question}", question)


def _distort(question: str, rng: random.Random) -> str:
    fitting = [pair for pair in _DISTORTIONS if _replace(question, *pair) != question]
    return _replace(question, *rng.choice(fitting)) if fitting else question


def _replace(text: str, old: str, new: str) -> str:
    """The first `old` as a word of its own, outside quotation marks."""
    for found in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text):
        if text[: found.start()].count('"') % 2 == 0:
            return text[: found.start()] + new + text[found.end() :]
    return text
