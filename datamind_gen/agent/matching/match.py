"""The rule judge: does an answer's text say what is expected?"""

from __future__ import annotations

import re

from datamind_gen.agent.answers.dates import read_dates
from datamind_gen.agent.answers.text import (
    fold,
    is_instruction,
    is_refusal,
    read_named,
    read_polarity,
    tidy,
    without_lead,
)
from datamind_gen.agent.matching.labels import match_boolean, match_date, match_label
from datamind_gen.agent.matching.lists import match_list
from datamind_gen.agent.matching.numbers import match_number, numbers_of
from datamind_gen.agent.matching.tables import match_table
from datamind_gen.agent.matching.texts import match_claims, match_texts
from datamind_gen.agent.matching.verdict import Match, Sameness, different, same, unsure, worst
from datamind_gen.rows import Answer, AnswerType

MAX_ANSWER_CHARS = 10_240
"""Beyond this an answer is no answer, as in the paper's reward."""

_BETWEEN_ITEMS = re.compile(r"[;\n]|,(?!\d{3}\b)\s*|\s+and\s+")
_ENUMERATION = re.compile(r"^\d{1,2}[.)]\s+")
_SENTENCE = re.compile(r"\b(?:is|are|was|were|the)\b|[=:]")
_PLAIN_POLARITY = re.compile(r"(?:yes|no|true|false)\b\s*(?:$|[,.;:!–—-])", re.I)
_FILE_NAME = re.compile(r"^\W*[\w.\-/ ]+\.csv\W*$", re.I)


def match(expected: Answer | str, got: str, *, tolerance: float = 0.03, question: str = "") -> Match:
    """Whether `got` says what is expected: a typed reference, or another sample's text.

    `tolerance` is relative, after conversion of units and scales. `question` settles what a number may stand
    for and whether order counts. A refusal, an empty answer and an answer that instructs its judge are the
    same as nothing, not even as each other.
    """
    if isinstance(expected, str):
        return _match_text(expected, got, tolerance=tolerance, question=question)
    if expected.type is AnswerType.TABLE:
        return match_table(expected, got, tolerance=tolerance, question=question)
    exact = expected.type is AnswerType.LABEL and fold(str(expected.value)) == fold(tidy(got))
    if not exact and (why := _is_no_answer(got)):
        return different(why)
    text = tidy(got)
    match expected.type:
        case AnswerType.NUMBER | AnswerType.PERCENT:
            return match_number(expected, text, tolerance=tolerance, question=question)
        case AnswerType.BOOLEAN:
            return match_boolean(bool(expected.value), text)
        case AnswerType.DATE:
            return match_date(str(expected.value), text)
        case AnswerType.LIST:
            return match_list(expected, text, tolerance=tolerance, question=question)
        case AnswerType.CLAIMS:
            return match_claims(expected, text, tolerance=tolerance, question=question)
        case _:
            return match_label(str(expected.value), text, question=question)


def infer(text: str) -> Answer | None:
    """The typed answer that a text is, where it is nothing else; None for sentences."""
    text = without_lead(tidy(text)).rstrip(". ")
    if not text or ("\n" in text and len(text) > 200):
        return None
    dates = read_dates(text)
    if len(dates) == 1 and dates[0].end - dates[0].start >= len(text) - 1 and not text.isdigit():
        return Answer(AnswerType.DATE, text, text)
    numbers = numbers_of(text)
    if len(numbers) == 1 and numbers[0].end - numbers[0].start >= len(text) - 2:
        kind = AnswerType.PERCENT if numbers[0].is_percent else AnswerType.NUMBER
        return Answer(kind, text, None)
    if read_polarity(text) is not None and _PLAIN_POLARITY.match(text):
        return Answer(AnswerType.BOOLEAN, text, read_polarity(text))
    items = _items(text)
    if len(items) > 1:
        return Answer(AnswerType.LIST, text, tuple(items))
    if not numbers and len(text.split()) <= 4 and not re.search(r"\b(?:is|are|was|were|has|have)\b", text):
        return Answer(AnswerType.LABEL, text, text)
    return None


def _items(text: str) -> list[str | float]:
    """The items of a text that is a bare list of short labels, or of numbers; [] if it is not."""
    inner = text.strip("[](){} ")
    parts = [part.strip(" '\"-•*") for part in _BETWEEN_ITEMS.split(inner)]
    parts = [_ENUMERATION.sub("", part) for part in parts if part]
    if len(parts) < 2 or any(len(part.split()) > 4 or _SENTENCE.search(part) for part in parts):
        return []
    numbers = [numbers_of(part) for part in parts]
    if not any(numbers):
        return list(parts)
    bare = [
        found[0].plain(found[0].units[0])
        for found, part in zip(numbers, parts, strict=True)
        if len(found) == 1 and len(part) - (found[0].end - found[0].start) <= 1
    ]
    return list(bare) if len(bare) == len(parts) else []


def _match_text(mine: str, theirs: str, *, tolerance: float, question: str) -> Match:
    for text in (mine, theirs):
        if why := _is_no_answer(text):
            return different(why)
    if read_named(mine) or read_named(theirs):
        return _match_named(mine, theirs, tolerance=tolerance, question=question)
    if fold(mine) == fold(theirs):
        return same("the same words")
    for one, other in ((mine, theirs), (theirs, mine)):
        typed = infer(one)
        if typed is not None:
            return match(typed, other, tolerance=tolerance, question=question)
    return match_texts(mine, theirs, tolerance=tolerance, question=question)


def _match_named(mine: str, theirs: str, *, tolerance: float, question: str) -> Match:
    wanted, got = read_named(mine), read_named(theirs)
    if not wanted or not got:
        return unsure("only one of them names its parts")
    matches = []
    for name, values in wanted.items():
        found = got.get(name)
        if found is None:
            return different(f"the part {name!r} is missing")
        if len({fold(value) for value in found}) > 1:
            return different(f"the part {name!r} is given twice, differently")
        matches.append(_match_text(values[0], found[0], tolerance=tolerance, question=question))
    return worst(matches, why="every named part agrees")


def _is_no_answer(text: str) -> str:
    if not text.strip():
        return "an empty answer"
    if len(text) > MAX_ANSWER_CHARS:
        return f"an answer of more than {MAX_ANSWER_CHARS} characters"
    if is_instruction(text):
        return "an answer that instructs its judge"
    if is_refusal(text):
        return "a refusal"
    return "a file name" if _FILE_NAME.match(text) else ""


__all__ = ["Match", "Sameness", "infer", "match"]
