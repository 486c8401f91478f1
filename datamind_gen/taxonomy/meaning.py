"""What may be done with a column of numbers: whether a sum of it means something, or even a mean.

A profile cannot know, so each rule asks for evidence and doubt decides against the sum. Three things speak:
the unit, the distribution, and the words of the name and the description. A code or a score on a short scale
(1 to 5, a class, a bracket) is no measure: it is grouped by, counted or ranked. A rate, an index, a
temperature or a price is a measure without a sum. A stock (money supply, capital, a population) may be summed
where each row is another place or firm, never over time and never over the people who live there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from datamind_gen.rows import Column, SemanticType

SHORT_SCALE = 12
"""Whole numbers with at most so many distinct values are a scale or a code unless they count something."""
BRACKETS = 30
"""Consecutive whole numbers from 0 or 1 to at most this, spread evenly, are brackets or codes."""

_COUNTS = frozenset({
    "count", "counts", "number", "num", "qty", "quantity", "quantities", "visits", "orders", "units",
    "sales", "items", "children", "kids", "persons", "people", "passengers", "travellers", "travelers",
    "visitors", "guests", "days", "nights", "weeks", "months", "hours", "minutes", "seconds", "deaths",
    "births", "killed", "injured", "injuries", "casualties", "wounded", "cases", "incidents", "accidents",
    "strikes", "goals", "points", "wins", "losses", "games", "matches", "votes", "seats", "respondents",
    "employees", "staff", "enrolled", "enrollment", "students", "recipients", "downloads", "clicks",
    "views", "pageviews", "sessions", "users", "appearances", "episodes", "tickets", "trips", "rides",
    "flights", "calls", "stops", "arrests", "crimes", "murders", "households", "total", "totals", "sum",
    "volume", "drinks", "servings", "launches", "missions", "bottles", "boxes", "crates", "tonnes",
    "tons", "tracks", "songs", "followers", "conditions", "diseases", "headcount", "population", "pop",
    "duration", "diagnoses", "siblings",
})  # fmt: skip
_FLOWS = frozenset({
    "revenue", "revenues", "turnover", "profit", "profits", "cost", "costs", "amount", "amounts",
    "expense", "expenses", "expenditure", "expenditures", "spending", "budget", "investment", "invest",
    "sale", "gross", "tax", "taxes", "cogs", "payment", "payments", "paid", "donation", "donations",
    "contribution", "contributions", "subsidy", "awards", "award", "grant", "grants", "exports",
    "imports", "production", "output", "consumption", "rainfall", "precipitation", "rain", "snowfall",
    "shipped", "shipping", "freight", "discount", "damage", "damages", "acres", "hectares", "area",
    "bytes", "income", "earnings", "commission", "milliseconds",
})  # fmt: skip
_STOCKS = frozenset({
    "population", "pop", "capital", "stock", "m1", "m2", "supply", "debt", "assets", "balance",
    "inventory", "employees", "staff", "followers", "area", "acres", "hectares", "households",
    "headcount", "volume",
})  # fmt: skip
_INTENSIVE = frozenset({
    "rate", "rates", "ratio", "ratios", "index", "indices", "idx", "score", "scores", "pct", "percent",
    "percentage", "perc", "share", "proportion", "fraction", "average", "avg", "mean", "median", "mode",
    "age", "ages", "temp", "temps", "temperature", "temperatures", "density", "grade", "rank", "ranking",
    "level", "ppm", "ppb", "degree", "degrees", "humidity", "pressure", "speed", "altitude", "elevation",
    "bmi", "rating", "ratings", "per", "unemployment", "inflation", "deflator", "interest", "yield",
    "price", "prices", "msrp", "wage", "latitude", "longitude", "lat", "lon", "lng", "year", "years",
    "month", "quarter", "week", "hour", "min", "max", "minimum", "maximum", "std", "stdev", "variance",
    "quantile", "log", "ln", "growth",
    "normalized", "normalised", "change", "delta", "diff", "probability", "prob", "odds",
    "coefficient", "margin", "education", "schooling", "scale", "code", "codes", "class", "horsepower",
    "mpg", "weight", "height", "length", "width", "distance", "depth", "size", "concentration", "close",
    "open", "high", "low", "volatility",
})  # fmt: skip
_PER = re.compile(r"[%°/‰]|\bpp[mbt]\b|\bper\b|\bdegrees?\b|\b(?:celsius|fahrenheit|kelvin)\b", re.IGNORECASE)
_CODED = re.compile(r"\b\d+\s*[=:]\s*[A-Za-z]")
_TIMED = (SemanticType.DATE, SemanticType.YEAR)


def is_scale(column: Column) -> bool:
    """Whether whole numbers are a code, a bracket or a score on a short scale, rather than a measure."""
    if column.unit is not None or column.kind not in _AMOUNTS or not column.integral:
        return False
    low, high = column.minimum, column.maximum
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return False
    if _CODED.search(column.description):
        return True
    if _words(column.name) & _COUNTS:
        return False
    if column.distinct <= SHORT_SCALE:
        return high - low <= 10 * SHORT_SCALE
    even = column.skew is None or abs(column.skew) < 1
    return low in (0, 1) and column.distinct <= BRACKETS and high - low < 1.2 * column.distinct and even


def is_additive(column: Column, columns: Sequence[Column] = ()) -> bool:
    """Whether sums of a measure mean something. `columns` are those of its table: where that is a series
    over time, a stock has no sum."""
    if column.kind is SemanticType.PERCENT or is_scale(column) or column.kind not in _AMOUNTS:
        return False
    if not isinstance(column.minimum, (int, float)) or column.minimum < 0:
        return False
    words = _words(column.name)
    if words & _INTENSIVE or _PER.search(column.name) or _PER.search(column.unit or ""):
        return False
    if re.search(r"\b(?:rate|ratio|index|percent(?:age)?|per|average|mean)\b", column.description.lower()):
        return False
    if words & {"household", "family", "personal"} and words & {"income", "earnings"}:
        return False  # of somebody, beside what else is known of them
    over_time = is_series(columns)
    if words & _STOCKS and (over_time or not _is_row_per_thing(columns)):
        return False
    return bool(words & (_COUNTS | _FLOWS)) or (not over_time and _is_spread_money(column))


def _is_row_per_thing(columns: Sequence[Column]) -> bool:
    """Whether a row is a place or a firm, named once, rather than somebody who lives or works there."""
    return any(column.kind is SemanticType.NAME and column.distinct == column.count for column in columns)


def _is_spread_money(column: Column) -> bool:
    """Amounts of money spread over orders of magnitude; unit prices keep closer together."""
    known = column.mean is not None and column.std is not None and column.mean > 0
    return column.kind is SemanticType.MONEY and known and (column.std or 0.0) > 0.5 * (column.mean or 0.0)


_AMOUNTS = frozenset({SemanticType.NUMBER, SemanticType.MONEY})


def is_series(columns: Sequence[Column]) -> bool:
    """Whether a table holds repeated looks at the same things: a date or year that its rows go along."""
    for column in columns:
        spread = column.distinct >= 5 or (column.distinct >= 2 and column.kind is SemanticType.YEAR)
        if column.kind in _TIMED and spread:
            return True
        if is_period(column) and column.distinct >= 3:
            return True
    return False


def is_period(column: Column) -> bool:
    """Whether its numbers are names of periods: the second quarter, the year 1950."""
    words = _words(column.name)
    return "per" not in words and bool(words & {"year", "quarter", "month", "week", "date", "decade"})


def has_true_zero(column: Column) -> bool:
    """Whether a ratio of two values means something: twice 10 degrees is no warmer by half."""
    words = _words(column.name) | _words(column.unit or "")
    return not words & {"temp", "temps", "temperature", "temperatures", "celsius", "fahrenheit"}


def is_quarter_of_series(column: Column, columns: Sequence[Column]) -> bool:
    """Whether it is the quarter beside a year: half of a date, and as a group of figures that grow with the
    years an accident."""
    return bool(_words(column.name) & {"quarter", "qtr"}) and any(
        other.kind in _TIMED and other.distinct > 4 for other in columns if other.name != column.name
    )


def _words(name: str) -> frozenset[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return frozenset(re.findall(r"[a-z]+\d?", spaced))
