"""What a column means, judged from its values and statistics.

A name is weak evidence: it may settle a doubt that the values leave open (is 1 to 59 a customer's
number or a count?), it never overrules them. The judgement reads `Facts` alone, so it is the same for
a table in memory and for one that was streamed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from datamind_gen.rows import Scalar, SemanticType

BOOLEAN_WORDS = (
    {"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}, {"on", "off"},
    {"ja", "nein"}, {"ja", "nee"}, {"oui", "non"}, {"si", "no"}, {"sí", "no"},
)  # fmt: skip

_IDENTIFIER_WORDS = {
    "id", "ids", "uid", "uuid", "guid", "key", "code", "no", "nr", "num", "number", "zip", "zipcode",
    "postcode", "fips", "geoid", "isbn", "issn", "ean", "sku", "phone", "index", "serial", "ref", "objectid",
    "fk", "pk", "rowid", "identifier", "ssn",
}  # fmt: skip
_MONEY_WORDS = {
    "price", "cost", "costs", "revenue", "salary", "wage", "wages", "income", "usd", "eur", "gbp", "amount",
    "budget", "fare", "profit", "expenditure", "spend", "payment", "dollars", "euros", "cogs", "sales",
}  # fmt: skip
_PERCENT_WORDS = {"pct", "percent", "percentage", "share", "proportion", "per cent", "%"}
_YEAR_WORDS = {
    "year",
    "yr",
    "yyyy",
    "jahr",
    "jaar",
    "annee",
    "année",
    "ano",
    "año",
    "anno",
    "rok",
    "fy",
    "season",
}
_LATITUDE_WORDS = {"lat", "latitude"}
_LONGITUDE_WORDS = {"lon", "lng", "long", "longitude"}
_CODED_WORDS = {
    "class", "type", "group", "category", "cat", "level", "region", "grade", "status", "gender", "sex",
    "race", "cluster", "segment", "zone", "district", "cd", "flag", "choice", "mode",
}  # fmt: skip
_CONTACT_WORDS = {"phone", "fax", "tel", "telephone", "mobile", "postal", "zip", "postcode", "address"}
_HAS_DIGIT = re.compile(r".*\d")
_CYCLES = {"quarter": 4, "qtr": 4, "month": 12, "weekday": 7, "dow": 7, "week": 53, "day": 31, "hour": 24}
_RELATIVE_WORDS = {"index", "ratio", "rate", "growth", "change", "rank", "score"}
_CODE_VALUE = re.compile(r"^(?=.*\d)[A-Za-z0-9][A-Za-z0-9_\-./:#]*$")
_TIME_OF_DAY = re.compile(r"^\d{1,2}:\d{2}(:\d{2})?$")
_UNNAMED = re.compile(r"(?:unnamed:? ?\d*|#)?", re.IGNORECASE)
"""Headers that nobody wrote: a row's number, exported with the table."""
_YEAR_LAST_DATE = re.compile(r"^[0-3]?\d[0-3]\d(?:19|20)\d\d$")
"""10062018: digits whose year comes last, in an order that nothing tells."""
_LINK = re.compile(r"^(https?://|www\.)\S+$|^\S+@\S+\.\w+$", re.IGNORECASE)
_HASH = re.compile(r"^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f-]{8,}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the judgement needs of a column: counts over all rows, shapes over a sample of values."""

    name: str
    dtype: str
    """int, float, string, datetime, date, boolean, nested, other."""
    rows: int
    count: int
    distinct: int
    integral: bool = False
    minimum: Scalar = None
    maximum: Scalar = None
    sample: tuple[Scalar, ...] = ()
    """Distinct values, evenly drawn, at most a few hundred."""
    ascending: bool = False
    """Whether the values never fall, in row order."""
    unit: str | None = None
    """A unit that the values themselves carry."""
    is_date_text: bool = False


def words(name: str) -> set[str]:
    """The words of a column's name, in lower case: `CustomerId`, `customer_id` and `customer id` alike."""
    return set(_split(name))


def _split(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[^\w%]+|_", spaced.lower()) if word]


def judge(facts: Facts) -> SemanticType:
    """The semantic type of a column."""
    if facts.count == 0:
        return SemanticType.EMPTY
    if facts.dtype == "nested":
        return SemanticType.NESTED
    if facts.dtype == "boolean":
        return SemanticType.BOOLEAN
    if facts.dtype in ("datetime", "date"):
        return SemanticType.DATE
    if facts.dtype in ("int", "float"):
        return _judge_number(facts)
    return _judge_text(facts)


def _judge_number(facts: Facts) -> SemanticType:
    low, high = _number(facts.minimum), _number(facts.maximum)
    if low is None or high is None:
        return SemanticType.EMPTY
    if facts.unit == "%":
        return SemanticType.PERCENT
    if facts.unit is not None and len(facts.unit) <= 3:
        return SemanticType.MONEY
    name = words(facts.name)
    if facts.integral:
        if facts.distinct == 2 and (low, high) == (0, 1):
            return SemanticType.BOOLEAN
        if _is_year(facts, name, low, high):
            return SemanticType.YEAR
        if _is_identifier_number(facts, name, low, high):
            return SemanticType.IDENTIFIER
        if "date" in name and all(_YEAR_LAST_DATE.match(f"{value:.0f}") for value in (low, high)):
            return SemanticType.CATEGORY
        last = (_split(facts.name) or [""])[-1]
        if last in _CYCLES and low >= 0 and high <= _CYCLES[last]:
            return SemanticType.CATEGORY
        if last in _CODED_WORDS and facts.distinct <= 12 and facts.count >= 5 * facts.distinct:
            return SemanticType.CATEGORY
    if not facts.integral and facts.distinct > 2:
        if name & _LATITUDE_WORDS and low >= -90 and high <= 90:
            return SemanticType.GEOGRAPHIC
        if name & _LONGITUDE_WORDS and low >= -180 and high <= 180:
            return SemanticType.GEOGRAPHIC
    if name & _PERCENT_WORDS and low >= -100 and high <= 100:
        return SemanticType.PERCENT
    if (name & _MONEY_WORDS and not name & _RELATIVE_WORDS) or any(sign in facts.name for sign in "$€£¥"):
        return SemanticType.MONEY
    return SemanticType.NUMBER


def _is_year(facts: Facts, name: set[str], low: float, high: float) -> bool:
    if not 1000 <= low <= high <= 2200:
        return False
    if name & _YEAR_WORDS:
        return True
    dense = facts.distinct >= 0.6 * (high - low + 1)
    return dense and facts.distinct >= 5 and low >= 1600 and high <= 2100 and high - low <= 400


def _is_identifier_number(facts: Facts, name: set[str], low: float, high: float) -> bool:
    unique = facts.distinct == facts.count == facts.rows and facts.rows >= 5
    numbered = high - low + 1 == facts.distinct and low in (0, 1) and facts.ascending
    each_as_often = facts.distinct > 30 and facts.count % facts.distinct == 0  # a panel, its units numbered
    if numbered and (unique or each_as_often):
        return True
    if unique and low >= 0 and _UNNAMED.fullmatch(facts.name.strip()):
        return True
    named = bool(name & _IDENTIFIER_WORDS) and low >= 0
    digits = len(str(int(low)))
    numbered_alike = digits == len(str(int(high))) >= 7 and low > 0
    if numbered_alike and facts.count >= 20 and facts.distinct >= 0.95 * facts.count:
        return True
    if unique and low >= 0 and (named or (facts.ascending and high - low + 1 == facts.distinct)):
        return True
    if not named:
        return False
    strong = bool(name & (_IDENTIFIER_WORDS - {"no", "num", "number", "nr", "index", "key", "code"}))
    if strong:
        return True
    same_length = len(str(int(low))) == len(str(int(high))) >= 3
    return "code" in name or "key" in name or (same_length and facts.distinct > 10)


def _judge_text(facts: Facts) -> SemanticType:
    values = [str(value) for value in facts.sample]
    if not values:
        return SemanticType.TEXT
    if facts.distinct <= 2 and any(
        {value.strip().lower() for value in values} <= pair for pair in BOOLEAN_WORDS
    ):
        return SemanticType.BOOLEAN
    if facts.is_date_text:
        return SemanticType.DATE
    if _share(_TIME_OF_DAY, values) >= 0.9:
        return (
            SemanticType.CATEGORY
            if facts.distinct <= 50 and facts.distinct < facts.count
            else SemanticType.TEXT
        )
    length = sum(map(len, values)) / len(values)
    word_count = sum(len(value.split()) for value in values) / len(values)
    ratio = facts.distinct / facts.count
    if length > 80 or word_count > 9:
        repeats = facts.count >= 20 and ratio <= 0.1 and facts.distinct <= 30
        return SemanticType.CATEGORY if repeats else SemanticType.TEXT
    if facts.distinct == 1:
        return SemanticType.CATEGORY
    if ratio >= 0.9 and (facts.count >= 5 or facts.distinct == facts.count):
        return _judge_unique_text(facts, values, word_count)
    if _share(_LINK, values) >= 0.9 or _share(_HASH, values) >= 0.9:
        return SemanticType.IDENTIFIER
    if ratio <= 0.5 or facts.distinct <= 30:
        return SemanticType.CATEGORY
    if _share(_CODE_VALUE, values) >= 0.9:
        return SemanticType.IDENTIFIER
    return SemanticType.CATEGORY if word_count <= 5 else SemanticType.TEXT


def _judge_unique_text(facts: Facts, values: list[str], word_count: float) -> SemanticType:
    if _share(_LINK, values) >= 0.9 or _share(_HASH, values) >= 0.9:
        return SemanticType.IDENTIFIER
    if _share(_CODE_VALUE, values) >= 0.9:
        return SemanticType.IDENTIFIER
    if words(facts.name) & _CONTACT_WORDS and _share(_HAS_DIGIT, values) >= 0.9:
        return SemanticType.IDENTIFIER
    short_codes = all(value.isupper() and len(value) <= 4 for value in values)
    if short_codes and words(facts.name) & _IDENTIFIER_WORDS:
        return SemanticType.IDENTIFIER
    return SemanticType.NAME if word_count <= 7 else SemanticType.TEXT


def _share(pattern: re.Pattern[str], values: list[str]) -> float:
    return sum(1 for value in values if pattern.match(value)) / len(values)


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) else None
