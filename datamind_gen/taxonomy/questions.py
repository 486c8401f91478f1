"""Puts a chain into words, so that several hops read as one question that a person would ask.

A label or a number that an earlier hop gives stands in a later question as a noun phrase ("the state
with the highest mean income"). A filter or a derived table becomes a clause before the question; "there"
says that a second one looks only at what the first has left. No answer of an earlier hop is ever named;
`leaks` checks.
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

_NARROW = {
    "==": ("For {phrase}", "Within {phrase}", "Looking only at {phrase}"),
    "in": ("Across {phrase}", "For {phrase} taken together", "Looking only at {phrase}"),
    ">": (
        "Where {column} is above {phrase}",
        "Among rows with {column} above {phrase}",
        "Looking only at rows with {column} above {phrase}",
    ),
}
_NARROW_AGAIN = {
    "==": "and there only for {phrase}",
    "in": "and there only for {phrase}",
    ">": "and there only where {column} is above {phrase}",
}
_DERIVE = ("Based on {phrase}, one row each", "Given {phrase}, one row each")
_DERIVE_AGAIN = "and based there on {phrase}, one row each"
_PLACE = ("In {place}", "Going by {place}", "Using {place}")
_ASKS = re.compile(
    r"(?:(?:in|at|on|for|by|to|from|within|of) )?"
    r"(?:how|what|which|who|when|where|is|are|does|do|did|has|have|can)\b",
    re.IGNORECASE,
)


def write_question(chain: Chain, rng: random.Random) -> str:
    """The whole chain as one question: where to look, and for what, in front; then what the last hop asks."""
    clauses: list[str] = []
    phrase = ""
    for index, link in enumerate(chain.links):
        if link.wire in (Wire.FILTER, Wire.TABLE):
            clauses.append(_clause(chain, index, phrase, again=bool(clauses), rng=rng))
        if index < len(chain.links) - 1:
            phrase = _phrase(chain, index, phrase)
    names = _names(chain)
    scope = ", ".join(clauses)
    if chain.view.words:
        place = (_PLACE[0] if scope else rng.choice(_PLACE)).format(place=chain.view.words)
        scope = f"{place}, {lower_first(scope, names)}" if scope else place
    question = hop_question(chain, len(chain.links) - 1, phrase, rng, in_sentence=bool(scope))
    if scope:
        question = f"{scope}, {lower_first(question, names)}"
    return f"{question} {instruct(chain, rng)}".strip()


def write_phrases(chain: Chain) -> tuple[str, ...]:
    """The noun phrase of each hop, earlier phrases inside later ones."""
    phrases: list[str] = []
    for index in range(len(chain.links)):
        phrases.append(_phrase(chain, index, phrases[-1] if phrases else ""))
    return tuple(phrases)


def hop_question(
    chain: Chain, index: int, phrase: str, rng: random.Random, *, in_sentence: bool = False
) -> str:
    """A hop's own question, an earlier hop's phrase in the slot that it fills; where it goes on a sentence,
    a wording that begins by asking rather than with a clause of its own."""
    templates = chain.links[index].program.question
    if in_sentence:
        templates = tuple(text for text in templates if _ASKS.match(text)) or templates
    return upper_first(render_words(rng.choice(templates), chain.values(index, phrase=phrase)))


def _phrase(chain: Chain, index: int, phrase: str) -> str:
    return render_words(chain.links[index].program.phrase, chain.values(index, phrase=phrase))


def _clause(chain: Chain, index: int, phrase: str, *, again: bool, rng: random.Random) -> str:
    """What stands before the question for one filter or derived table; `again` for all but the first."""
    link = chain.links[index]
    if link.wire is Wire.TABLE:
        return (_DERIVE_AGAIN if again else rng.choice(_DERIVE)).replace("{phrase}", phrase)
    slot = link.filter
    assert slot is not None
    assert slot.column is not None
    operator = str(slot.value)
    column = say(ColumnRef(slot.column, chain.words_at(index).get(slot.column)))
    clause = _NARROW_AGAIN[operator] if again else rng.choice(_NARROW[operator])
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
