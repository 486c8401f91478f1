"""How one column's values are written: nulls, thousands and decimal marks, currency, dates, codes.

Judged over all distinct values of the column together. The result says what loading has to do so that
the column means what a reader of the file would take it for; what does not fit is counted, not hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from datamind_gen.files.cells import DEFAULT_NULLS, NUMBER, is_null_token
from datamind_gen.files.dates import find_date_format, fits_format

_LETTER_NULLS = {
    "x", "s", "c", "d", "z", "u", "f", "p", "nr", "ns", "nc", "nd", "unk", "none", "unknown", "missing",
    "tbc",
    "tba", "tbd", "suppressed", "void", "s/d", "sin dato", "inf", "-inf", "redacted", "not known",
    "not recorded", "withheld",
}  # fmt: skip
_SURE_NULLS = {"n/a", "na", "null", "nan", "#n/a", "-", "--", "n.a.", "..", "..."}
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_LEADING_ZERO = re.compile(r"0\d+")
_CODES = re.compile(r"[A-Z]{1,5}")
_TRUTH = ({"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"})
_MOST_STRAYS = 0.02
_MANY = 20_000


@dataclass(frozen=True, slots=True)
class Notation:
    """How a column is written."""

    kind: str
    """int, float, boolean, date, string or empty."""
    nulls: tuple[str, ...] = ()
    """Tokens that stand for no value, besides the empty text."""
    decimal: str = "."
    thousands: str | None = None
    strip: tuple[str, ...] = ()
    """What to remove before the text is a number: currency signs, blanks, %."""
    unit: str | None = None
    parentheses: bool = False
    """(1,234) is a negative number."""
    date_format: str | None = None
    ambiguous_date: bool = False
    code: bool = False
    """Digits that are a code (leading zeros, too long for a number): kept as text."""
    null_like: tuple[str, ...] = ()
    """Values that pandas would take for null, and that are values here (`NA` for Namibia)."""
    strays: int = 0
    """Rows whose value does not fit and is lost."""
    stray: str | None = None
    mixed: tuple[int, str] | None = None
    """Rows with numbers in a column that stays text, and an example of the words among them."""

    @property
    def is_plain_number(self) -> bool:
        """Whether any CSV reader takes it for a number, the null tokens aside."""
        simple = self.decimal == "." and not self.thousands and not self.strip and not self.parentheses
        return self.kind in ("int", "float") and simple and self.unit is None


def find_notation(values: Counter[str], *, decimal_comma: bool = False) -> Notation:
    """The notation of a column, from its values with their counts.

    `decimal_comma` says that other columns of the file write decimals with a comma.
    """
    stripped: Counter[str] = Counter()
    for value, count in values.items():
        stripped[value.strip()] += count
    stripped.pop("", None)
    if not stripped:
        return Notation("empty")
    tokens = {value for value in stripped if is_null_token(value) or value in DEFAULT_NULLS}
    told = Counter({value: count for value, count in stripped.items() if value not in tokens})
    if not told:
        return _only_tokens(stripped, tokens)
    numeric = _numbers(told, tokens, decimal_comma=decimal_comma)
    if numeric is not None:
        return numeric
    dated = _dates(told, tokens)
    if dated is not None:
        return dated
    if set(told) in _TRUTH or (
        len(told) == 1 and set(told) < {"True", "False", "TRUE", "FALSE", "true", "false"}
    ):
        return Notation("boolean", nulls=_extra(tokens))
    return _words(told, tokens)


def _only_tokens(values: Counter[str], tokens: set[str]) -> Notation:
    if tokens <= DEFAULT_NULLS:
        return Notation("empty")
    if len(values) == 1:
        return Notation("empty", nulls=_extra(tokens))
    return Notation("string", null_like=tuple(sorted(tokens & DEFAULT_NULLS)))


def _extra(tokens: set[str]) -> tuple[str, ...]:
    return tuple(sorted(tokens - DEFAULT_NULLS))


# --- numbers --------------------------------------------------------------------------------------


def _numbers(told: Counter[str], tokens: set[str], *, decimal_comma: bool) -> Notation | None:
    total = sum(told.values())
    probe = list(told)[:200]
    if sum(1 for value in probe if NUMBER.match(value)) < 0.5 * len(probe):
        return None
    plain = {value for value in told if _PLAIN.fullmatch(value)}
    others = {value: NUMBER.match(value) for value in told if value not in plain}
    written = {value: match for value, match in others.items() if match}
    words = {value for value, match in others.items() if not match}
    letters = {word for word in words if word.lower() in _LETTER_NULLS}
    unfit = words - letters
    lost = sum(told[word] for word in unfit)
    share = (total - sum(told[word] for word in words)) / total
    if share < 0.6 or (unfit and (lost > _MOST_STRAYS * total or len(unfit) > 20 or total < 40)):
        return None
    nulls = tuple(sorted({*_extra(tokens), *letters}))
    stray = min(unfit) if unfit else None
    grouped = any("." in value for value in plain) and all(
        _fits(value.lstrip("+-"), ",", ".") for value in plain
    )
    if not written and decimal_comma and grouped:
        return Notation("int", nulls=nulls, decimal=",", thousands=".", strays=lost, stray=stray)
    if not written:
        return _plain_numbers(plain, told, nulls, lost, stray)
    return _written_numbers(plain, written, nulls, lost, stray, decimal_comma=decimal_comma)


def _plain_numbers(
    plain: set[str], told: Counter[str], nulls: tuple[str, ...], lost: int, stray: str | None
) -> Notation | None:
    integers = [value for value in plain if _INTEGER.fullmatch(value)]
    if len(integers) == len(plain):
        zeros = [value for value in integers if _LEADING_ZERO.fullmatch(value)]
        same_length = len({len(value) for value in integers}) == 1
        if zeros and (same_length or len(zeros) >= 0.02 * len(integers)):
            return Notation("string", code=True, nulls=nulls)
        if any(len(value.lstrip("+-")) > 18 for value in integers):
            return Notation("string", code=True, nulls=nulls)
        dates = _compact_dates(integers, told)
        if dates:
            return replace(dates, nulls=nulls)
        return Notation("int", nulls=nulls, strays=lost, stray=stray)
    return Notation("float", nulls=nulls, strays=lost, stray=stray)


def _compact_dates(integers: list[str], told: Counter[str]) -> Notation | None:
    """20140131 is a date where all values are, and they are many."""
    if len(integers) < 10 or any(len(value) != 8 for value in integers):
        return None
    found = find_date_format(integers[:500], minimum=1.0)
    return Notation("date", date_format=found.pattern) if found and found.pattern == "%Y%m%d" else None


def _written_numbers(
    plain: set[str],
    written: dict[str, re.Match[str]],
    nulls: tuple[str, ...],
    lost: int,
    stray: str | None,
    *,
    decimal_comma: bool,
) -> Notation | None:
    digits = [match["digits"] for match in written.values()] + [
        value.lstrip("+-") for value in plain if "e" not in value.lower()
    ]
    decimal, thousands = _marks(digits, decimal_comma=decimal_comma)
    if decimal is None:
        return None
    before = Counter(match["before"] for match in written.values() if match["before"])
    after = Counter(match["after"] for match in written.values() if match["after"])
    percent = after["%"]
    unit: str | None = None
    strip = set()
    if percent:
        if percent < 0.5 * (len(written) + len(plain)):
            return None
        unit = "%"
        strip.add("%")
    currency = before + Counter({sign: count for sign, count in after.items() if sign != "%"})
    if currency:
        if len(currency) > 1 and not percent:
            return None  # several currencies in one column: not one quantity
        unit = unit or next(iter(currency))
        strip |= set(currency)
    if any(re.search(r"\d\s|[\s]\d", value) for value in written):
        strip.add(" ")
    if any("\u00a0" in value for value in written):
        strip.add("\u00a0")
    if any("\u202f" in value for value in written):
        strip.add("\u202f")
    parentheses = any(match["open"] for match in written.values())
    if any(match["trail"] or "−" in value or "–" in value for value, match in written.items()):
        return None
    fractional = any(decimal in text for text in digits)
    return Notation(
        "float" if fractional else "int", nulls=nulls, decimal=decimal, thousands=thousands,
        strip=tuple(sorted(strip, key=lambda sign: (-len(sign), sign))), unit=unit, parentheses=parentheses,
        strays=lost, stray=stray,
    )  # fmt: skip


def _marks(digits: list[str], *, decimal_comma: bool) -> tuple[str | None, str | None]:
    """The decimal mark and the thousands mark that all the numbers agree on; (None, None) if none do."""
    digits = [re.sub(r"[ \u00a0\u202f]", "", text) for text in digits]
    for decimal, thousands in (
        ((",", "."), (",", None), (".", ","), (".", "'"), (".", "’"), (".", None))
        if decimal_comma
        else ((".", None), (".", ","), (".", "'"), (".", "’"), (",", "."), (",", None))
    ):
        if all(_fits(text, decimal, thousands) for text in digits):
            if decimal == "," and thousands == "." and not any("." in text for text in digits):
                return decimal, None
            return decimal, thousands
    return None, None


def _fits(text: str, decimal: str, thousands: str | None) -> bool:
    whole, mark, part = text.partition(decimal)
    part = re.sub(r"[eE][+-]?\d+$", "", part)
    if mark and not part.isdecimal() and part:
        return False
    if thousands is None or thousands not in whole:
        return whole.isdecimal() or (not whole and bool(part))
    groups = whole.split(thousands)
    indian = thousands == "," and len(groups[-1]) == 3 and all(len(group) == 2 for group in groups[1:-1])
    return (
        all(group.isdecimal() for group in groups)
        and 1 <= len(groups[0]) <= 3
        and (all(len(group) == 3 for group in groups[1:]) or indian)
        and (groups[0] != "0" or len(groups) == 1)
    )


# --- dates and words ------------------------------------------------------------------------------


def _dates(told: Counter[str], tokens: set[str]) -> Notation | None:
    distinct = list(told)
    found = find_date_format(distinct if len(distinct) <= 4000 else distinct[:: len(distinct) // 2000])
    if found is None or (found.matched < 1 and sum(told.values()) < 40):
        return None
    strays = {value: count for value, count in told.items() if not fits_format(value, found.pattern)}
    return Notation(
        "date", nulls=_extra(tokens), date_format=found.pattern, ambiguous_date=found.ambiguous,
        strays=sum(strays.values()), stray=min(strays, default=None),
    )  # fmt: skip


def _words(told: Counter[str], tokens: set[str]) -> Notation:
    null_like = {token for token in tokens & DEFAULT_NULLS if _is_code(token, told)}
    signs = {token for token in tokens - DEFAULT_NULLS if token.lower() in _SURE_NULLS}
    total = sum(told.values())
    sample = list(told)[:_MANY]
    numbers = sum(told[value] for value in sample if NUMBER.match(value))
    mixed = None
    if numbers > 0.5 * total:
        word = max((value for value in sample if not NUMBER.match(value)), key=lambda v: told[v], default="")
        mixed = (numbers, word)
    return Notation("string", nulls=tuple(sorted(signs)), null_like=tuple(sorted(null_like)), mixed=mixed)


def _is_code(token: str, told: Counter[str]) -> bool:
    """Whether NA, NAN or NULL is one of the column's codes: a country or a ticker symbol."""
    if not _CODES.fullmatch(token):
        return False
    sample = list(told)[:2000]
    if len(sample) < 5 or sum(1 for value in sample if _CODES.fullmatch(value)) < 0.95 * len(sample):
        return False
    lengths = {len(value) for value in sample}
    return len(token) in lengths
