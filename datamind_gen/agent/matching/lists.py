"""Compares a list that is expected with the items that a text names: all of them, no others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from datamind_gen.agent.answers.numbers import is_close
from datamind_gen.agent.answers.text import fold, tidy
from datamind_gen.agent.matching.numbers import numbers_of
from datamind_gen.agent.matching.verdict import Match, different, same, unsure
from datamind_gen.rows import Answer, Scalar

ORDER_QUESTION = re.compile(
    r"\bin (?:\w+ )?order\b|\b(?:ordered|sorted|ranked|ranking|rank|sort|order)\b|(?:highest|lowest|largest|"
    r"smallest|most|least|first) first\b|\bfrom (?:the )?(?:highest|lowest|largest|smallest|most|least|best|"
    r"worst|first|last)\b|\b(?:ascending|descending)\b",
    re.I,
)
_MARK = "\x01"
_SEPARATORS = re.compile(r"[,;\n|/•]|\band\b|\bthen\b|(?<=\s)-(?=\s)|\.\s")
_DENIED = re.compile(r"\b(?:not|except|excluding|without|rather than|instead of)\W+(?:the )?$", re.I)
_EMPTY = re.compile(r"^\W*(?:none|nothing|empty|no\b|there (?:are|is) no|\[\s*\])", re.I)


def match_list(expected: Answer, got: str, *, tolerance: float, question: str) -> Match:
    """Whether the text names the items, in their order where it counts."""
    values = expected.value if isinstance(expected.value, tuple) else (expected.value,)
    items = [value for value in values if not isinstance(value, tuple)]
    ordered = expected.ordered or bool(ORDER_QUESTION.search(question))
    text = tidy(got)
    if not items:
        return (
            same("both empty")
            if _EMPTY.match(text) or not text
            else different("items where none are expected")
        )
    if all(_number(item) is not None for item in items):
        numbers = [_number(item) or 0.0 for item in items]
        tolerance = tolerance if not any(isinstance(item, str) for item in items) else 0.0
        return _match_numbers(numbers, text, ordered, tolerance, expected.decimals)
    return _match_labels([str(item) for item in items], text, ordered)


def _number(item: Scalar) -> float | None:
    if isinstance(item, str):
        return float(item) if re.fullmatch(r"-?\d+(?:\.\d+)?", item.strip()) else None
    return float(item) if isinstance(item, (int, float)) and not isinstance(item, bool) else None


def _match_numbers(
    wanted: Sequence[float], text: str, ordered: bool, tolerance: float, decimals: int | None
) -> Match:
    _, colon, rest = text.rpartition(":")
    body = rest if colon and numbers_of(rest) and len(numbers_of(rest)) >= len(wanted) else text
    got = [number.plain(number.units[0]) for number in numbers_of(body) if not number.negated]
    if len(got) != len(wanted):
        return different(f"{len(got)} numbers where {len(wanted)} are asked for")
    if _pairs(wanted, got, tolerance, decimals):
        return same("the same numbers in the same order")
    if not _pairs(sorted(wanted), sorted(got), tolerance, decimals):
        return different("other numbers")
    return different("the same numbers in another order") if ordered else same("the same numbers")


def _pairs(wanted: Sequence[float], got: Sequence[float], tolerance: float, decimals: int | None) -> bool:
    return all(is_close(a, b, tolerance, decimals=decimals) for a, b in zip(wanted, got, strict=True))


def _match_labels(items: list[str], text: str, ordered: bool) -> Match:
    marked, places = _mark(items, text)
    missing = [item for item in items if item not in places]
    if missing:
        return different(f"{missing[0]!r} is missing")
    extra = _extra(marked)
    if extra:
        short = len(extra.split()) <= 4
        return (
            different(f"{extra!r} is not expected") if short else unsure("there is more text than the items")
        )
    if ordered and [places[item] for item in items] != sorted(places[item] for item in items):
        return different("the same items in another order")
    return same("the same items")


def _mark(items: list[str], text: str) -> tuple[str, dict[str, int]]:
    """The text with every item replaced by a mark, and where each item stands first."""
    places: dict[str, int] = {}
    marked = text
    for item in sorted(dict.fromkeys(items), key=len, reverse=True):
        words = r"[^\w\n,;]+".join(re.escape(word) for word in re.findall(r"\w+|[+#]", item))
        pattern = re.compile(rf"(?<![\w{_MARK}]){words}(?![\w+#{_MARK}])", re.I) if words else None
        if pattern is None or "," in item or ";" in item:
            pattern = re.compile(re.escape(item), re.I)
        found = pattern.search(marked)
        if found is None or _DENIED.search(marked[: found.start()]):
            continue
        places[item] = found.start()
        marked = pattern.sub(lambda match: _MARK * len(match[0]), marked)
    return marked, places


def _extra(marked: str) -> str:
    """What the text lists beside the items; empty if nothing."""
    marked = re.sub(r"\([^()]*\)", lambda found: found[0] if _MARK in found[0] else "", marked)
    first = marked.find(_MARK)
    head, body = marked[:first], marked[first:]
    listed_before = [part for part in _SEPARATORS.split(head)[:-1] if re.search(r"[^\W\d_]", part)]
    if (
        "," in head
        and listed_before
        and ":" not in head
        and not re.search(r"\b(?:is|are|were|by|have)\b", head)
    ):
        return listed_before[0].strip()
    for part in _SEPARATORS.split(body):
        words = fold(part.replace(_MARK, " "))
        if _MARK not in part and re.search(r"[^\W\d_]", words):
            return words
    return ""
