"""Puts a chain into words, so that several hops read as one question that a person would ask.

A label or a number that an earlier hop gives stands in a later question as a noun phrase ("the state
with the highest mean income"), a filter or a derived table as a clause before the question. What would take
two clauses, or a phrase inside a phrase inside a phrase, becomes a brief of a few sentences, each of which
looks at what the one before has left. No answer of an earlier hop is ever named; `leaks` checks.
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
    "in": ("Across {phrase}", "For {phrase}, taken together", "Looking only at {phrase}"),
    ">": (
        "Among rows with {column} above {phrase}",
        "Looking only at rows with {column} above {phrase}",
    ),
}
_DERIVE = ("Based on {phrase}, one row each", "Given {phrase}, one row each")
_STEPS = {
    "==": ("Find {phrase}, and look only at that {noun}.", "Look only at {phrase}."),
    "in": ("Keep only {phrase}.", "Look only at {phrase}."),
    ">": (
        "Take {phrase}, and keep only the rows with {column} above it.",
        "Keep only the rows with {column} above {phrase}.",
    ),
    "table": ("Work out {phrase}, one row each, and go on with these.",),
    "find": ("Find {phrase}.", "Determine {phrase}.", "First work out {phrase}."),
    "which": ("Find out {phrase}.", "First see {phrase}."),
    "only": ("Find out {phrase}, and look only at that {noun}.",),
}
_WHICHEVER = "whichever of "
_LEFT = ("among the rows that remain", "in what is left", "in the remaining rows")
_SCOPES = {
    "all rows": ("all these rows", "all remaining rows"),
    "the whole table": ("these rows", "the remaining rows"),
    "the whole column": ("these rows", "the remaining rows"),
}
"""What a question calls everything, and what it calls it behind a clause, and at the end of a brief."""
_HEAD = re.compile(r"the (?:\w+ )?(?:\w+ )?(average|mean|median|total|number|share|maximum|minimum)\b")
_PLACE = ("In {place}", "Going by {place}", "Using {place}")
_ASKS = re.compile(
    r"(?:(?:in|at|on|for|by|to|from|within|of) )?"
    r"(?:how|what|which|who|when|where|is|are|does|do|did|has|have|can)\b",
    re.IGNORECASE,
)


def write_question(chain: Chain, rng: random.Random) -> str:
    """The whole chain in words: what one sentence can say in one, the rest as a short brief."""
    write = _write_sentence if _fits_a_sentence(chain) else _write_brief
    question = write(chain, rng)
    return f"{question} {instruct(chain, rng)}".strip()


def _fits_a_sentence(chain: Chain) -> bool:
    """Whether there is one clause at most, and no phrase after it: whether `the average` is then that of what
    is left, a sentence leaves open. Nor has a noun phrase more than one other inside."""
    clauses, nesting = 0, 0
    for index, link in enumerate(chain.links[1:]):
        if link.wire in (Wire.FILTER, Wire.TABLE):
            clauses, nesting = clauses + 1, 0
        else:
            nesting += 1
        if clauses > 1 or nesting > 1 or (clauses and nesting) or _stands_alone(_phrase(chain, index, "")):
            return False
    return True


def _stands_alone(phrase: str) -> bool:
    """Whether a phrase inside another would leave open where it ends."""
    return phrase.startswith(_WHICHEVER) or " among " in phrase


def _write_sentence(chain: Chain, rng: random.Random) -> str:
    """Where to look, and for what, in front; then what the last hop asks."""
    scope = phrase = ""
    for index, link in enumerate(chain.links):
        if link.wire in (Wire.FILTER, Wire.TABLE):
            scope = _clause(chain, index, phrase, rng)
        if index < len(chain.links) - 1:
            phrase = _phrase(chain, index, phrase)
    names = _names(chain)
    narrowed = bool(scope)
    if chain.view.words:
        place = (_PLACE[0] if scope else rng.choice(_PLACE)).format(place=chain.view.words)
        scope = f"{place}, {lower_first(scope, names)}" if scope else place
    question = hop_question(chain, len(chain.links) - 1, phrase, rng, in_sentence=bool(scope))
    question = _narrow_scope(question, in_brief=False) if narrowed else question
    return f"{scope}, {lower_first(question, names)}" if scope else question


def _write_brief(chain: Chain, rng: random.Random) -> str:
    """A sentence for each step that a reader has to hold on to, then what the last hop asks of what is left.

    A phrase takes one other inside; what goes deeper is found first, and is then `the quarter just found`.
    """
    names = _names(chain)
    told: list[str] = []
    phrase, is_nested, is_narrowed = "", False, False
    for index, following in enumerate(chain.links[1:]):
        said = _phrase(chain, index, phrase)
        if following.wire in (Wire.FILTER, Wire.TABLE):
            step, phrase, is_nested = _narrowing(chain, index + 1, said, rng), "", False
        elif is_nested or _stands_alone(said):
            step, phrase, is_nested = _finding(said, rng), _call(chain, index, said), False
        else:
            phrase, is_nested = said, True
            continue
        told.append(f"{upper_first(rng.choice(_LEFT))}, {lower_first(step, names)}" if is_narrowed else step)
        is_narrowed = is_narrowed or following.wire in (Wire.FILTER, Wire.TABLE)
    question = hop_question(chain, len(chain.links) - 1, phrase, rng, in_sentence=is_narrowed)
    if is_narrowed:
        question = (
            f"{upper_first(rng.choice(_LEFT))}, {lower_first(_narrow_scope(question, in_brief=True), names)}"
        )
    if chain.view.words:
        told[0] = f"{_PLACE[0].format(place=chain.view.words)}, {lower_first(told[0], names)}"
    return " ".join([*told, question])


def _narrowing(chain: Chain, index: int, phrase: str, rng: random.Random) -> str:
    """The sentence in which the link at an index takes what the one before it gives."""
    link = chain.links[index]
    slot = link.filter
    kind = "table" if link.wire is Wire.TABLE or slot is None else str(slot.value)
    templates = _STEPS[kind]
    if phrase.startswith(_WHICHEVER):
        templates, phrase = _STEPS["only"], phrase.replace(_WHICHEVER, "which of ", 1)
    elif kind == "==" and _stands_alone(phrase):
        templates = templates[:1]
    column = "" if slot is None else _column(chain, index, slot.column)
    return rng.choice(templates).format(phrase=phrase, column=column, noun=column)


def _finding(phrase: str, rng: random.Random) -> str:
    """The sentence in which something is found that the next one refers to."""
    kind = "which" if phrase.startswith(_WHICHEVER) else "find"
    return rng.choice(_STEPS[kind]).format(phrase=phrase.replace(_WHICHEVER, "which of ", 1))


def _call(chain: Chain, index: int, phrase: str) -> str:
    """How the answer of the link at an index is called once it has been found."""
    gives = chain.links[index].program.gives
    if gives.type is AnswerType.LABEL:
        return f"the {_column(chain, index, chain.links[index].column_of(gives.of))} just found"
    head = _HEAD.match(phrase)
    return f"that {head[1] if head else 'figure'}"


def _column(chain: Chain, index: int, name: str | None) -> str:
    return "" if name is None else say(ColumnRef(name, chain.words_at(index).get(name)))


def _narrow_scope(question: str, *, in_brief: bool) -> str:
    for everything, left in _SCOPES.items():
        question = re.sub(rf"\b{everything}\b(?! (?:with|whose|in which)\b)", left[in_brief], question)
    return question


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


def _clause(chain: Chain, index: int, phrase: str, rng: random.Random) -> str:
    """What stands before the question for a filter or a derived table."""
    link = chain.links[index]
    if link.wire is Wire.TABLE:
        return rng.choice(_DERIVE).replace("{phrase}", phrase)
    slot = link.filter
    assert slot is not None
    clause = rng.choice(_NARROW[str(slot.value)])
    return clause.replace("{phrase}", phrase).replace("{column}", _column(chain, index, slot.column))


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
