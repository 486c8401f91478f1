"""Compares answers in free words: checked claims against a text, and one text against another.

Numbers must pair up, with what they are said of; directions must not oppose each other. Where nothing can be
checked the verdict is unsure, never same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from datamind_gen.agent.answers.numbers import Number, split_ranges
from datamind_gen.agent.answers.text import fold, oppose, read_directions, read_polarity, tidy
from datamind_gen.agent.answers.units import PLAIN
from datamind_gen.agent.matching.labels import _flexible, match_boolean
from datamind_gen.agent.matching.numbers import Wanted, compare, numbers_of
from datamind_gen.agent.matching.verdict import Match, Sameness, different, same, unsure, worst
from datamind_gen.rows import Answer, Scalar

_NOTHING = re.compile(r"\W*(?:no|none|nothing|there (?:is|are|was|were) no)\b", re.I)
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_COMMON_WORDS = """
the a an is was are were be been of in on at to for and or with by from as that this these those it
its has have had there than then so which while whose also both between per each
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def match_claims(expected: Answer, got: str, *, tolerance: float, question: str) -> Match:
    """Whether the text makes every claim that can be checked.

    A claim in words is checked by its name where the reference's own text says it so, else by comparing the
    two texts as wholes.
    """
    claims = _claims(expected)
    text = tidy(got)
    if not claims:
        return match_texts(expected.text, got, tolerance=tolerance, question=question)
    numbers = split_ranges(numbers_of(text))
    said = tidy(expected.text)
    matches = []
    for name, value in claims:
        found = _match_claim(name, value, text, numbers, tolerance, question)
        in_words = isinstance(value, (bool, str)) and not found.same
        if in_words and not _match_claim(name, value, said, [], tolerance, question).same:
            found = _match_statements(said, text)
        matches.append(found)
    overall = worst(matches, why="every claim that can be checked is made")
    if overall.verdict is Sameness.UNSURE and oppose(expected.text, text):
        return different("the opposite direction")
    return overall


def _match_statements(mine: str, theirs: str) -> Match:
    """For a claim that not even the reference states in its own name: the statements as wholes."""
    if fold(mine) == fold(theirs):
        return same("the same statement")
    if oppose(mine, theirs):
        return different("the opposite direction")
    a, b = _words(mine), _words(theirs)
    if len(a & b) >= 0.6 * len(a | b) and _negations(mine) == _negations(theirs):
        return same("nearly the same statement")
    return unsure("the claim is not said in these words")


def _claims(expected: Answer) -> list[tuple[str, Scalar]]:
    values = expected.value if isinstance(expected.value, tuple) else (expected.value,)
    claims: list[tuple[str, Scalar]] = []
    for value in values:
        if isinstance(value, tuple):
            claims.append((str(value[0]), value[1]) if len(value) == 2 else ("", value[0]))
        elif value not in (None, ""):
            claims.append(("", value))
    return claims


def _match_claim(
    name: str, value: Scalar, text: str, numbers: list[Number], tolerance: float, question: str
) -> Match:
    if isinstance(value, bool):
        return _match_flag(name, value, text)
    if isinstance(value, (int, float)):
        return _match_figure(float(value), numbers, text, tolerance, question)
    return _match_phrase(str(value), text)


def _match_figure(value: float, numbers: list[Number], text: str, tolerance: float, question: str) -> Match:
    wanted = Wanted((value,), PLAIN, None, tolerance, question or "percent")
    found = [compare(wanted, number, text) for number in numbers]
    for verdict in (Sameness.SAME, Sameness.UNSURE):
        for match in found:
            if match.verdict is verdict:
                return match
    if not numbers:
        return unsure(f"{value:g} is not mentioned")
    flipped = any(abs(number.written + value) <= tolerance * abs(value) for number in numbers)
    return (
        different(f"the sign of {value:g} is turned")
        if flipped
        else different(f"{value:g} is not among the numbers")
    )


def _match_flag(name: str, value: bool, text: str) -> Match:
    stem = fold(name.replace("_", " ")).removeprefix("is ").removeprefix("has ")
    if read_polarity(text) is not None and not stem:
        return match_boolean(value, text)
    phrase = stem if value else f"not {stem}"
    return _match_phrase(phrase, text)


def _match_phrase(phrase: str, text: str) -> Match:
    mine, theirs = read_directions(phrase), read_directions(text)
    if any(a * b < 0 for a, b in zip(mine, theirs, strict=True)):
        return different(f"the opposite of {phrase!r}")
    if any(mine):
        agrees = all(a in (0, b) for a, b in zip(mine, theirs, strict=True))
        return same(f"{phrase!r} is said") if agrees else unsure(f"{phrase!r} is not said plainly")
    if _flexible(phrase).search(text):
        return same(f"{phrase!r} is said")
    return unsure(f"{phrase!r} is not said in these words")


def match_texts(mine: str, theirs: str, *, tolerance: float, question: str) -> Match:
    """Whether two answers in free words say the same, as far as rules can see."""
    mine, theirs = tidy(mine), tidy(theirs)
    if fold(mine) == fold(theirs):
        return same("the same words")
    if oppose(mine, theirs):
        return different("the opposite direction")
    given = {number.written for number in numbers_of(question)} if question else set()
    first = [number for number in numbers_of(mine) if number.written not in given]
    second = [number for number in numbers_of(theirs) if number.written not in given]
    if first and second:
        return _match_figures(mine, first, theirs, second, tolerance, question)
    if (first and _NOTHING.match(theirs)) or (second and _NOTHING.match(mine)):
        return different("some against none")
    if first or second:
        return unsure("only one of them gives numbers")
    a, b = _words(mine), _words(theirs)
    if a and b and len(a & b) / len(a | b) >= 0.8 and _negations(mine) == _negations(theirs):
        return same("nearly the same words")
    return unsure("different words, and nothing to check")


def _match_figures(
    mine: str, first: list[Number], theirs: str, second: list[Number], tolerance: float, question: str
) -> Match:
    pairs = [[compare(_wanted(a, tolerance, question), b, theirs).same for b in second] for a in first]
    unmatched = sum(not any(row) for row in pairs)
    unmatched_there = sum(not any(row[j] for row in pairs) for j in range(len(second)))
    if unmatched and unmatched_there:
        return different("other numbers")
    if unmatched or unmatched_there or len(first) != len(second):
        return unsure("one of them gives more numbers")
    if len(first) > 1 and _are_swapped(mine, first, theirs, second, pairs):
        return different("the same numbers, said of other things")
    if _names(mine) - _words(theirs) and _names(theirs) - _words(mine):
        return unsure("the same numbers, but other names")
    return same("the same numbers")


def _are_swapped(
    mine: str, first: Sequence[Number], theirs: str, second: Sequence[Number], pairs: list[list[bool]]
) -> bool:
    subjects = [_subject(mine, first, i) for i in range(len(first))]
    others = [_subject(theirs, second, j) for j in range(len(second))]
    for i, row in enumerate(pairs):
        scores = [_overlap(subjects[i], other) for other in others]
        own = max(score for score, matched in zip(scores, row, strict=True) if matched)
        if max(scores) > own:
            return True
    return False


def _subject(text: str, numbers: Sequence[Number], index: int) -> set[str]:
    start = numbers[index - 1].end if index else 0
    clause = re.split(r"[.;!?\n]", text[start : numbers[index].start])[-1]
    return {word for word in _WORD.findall(clause) if word.lower() not in _COMMON}


def _overlap(mine: set[str], theirs: set[str]) -> int:
    folded = {word.casefold() for word in theirs}
    return sum(2 if word[0].isupper() else 1 for word in mine if word.casefold() in folded)


def _words(text: str) -> set[str]:
    return {word.rstrip("s") for word in fold(text).split() if word not in _COMMON}


def _names(text: str) -> set[str]:
    inner = re.findall(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w'-]*", text)
    inner += re.findall(r"^[A-Z][\w'-]*(?=\s*[(:=])", text)
    return {fold(name).rstrip("s") for name in inner} - _COMMON


def _negations(text: str) -> int:
    return len(re.findall(r"\b(?:not|no|never|without|n't|cannot)\b", text, re.I)) % 2


def _wanted(number: Number, tolerance: float, question: str) -> Wanted:
    unit = number.units[0]
    return Wanted((number.written,), unit, None, tolerance, question, number.is_year)
