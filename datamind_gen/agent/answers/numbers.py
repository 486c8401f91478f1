"""Numbers as people and models write them, with every reading that the text allows.

Thousands separators of all customs, decimal commas, scientific notation, fractions, percentages, units,
scales, currencies before and after, accounting negatives, number words, ranges and bounds. A number knows
where it stands, so that callers can see what surrounds it. It does not decide which number of a text is the
answer: that is `matching`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from datamind_gen.agent.answers.units import PERCENT, PLAIN, Unit, currency_of, read_unit


class Bound(StrEnum):
    """What is said of a number instead of its value."""

    NONE = ""
    LESS = "<"
    MORE = ">"
    AT_MOST = "<="
    AT_LEAST = ">="

    def allows(self, value: float, limit: float) -> bool:
        match self:
            case Bound.LESS:
                return value < limit
            case Bound.MORE:
                return value > limit
            case Bound.AT_MOST:
                return value <= limit
            case Bound.AT_LEAST:
                return value >= limit
        return True


@dataclass(frozen=True, slots=True)
class Number:
    written: float
    """As written, its scale and unit left aside."""
    units: tuple[Unit, ...]
    """Readings of the unit and scale beside it; never empty."""
    decimals: int
    start: int
    end: int
    also: tuple[float, ...] = ()
    """Other readings of the digits: `1.234` as a thousand, `3 out of 10` as a share."""
    bound: Bound = Bound.NONE
    upper: float | None = None
    """The other end of a range."""
    parenthesised: bool = False
    negated: bool = False
    """Named only to be denied: "not 42"."""

    def plain(self, unit: Unit) -> float:
        """The value in the unit as written, with its scale."""
        return self.written * unit.scale

    def base(self, unit: Unit) -> float:
        """The value in the dimension's base unit."""
        return (self.plain(unit) + unit.offset) * unit.factor

    @property
    def is_percent(self) -> bool:
        return self.units[0].dimension == PERCENT

    @property
    def is_year(self) -> bool:
        return (
            self.units == (PLAIN,)
            and self.decimals == 0
            and 1800 <= self.written <= 2100
            and self.written == int(self.written)
        )


NEARBY = 80
"""How many characters before a number may say something about it."""

_DIGITS = (
    r"\d{1,3}(?:[,'’\u00a0\u202f_]\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?: \d{3}){2,}(?!\d)(?:[.,]\d+)?"
    r"|\d{1,3}(?: \d{3})+,\d{1,2}(?!\d)"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3}){2,}(?!\d)(?:,\d+)?"
    r"|\d{1,3}(?:\.\d{3})+,\d+"
    r"|\d+\.\d+|(?<![\d,])\d+,\d+(?![\d,]*,\d|\.\d)|\.\d+|\d+"
)
_NUMBER = re.compile(
    r"(?<![\w.@#])(?<![A-Za-z]-)(?P<open>\()?(?P<minus>[-−–+]|minus )?"
    r"(?P<currency>(?:US|C|A)?\$|[€£¥₹])?[ ]?(?P<inner>[-−])?"
    rf"(?P<digits>{_DIGITS})"
    r"(?P<power>[eE][+-]?\d+|\s?[×x*·]\s?10(?:\^|\*\*)?\s?[-−+⁻⁺]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
    r"(?:(?:\^|\*\*)(?P<exponent>-?\d{1,3}))?"
    r"(?P<ordinal>(?:st|nd|rd|th)\b)?"
    r"(?:\s?/\s?(?P<below>\d+(?:\.\d+)?)(?![\d/]))?"
)
_AFTER = re.compile(r"[^\n,;|]{0,40}")
_OUT_OF = re.compile(r"\s*(?:out )?of (?:the )?(\d[\d,]*)\b")
_RANGE = re.compile(r"\s?(?:[-–—]|to|and)\s?$")
_BETWEEN = re.compile(r"\b(?:between|from)\s+$", re.I)
_PLUS_MINUS = re.compile(r"\s?(?:±|\+/-|\+-)\s?$")
_JOINED = re.compile(r"\s*(?:,|and)?\s*")
_SAID = re.compile(r"[A-Za-z<>≤≥][^\w\n]{0,4}\Z")
"""Only after a word or a comparison can something be said of a number."""
_NOT = re.compile(
    r"\b(?:not|isn't|wasn't|rather than|instead of|other than|and not|unlike)\s+(?:the\s+)?[\W_]*$", re.I
)
_BOUNDS = (
    (
        re.compile(r"(?:<=|≤|at most|up to|no more than|not more than|maximum of)\s*\W{0,2}$", re.I),
        Bound.AT_MOST,
    ),
    (re.compile(r"(?:>=|≥|at least|no less than|no fewer than|minimum of)\s*\W{0,2}$", re.I), Bound.AT_LEAST),
    (re.compile(r"(?:<|\b(?:less than|fewer than|under|below|smaller than))\s*\W{0,2}$", re.I), Bound.LESS),
    (
        re.compile(r"(?:>|\b(?:more than|greater than|over|above|exceeds|exceeding))\s*\W{0,2}$", re.I),
        Bound.MORE,
    ),
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")
_ENUMERATION = re.compile(r"(?m)^(\s*)\d{1,2}[.)](?=\s+\S)")


def read_numbers(text: str) -> list[Number]:
    """All numbers of the text in order; ranges as one number with an upper end."""
    blanked = _ENUMERATION.sub(lambda found: " " * len(found[0]), text)
    numbers: list[Number] = []
    for found in _NUMBER.finditer(blanked):
        if found["ordinal"] or (numbers and found.start() < numbers[-1].end):
            continue
        number = _read(blanked, found)
        between = blanked[numbers[-1].end : number.start] if numbers else ""
        if numbers and _PLUS_MINUS.fullmatch(between):
            numbers[-1] = replace(numbers[-1], end=number.end)
        elif numbers and _is_compound(numbers[-1], number, between):
            numbers[-1] = _join(numbers[-1], number)
        elif numbers and _is_range(blanked, numbers[-1], number, between):
            numbers[-1] = replace(
                numbers[-1],
                upper=abs(number.written),
                end=number.end,
                units=_shared_units(numbers[-1], number),
            )
        else:
            numbers.append(number)
    return numbers or read_words(text)


def _read(text: str, found: re.Match[str]) -> Number:
    value, also, decimals = _read_digits(found["digits"])
    if found["power"]:
        value *= 10.0 ** _read_power(found["power"])
        decimals = 12
    if found["exponent"]:
        value, also = _raise(value, int(found["exponent"])), ()
    if found["below"] and float(found["below"]):
        value, decimals, also = value / float(found["below"]), 6, ()
    units, taken = read_unit(_AFTER.match(text, found.end())[0])  # type: ignore[index]
    end = found.end() + taken
    if found["currency"] and (currency := currency_of(found["currency"])):
        units = tuple(
            Unit(unit.scale, currency.dimension) for unit in units if unit.dimension != "length"
        ) or (currency,)
    out_of = _OUT_OF.match(text, end)
    if out_of and (total := float(out_of[1].replace(",", ""))):
        also, end = (*also, value / total), out_of.end()
    before = text[max(0, found.start() - NEARBY) : found.start()]
    accounting = bool(found["open"] and found["currency"] and text[end : end + 1] == ")")
    negative = bool((found["minus"] and found["minus"] != "+") or found["inner"] or accounting)
    sign = -1.0 if negative else 1.0
    depth = before.count("(") - before.count(")") + (1 if found["open"] and not accounting else 0)
    said = _SAID.search(before[-6:])
    bound = (
        next((bound for pattern, bound in _BOUNDS if pattern.search(before)), Bound.NONE)
        if said
        else Bound.NONE
    )
    return Number(
        written=sign * value,
        units=units,
        decimals=decimals,
        start=found.start(),
        end=end,
        also=tuple(sign * other for other in also),
        bound=bound,
        parenthesised=depth > 0,
        negated=bool(said and _NOT.search(before)),
    )


def _read_digits(digits: str) -> tuple[float, tuple[float, ...], int]:
    """The value, other readings, and the digits after the point."""
    text = re.sub(r"['’\u00a0\u202f_ ]", "", digits)
    commas, points = text.count(","), text.count(".")
    also: tuple[float, ...] = ()
    if commas and points:
        decimal = "," if text.rfind(",") > text.rfind(".") else "."
        text = text.replace("." if decimal == "," else ",", "").replace(",", ".")
    elif points > 1:
        text = text.replace(".", "")
    elif commas == 1 and not re.fullmatch(r"[1-9]\d{0,2},\d{3}", text):
        text = text.replace(",", ".")
    elif commas:
        also = (float(text.replace(",", ".")),) if commas == 1 else ()
        text = text.replace(",", "")
    elif re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text):
        also = (float(text.replace(".", "")),)
    return float(text), also, len(text.partition(".")[2])


def _read_power(power: str) -> int:
    digits = power.translate(_SUPERSCRIPTS).replace(" ", "")
    exponent = re.sub(r"^(?:[eE]|[×x*·]10(?:\^|\*\*)?)", "", digits)
    return max(-300, min(300, int(exponent)))


def _raise(value: float, exponent: int) -> float:
    try:
        return value**exponent
    except (OverflowError, ZeroDivisionError):
        return math.inf


def _is_compound(before: Number, number: Number, between: str) -> bool:
    """Whether two numbers are one measure: 1 hour 30 minutes, 5 ft 11 in."""
    larger, smaller = before.units[0], number.units[0]
    return (
        larger.dimension is not None
        and larger.dimension == smaller.dimension
        and larger.factor > smaller.factor
        and number.written >= 0
        and bool(_JOINED.fullmatch(between))
    )


def _join(before: Number, number: Number) -> Number:
    unit = before.units[0]
    written = before.written + number.base(number.units[0]) / (unit.factor * unit.scale)
    return replace(before, written=written, units=(unit,), end=number.end, decimals=6)


def _is_range(text: str, low: Number, high: Number, between: str) -> bool:
    if low.upper is not None or (not _RANGE.fullmatch(between) and not (between == "" and high.written < 0)):
        return False
    if between.strip() in ("-", "–", "—", ""):
        return abs(high.written) > abs(low.written)
    opened = bool(_BETWEEN.search(text[max(0, low.start - NEARBY) : low.start]))
    return high.written > low.written and (opened or between.strip() == "to")


def _shared_units(low: Number, high: Number) -> tuple[Unit, ...]:
    return high.units if low.units == (PLAIN,) else low.units


def split_ranges(numbers: list[Number]) -> list[Number]:
    """The numbers, each range as its two ends: for texts whose claim is the range itself."""
    return [
        end
        for number in numbers
        for end in (
            (number,)
            if number.upper is None
            else (replace(number, upper=None), replace(number, upper=None, written=number.upper))
        )
    ]


_ONES_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_ONES_WORDS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TENS_WORDS.split(), start=2)}
_LARGE = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_WORD_NUMBER = re.compile(
    r"\b(?:{words})(?:[ -](?:and )?(?:{words}))*\b".format(words="|".join([*_ONES, *_TENS, *_LARGE])), re.I
)


_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_FRACTION = re.compile(
    rf"\b(?:(?P<above>{'|'.join(_ONES)}|a)[ -])?(?P<below>{'|'.join(_PARTS)})s?\b(?= of|\W*$)", re.I
)


def read_words(text: str) -> list[Number]:
    """Numbers written as words: for texts that hold no digits."""
    numbers = []
    for found in _FRACTION.finditer(text):
        above = _ONES.get((found["above"] or "one").lower(), 1)
        share = above / _PARTS[found["below"].lower()]
        numbers.append(Number(share, (PLAIN,), 6, found.start(), found.end()))
    if numbers:
        return numbers
    for found in _WORD_NUMBER.finditer(text):
        total = part = 0
        for word in re.split(r"[ -]+", found[0].lower()):
            if word in _LARGE:
                part = max(part, 1) * _LARGE[word]
                if _LARGE[word] >= 1000:
                    total, part = total + part, 0
            else:
                part += _ONES.get(word, 0) + _TENS.get(word, 0)
        numbers.append(Number(float(total + part), (PLAIN,), 0, found.start(), found.end()))
    return numbers


def is_close(expected: float, got: float, tolerance: float, *, decimals: int | None = None) -> bool:
    """Whether two values agree: relatively, or after rounding to the decimals that were asked for."""
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if expected == got or math.isclose(expected, got, rel_tol=1e-9):
        return True
    if abs(got - expected) <= tolerance * abs(expected) * (1 + 1e-9):
        return True
    if decimals is None:
        return False
    return abs(got - expected) <= 10.0**-decimals * (0.5 + 1e-6)
