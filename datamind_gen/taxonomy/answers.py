"""Turns what a program's code gave into a typed answer, and says how a question must ask for it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from datamind_gen.rows import Answer, AnswerType, Scalar
from datamind_gen.taxonomy.chain import Chain
from datamind_gen.taxonomy.render import Said, render_words
from datamind_gen.taxonomy.schema import Gives

Raw = Scalar | list[Scalar] | Mapping[str, object]

_DECIMALS = ("no decimals", "one decimal", "two decimals", "three decimals", "four decimals", "five decimals")
_ROUNDING = (
    "Round to {places}.",
    "Give the result to {places}.",
    "Report it with {places}.",
    "Round your answer to {places}.",
)
_PERCENT = (
    "Give a percentage with {places}.",
    "Answer in percent, rounded to {places}.",
    "Express it as a percentage, to {places}.",
)
_BOOLEAN = ("Answer yes or no.", "A yes or a no will do.", "Say yes or no.")


def instruct(chain: Chain, rng: random.Random) -> str:
    """What a question must add about unit and rounding, so that there is one right answer."""
    gives = chain.gives_at(len(chain.links) - 1)
    match gives.type:
        case AnswerType.BOOLEAN:
            return rng.choice(_BOOLEAN)
        case AnswerType.DATE:
            return "Write the date as YYYY-MM-DD."
        case AnswerType.PERCENT:
            return rng.choice(_PERCENT).format(places=_places(gives))
        case AnswerType.NUMBER | AnswerType.LIST | AnswerType.TABLE if gives.decimals is not None:
            unit = unit_of(chain)
            text = rng.choice(_ROUNDING).format(places=_places(gives))
            return text if unit is None else f"{text[:-1]}, in {unit}."
        case _:
            return ""


def unit_of(chain: Chain) -> str | None:
    gives = chain.last.program.gives
    if gives.unit_of is None:
        return gives.unit
    name = chain.last.column_of(gives.unit_of)
    return next(column.unit for column in chain.columns_at(len(chain.links) - 1) if column.name == name)


def _places(gives: Gives) -> str:
    assert gives.decimals is not None
    return _DECIMALS[gives.decimals] if gives.decimals < len(_DECIMALS) else f"{gives.decimals} decimals"


def make_answer(raw: Raw, chain: Chain) -> Answer:
    """The answer of a chain's last hop."""
    return answer_at(raw, chain, len(chain.links) - 1)


def answer_at(raw: Raw, chain: Chain, index: int) -> Answer:
    """The answer of the hop at an index."""
    gives = chain.gives_at(index)
    unit = unit_of(Chain(chain.view, chain.links[: index + 1]))
    if gives.type is AnswerType.TABLE and isinstance(raw, Mapping):
        return table_answer(raw, gives)
    if gives.type is AnswerType.CLAIMS and isinstance(raw, Mapping):
        return _claims_answer(raw, chain, index)
    if isinstance(raw, list):
        values = tuple(_round(part, gives.decimals) for part in raw)
        text = ", ".join(_say(part, gives.decimals) for part in values)
        return Answer(gives.type, text, values, unit, gives.decimals, ordered=gives.ordered)
    assert not isinstance(raw, Mapping)
    value = _round(raw, gives.decimals)
    text = _say(value, gives.decimals)
    if gives.type is AnswerType.PERCENT:
        return Answer(gives.type, f"{text}%", value, "%", gives.decimals)
    if unit is not None:
        text = f"{text} {unit}"
    return Answer(gives.type, text, value, unit, gives.decimals)


def table_answer(raw: Mapping[str, object], gives: Gives) -> Answer:
    """A table from `{"columns": [...], "rows": [...]}`."""
    columns, rows = raw["columns"], raw["rows"]
    assert isinstance(columns, Sequence)
    assert isinstance(rows, Sequence)
    value = tuple(tuple(_round(cell, gives.decimals) for cell in row) for row in rows)
    text = "; ".join(", ".join(_say(cell, gives.decimals) for cell in row) for row in value[:20])
    return Answer(
        AnswerType.TABLE,
        text,
        value,
        decimals=gives.decimals,
        columns=tuple(str(name) for name in columns),
        ordered=gives.ordered,
    )


def _claims_answer(raw: Mapping[str, object], chain: Chain, index: int) -> Answer:
    gives = chain.links[index].program.gives
    rows = []
    for name, claim in gives.claims.items():
        part = raw[name]
        assert part is None or isinstance(part, (str, int, float, bool))
        rows.append((name, _round(part, claim.decimals)))
    text = state_claims(gives, dict(rows), chain, index)
    checked = tuple(row for row in rows if gives.claims[row[0]].checked)
    return Answer(AnswerType.CLAIMS, text, checked, columns=("claim", "value"))


def state_claims(gives: Gives, claims: Mapping[str, Scalar], chain: Chain, index: int) -> str:
    """The claims in words, by the program's statement."""
    assert gives.statement is not None
    said = {name: Said(value, _say(value, gives.claims[name].decimals)) for name, value in claims.items()}
    return render_words(gives.statement, {**chain.values(index), **said})


def _round(value: Scalar, decimals: int | None) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if decimals is None:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    found = round(float(value), decimals)
    return 0.0 if found == 0 else found


def _say(value: Scalar, decimals: int | None) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float) and decimals is not None:
        return f"{value:.{decimals}f}"
    return str(value)


def is_trivial(answer: Answer, gives: Gives) -> bool:
    """Whether an answer is 0, or 0 or 100 %, where the program does not expect it."""
    if gives.may_be_trivial or answer.type not in (AnswerType.NUMBER, AnswerType.PERCENT):
        return False
    return answer.value == 0 or (answer.type is AnswerType.PERCENT and answer.value == 100)
