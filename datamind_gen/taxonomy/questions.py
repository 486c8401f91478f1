"""Puts a chain into words, so that several hops read as one question that a person would ask.

A label or a number that an earlier hop gives stands in a later question as a noun phrase ("the state
with the highest mean income"). A filter or a derived table becomes a clause before the question, or,
where there are several, a sentence each. No answer of an earlier hop is ever named; `leaks` checks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from datamind_gen.rows import Answer, AnswerType
from datamind_gen.taxonomy.answers import instruct
from datamind_gen.taxonomy.chain import Chain
from datamind_gen.taxonomy.render import ChoiceRef, ColumnRef, Wired, render_words, say
from datamind_gen.taxonomy.schema import Wire

_NARROW_LAST = {
    "==": (
        "For {phrase}, {question}",
        "Looking only at {phrase}, {question}",
        "Within {phrase}, {question}",
        "Find {phrase}; for its rows alone, {question}",
        "Considering nothing but the rows of {phrase}, {question}",
    ),
    "in": (
        "Across {phrase}, {question}",
        "Taking the rows of {phrase} together, {question}",
        "Looking only at {phrase}, {question}",
    ),
    ">": (
        "Among rows whose {column} is above {phrase}, {question}",
        "Counting only rows with {column} above {phrase}, {question}",
        "Where {column} exceeds {phrase}, {question}",
    ),
}
_NARROW_FIRST = {
    "==": (
        "Find {phrase} and keep only its rows.",
        "Start from {phrase}, leaving out all other rows.",
        "Take {phrase} and set everything else aside.",
    ),
    "in": ("Keep only the rows of {phrase}.", "Start from {phrase}, leaving out all other rows."),
    ">": (
        "Keep only the rows whose {column} is above {phrase}.",
        "Start from the rows with {column} above {phrase}.",
    ),
}
_NARROW_AGAIN = {
    "==": (
        "Among those rows, find {phrase} and again keep only its rows.",
        "Within what is left, narrow down further to {phrase}.",
    ),
    "in": ("Of those, keep only the rows of {phrase}.",),
    ">": ("Of those, keep only the rows whose {column} is above {phrase}.",),
}
_REMAINING = (
    "For the rows that remain, {question}",
    "In what is left, {question}",
    "With only those rows, {question}",
)
_DERIVE = (
    "Work out {phrase}. Over these results, {question}",
    "First compute {phrase}. In that table, {question}",
    "Consider {phrase}, one row each: {question}",
)
_PLACE = ("In {place}, {question}", "Going by {place}, {question}", "Using {place}, {question}")


def write_question(chain: Chain, rng: random.Random) -> str:
    """The whole chain as one question."""
    sentences: list[str] = []
    phrase = ""
    narrowed = sum(link.wire in (Wire.FILTER, Wire.TABLE) for link in chain.links)
    seen = 0
    for index, link in enumerate(chain.links):
        last = index == len(chain.links) - 1
        if link.wire in (Wire.FILTER, Wire.TABLE):
            seen += 1
            sentences.append(_clause(chain, index, phrase, first=seen == 1, last=seen == narrowed, rng=rng))
        if not last:
            phrase = _phrase(chain, index, phrase)
    question = hop_question(chain, len(chain.links) - 1, phrase, rng)
    names = _names(chain)
    for clause in reversed(sentences):
        if "{question}" in clause:
            question = clause.replace("{question}", lower_first(question, names))
        else:
            question = f"{clause} {question}"
    if chain.view.words:
        place = rng.choice(_PLACE)
        question = place.format(place=chain.view.words, question=lower_first(question, names))
    return f"{question} {instruct(chain, rng)}".strip()


def write_phrases(chain: Chain) -> tuple[str, ...]:
    """The noun phrase of each hop, earlier phrases inside later ones."""
    phrases: list[str] = []
    for index in range(len(chain.links)):
        phrases.append(_phrase(chain, index, phrases[-1] if phrases else ""))
    return tuple(phrases)


def hop_question(chain: Chain, index: int, phrase: str, rng: random.Random) -> str:
    """A hop's own question, an earlier hop's phrase in the slot that it fills."""
    template = rng.choice(chain.links[index].program.question)
    return upper_first(render_words(template, chain.values(index, phrase=phrase)))


def _phrase(chain: Chain, index: int, phrase: str) -> str:
    return render_words(chain.links[index].program.phrase, chain.values(index, phrase=phrase))


def _clause(chain: Chain, index: int, phrase: str, *, first: bool, last: bool, rng: random.Random) -> str:
    """What stands before the question for one filter or derived table; `{question}` marks its place."""
    link = chain.links[index]
    if link.wire is Wire.TABLE:
        return rng.choice(_DERIVE).replace("{phrase}", phrase)
    slot = link.filter
    assert slot is not None
    assert slot.column is not None
    operator = str(slot.value)
    column = say(ColumnRef(slot.column, chain.words_at(index).get(slot.column)))
    if first and last:
        clause = rng.choice(_NARROW_LAST[operator])
    else:
        clause = rng.choice((_NARROW_FIRST if first else _NARROW_AGAIN)[operator])
        if last:
            clause = f"{clause} {rng.choice(_REMAINING)}"
    return clause.replace("{phrase}", phrase).replace("{column}", column)


def lower_first(text: str, names: Sequence[str]) -> str:
    """The text as it stands inside a sentence: its opening word in lower case, unless it is a name."""
    if any(text.lower().startswith(name.lower()) for name in names):
        return text
    return text[:1].lower() + text[1:]


def _names(chain: Chain) -> tuple[str, ...]:
    """What a sentence may open with that keeps its case: names of columns and labels."""
    values = [value for index in range(len(chain.links)) for value in chain.values(index).values()]
    return tuple(
        said for value in values if not isinstance(value, (ChoiceRef, Wired)) and (said := say(value))
    )


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def leaks(question: str, earlier: Sequence[Answer]) -> str | None:
    """An earlier hop's answer that the question names, if any."""
    for answer in earlier:
        if answer.type is AnswerType.NUMBER:
            number = str(answer.value)
            if len(number.strip("-0.")) >= 4 and number in question:
                return number
            continue
        if answer.type not in (AnswerType.LABEL, AnswerType.LIST, AnswerType.DATE):
            continue
        for part in answer.value if isinstance(answer.value, tuple) else (answer.value,):
            text = str(part)
            if len(text) > 1 and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", question, re.IGNORECASE):
                return text
    return None
