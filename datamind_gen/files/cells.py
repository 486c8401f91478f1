"""What one cell of text looks like: a number in some notation, a date, a null token, or words.

The notations are judged a column at a time in `notation.py`; here a cell only has to look right.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from datamind_gen.files.dates import looks_like_date


class Look(StrEnum):
    """What a cell looks like on its own."""

    EMPTY = "e"
    NULL = "x"
    """A token that people write for no value: `-`, `n/a`, `..`."""
    NUMBER = "n"
    DATE = "d"
    TEXT = "t"


DEFAULT_NULLS = frozenset(
    {
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
        "N/A",
        "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    }
)  # fmt: skip
"""What pandas takes for null unless told otherwise."""

_NULL_WORDS = {
    "n/a", "na", "nan", "null", "n.a.", "n.a", "n.d.", "n.d", "#n/a", "#div/0!", "#ref!", "#value!",
    "#name?", "#num!",
    "#null!", "not available", "not applicable", "not reported", "(x)", "[x]", "(d)", "(s)", "(na)", "[c]",
    "[z]",
    "[low]", "[u]", "k.a.", "k. a.", "c.n.a.", "inf", "-inf", "<na>",
}  # fmt: skip
_NULL_SIGNS = re.compile(r"^[\-–—−.*:?#†‡\\/_~ ]{1,5}$")
_CURRENCY = r"(?:[$€£¥₹₽₩₺฿₴₪]|US\$|A\$|C\$|R\$|USD|EUR|GBP|CHF|kr\.?|SEK|NOK|DKK|zł|Kč|Ft|Rs\.?)"
_GROUPED = r"\d{1,3}(?:[,. '’\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"
_PLAIN = r"\d+(?:[.,]\d*)?|[.,]\d+"
NUMBER = re.compile(
    rf"^(?P<open>\()?\s*(?P<sign>[+\-−–])?\s*(?P<before>{_CURRENCY})?\s*(?P<sign2>[+\-−])?"
    rf"(?P<digits>(?:{_GROUPED}|{_PLAIN})(?:[eE][+\-]?\d+)?)"
    rf"\s*(?P<after>%|‰|{_CURRENCY})?\s*(?P<trail>-)?\s*(?P<close>\))?$"
)
_SIMPLE = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


@lru_cache(maxsize=200_000)
def look(text: str) -> Look:
    """What the cell looks like."""
    if not text:
        return Look.EMPTY
    if _SIMPLE.match(text):
        return Look.NUMBER
    text = text.strip().strip("\u00a0\ufeff")
    if not text:
        return Look.EMPTY
    if is_null_token(text):
        return Look.NULL
    if len(text) > 40:
        return Look.TEXT
    if is_number(text):
        return Look.NUMBER
    return Look.DATE if looks_like_date(text) else Look.TEXT


def is_null_token(text: str) -> bool:
    """Whether people write this where they have no value."""
    return text.lower() in _NULL_WORDS or bool(_NULL_SIGNS.match(text))


def is_number(text: str) -> bool:
    """Whether the text is a number in any notation, with a currency or a percent sign."""
    match = NUMBER.match(text)
    return match is not None and bool(match["open"]) == bool(match["close"])
