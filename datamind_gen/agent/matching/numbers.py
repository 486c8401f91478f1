"""Compares a number that is expected with the numbers of a text, and finds the one that is the answer."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

from datamind_gen.agent.answers.dates import read_dates
from datamind_gen.agent.answers.numbers import NEARBY, Bound, Number, is_close, read_numbers
from datamind_gen.agent.answers.units import PERCENT, Unit, unit_of
from datamind_gen.agent.matching.verdict import Match, Sameness, different, same, unsure
from datamind_gen.rows import Answer, AnswerType

_FINAL = re.compile(r"\b(?:final answer|answer|result)\b\s*(?:is|=|:|-)\s*", re.I)
_COPULA = re.compile(
    r"(?:(?<!there )\b(?:is|are|was|were|be|equals?|equal to|total(?:s|led|ed)?|amount(?:s|ed)? to|comes? to"
    r"|came to|sum(?:s|med)? to|stood at|averag(?:es|ed))|[=:≈])\s*"
    r"(?:(?:about|approximately|approx\.?|roughly|around|nearly|almost|exactly|only|just|a|an|then|therefore"
    r"|thus|now|still)\s+|[~≈]\s*)*[\W_]{0,2}$",
    re.I,
)
_PERCENT_QUESTION = re.compile(r"percent|per cent|%|\bshare\b|\brate\b|proportion", re.I)
_COUNT_QUESTION = re.compile(
    r"how many|how much|number of|\bcount|\btotal|\bsum\b|average|\bmean\b|median", re.I
)
_SCALE_QUESTION = re.compile(
    r"\b(?:in|as) (thousand|million|billion)s?\b|\((thousand|million|billion)s?\b", re.I
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_FALL = re.compile(
    r"\b(?:decreas|declin|drop|fell|fall|reduc|shr[aiu]nk|down|los[st]|lower|fewer|less)\w*", re.I
)
_RISE = re.compile(r"\b(?:increas|ris(?:e|en|ing)|rose|gr[eo]w|gain|up|higher|more)\w*", re.I)
_NONE = re.compile(r"^\W*(?:none|nothing|no\b|zero|there (?:are|is|were|was) no)", re.I)
_OR = re.compile(r"^\s*(?:or|and/or)\s*$", re.I)
_ONLY_NUMBERS = re.compile(r"^[\s\d.,;/|+\-−\[\]()eE%and]*$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An expected number with all that decides what equals it."""

    values: tuple[float, ...]
    """The full value, and the rounded one that the reference shows."""
    unit: Unit
    decimals: int | None
    tolerance: float
    question: str
    year: bool = False


def match_number(expected: Answer, got: str, *, tolerance: float, question: str) -> Match:
    """Whether the text gives the number of a reference of type number or percent."""
    wanted = want(expected, tolerance=tolerance, question=question)
    if any(math.isnan(value) for value in wanted.values):
        return unsure("the reference is not a number")
    numbers = numbers_of(got)
    if not numbers:
        if 0.0 in wanted.values and _NONE.search(got):
            counted = _COUNT_QUESTION.search(question)
            return same("none is zero") if counted else unsure("none may stand for zero")
        return different("no number in the answer")
    candidates = choose(got, numbers, question)
    if _are_alternatives(got, candidates):
        agrees = any(compare(wanted, candidate, got).same for candidate in candidates)
        return unsure("several numbers to choose from") if agrees else different("other numbers")
    matches = [compare(wanted, candidate, got) for candidate in candidates]
    if len(candidates) == 1:
        return matches[0]
    if all(match.same for match in matches):
        return same("every number agrees")
    if len(candidates) > 2 and _ONLY_NUMBERS.match(got):
        return different("several numbers where one is asked for")
    if any(match.verdict is not Sameness.DIFFERENT for match in matches):
        return unsure("several numbers, of which one agrees")
    return different(matches[0].why)


def want(expected: Answer, *, tolerance: float, question: str) -> Wanted:
    """What a reference of type number or percent asks for."""
    shown = numbers_of(expected.text)
    value = float(expected.value) if isinstance(expected.value, (int, float)) else None
    if expected.type is AnswerType.PERCENT:
        points = [number.written for number in shown[:1]]
        if value is not None:
            fraction = (
                bool(points) and not is_close(points[0], value, 0.5) and is_close(points[0], 100 * value, 0.5)
            )
            points.insert(0, 100 * value if fraction else value)
        return Wanted(tuple(points), unit_of("%"), expected.decimals, tolerance, question)
    values = [] if value is None else [value]
    if shown and (value is None or len(shown) == 1):
        values.append(shown[0].plain(shown[0].units[0]) if value is None else shown[0].written)
    rounded = [
        v for v in values if v == values[0] or is_close(v, values[0], tolerance, decimals=expected.decimals)
    ]
    unit = unit_of(expected.unit)
    if expected.unit is None and shown and value is None:
        unit = Unit(dimension=shown[0].units[0].dimension, factor=shown[0].units[0].factor)
    year = bool(shown) and shown[0].is_year and expected.unit is None and not _COUNT_QUESTION.search(question)
    return Wanted(tuple(rounded), unit, expected.decimals, tolerance, question, year)


def numbers_of(text: str) -> list[Number]:
    """The numbers of a text that are no parts of dates."""
    for date in reversed(read_dates(text)):
        if text[date.start : date.end].strip().isdigit():
            continue
        text = text[: date.start] + " " * (date.end - date.start) + text[date.end :]
    return read_numbers(text)


def choose(text: str, numbers: list[Number], question: str) -> list[Number]:
    """The numbers that may be the answer: one where the text makes it plain."""
    final = list(_FINAL.finditer(text))
    if final:
        after = [number for number in numbers if number.start >= final[-1].end() - 1]
        if after:
            return _with_alternatives(text, after[0], numbers)
    asserted = [number for number in numbers if not number.negated] or numbers
    outside = [number for number in asserted if not number.parenthesised] or asserted
    named = [number for number in outside if _COPULA.search(_before(text, number))]
    results = [number for number in named if _before(text, number).rstrip().endswith("=")]
    for plain in (named, results):
        if len({number.written for number in plain}) == 1:
            return _with_alternatives(text, plain[-1], outside)
    given = {number.written for number in numbers_of(question)} if question else set()
    fresh = [number for number in outside if number.written not in given]
    return fresh or outside


def _before(text: str, number: Number) -> str:
    return text[max(0, number.start - NEARBY) : number.start]


def _are_alternatives(text: str, numbers: list[Number]) -> bool:
    return any(_OR.match(text[one.end : other.start]) for one, other in pairwise(numbers))


def _with_alternatives(text: str, number: Number, numbers: list[Number]) -> list[Number]:
    following = [other for other in numbers if other.start >= number.end][:1]
    if following and _OR.match(text[number.end : following[0].start]):
        return [number, following[0]]
    return [number]


def asked_scale(question: str) -> float:
    """What a question that asks for an answer "in millions" multiplies it by; else 1."""
    asked = _SCALE_QUESTION.search(question)
    return _SCALES[(asked[1] or asked[2]).lower()] if asked else 1.0


def compare(wanted: Wanted, number: Number, text: str) -> Match:
    """Whether one number of a text is the wanted one."""
    if number.negated:
        return different("the number is denied")
    if number.upper is not None:
        return _compare_range(wanted, number)
    if number.bound is not Bound.NONE:
        limit = number.plain(number.units[0])
        inside = any(number.bound.allows(value, limit) for value in wanted.values)
        return unsure("a bound, not a value") if inside else different("outside the bound that is given")
    matches = [_compare_unit(wanted, number, unit, text) for unit in number.units]
    for verdict in (Sameness.SAME, Sameness.UNSURE):
        for match in matches:
            if match.verdict is verdict:
                return match
    for other in number.also:
        values = [value / 100 for value in wanted.values] if wanted.unit.dimension == PERCENT else []
        if any(is_close(value, other, wanted.tolerance) for value in (*wanted.values, *values)):
            ambiguous = _is_separator_reading(number, other)
            return unsure("the separator can be read in two ways") if ambiguous else same("as a share")
    return matches[0]


def _is_separator_reading(number: Number, other: float) -> bool:
    return any(math.isclose(other, number.written * factor) for factor in (1000, 1e-3))


def _compare_range(wanted: Wanted, number: Number) -> Match:
    low, high = number.written, number.upper or 0.0
    scale = number.units[0].scale
    if any(low * scale <= value <= high * scale for value in wanted.values):
        return unsure("a range, not a value")
    return different("outside the range that is given")


def _compare_unit(wanted: Wanted, number: Number, unit: Unit, text: str) -> Match:
    mine, theirs = wanted.unit.dimension, unit.dimension
    if wanted.year and number.is_year:
        exact = number.written in wanted.values
        return same("the same year") if exact else different("another year")
    if mine is not None and theirs is not None:
        if mine != theirs:
            return different(f"another unit: {theirs} for {mine}")
        pairs = [(_base(wanted.unit, value), number.base(unit)) for value in wanted.values]
        return _judge(wanted, pairs, number, text, decimals=None if wanted.unit != unit else wanted.decimals)
    if mine == PERCENT:
        found = _judge(wanted, [(v, number.plain(unit)) for v in wanted.values], number, text)
        share = _judge(
            wanted, [(v / 100, number.plain(unit)) for v in wanted.values], number, text, decimals=None
        )
        return found if found.same else share
    if theirs == PERCENT and mine is None:
        share = _judge(wanted, [(v, number.base(unit)) for v in wanted.values], number, text, decimals=None)
        if share.same:
            return share
        points = _judge(wanted, [(v, number.plain(unit)) for v in wanted.values], number, text)
        if points.same and not _PERCENT_QUESTION.search(wanted.question):
            return unsure("a percentage for a plain number") if abs(number.written) > 1 else share
        return points
    return _judge(wanted, _scaled(wanted, number, unit), number, text)


def _scaled(wanted: Wanted, number: Number, unit: Unit) -> list[tuple[float, float]]:
    got = number.plain(unit)
    pairs = [(value * wanted.unit.scale, got) for value in wanted.values]
    if unit.scale == 1 != wanted.unit.scale:
        pairs += [(value, got) for value in wanted.values]
    scale = asked_scale(wanted.question)
    return pairs if scale == 1 else [*pairs, *((value * scale, got) for value in wanted.values)]


def _base(unit: Unit, value: float) -> float:
    return (value * unit.scale + unit.offset) * unit.factor


_UNSET = object()


def _judge(
    wanted: Wanted,
    pairs: list[tuple[float, float]],
    number: Number,
    text: str,
    *,
    decimals: int | object | None = _UNSET,
) -> Match:
    places = wanted.decimals if decimals is _UNSET else None
    for value, got in pairs:
        for signed in _signs(value, got, number, wanted.question, text):
            if is_close(value, signed, wanted.tolerance, decimals=places):
                return same("equal within the tolerance")
    return different(f"{pairs[0][1]:g} for {pairs[0][0]:g}")


def _signs(value: float, got: float, number: Number, question: str, text: str) -> list[float]:
    """The value that the text gives, and what a word for rise or fall before it makes of it."""
    clause = re.split(r"[.;!?\n]", _before(text, number))[-1]
    falls, rises = bool(_FALL.search(clause)), bool(_RISE.search(clause))
    asked = bool(_FALL.search(question))
    if falls == rises or got < 0:
        return [got, -got] if asked and got < 0 < value else [got]
    by = bool(re.search(r"\b(?:by|of)\b[^.;]*$", clause))
    if not by or (falls and asked):
        return [got]
    if falls:
        return [-got]
    return [got] if value >= 0 else [abs(got)]
