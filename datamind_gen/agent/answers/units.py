"""Units and scales as they are written after, or before, a number.

`read_unit(text)` looks at what follows a number and gives every reading of it: `m` is metres or millions,
`K` is thousands or kelvins. A measure's value in base units is `(number + offset) * factor`. Currencies are
dimensions of their own, never converted; months and days are different dimensions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

PERCENT = "%"


@dataclass(frozen=True, slots=True)
class Unit:
    """How a written number becomes a value. `scale` is a mere multiplier; `factor` changes the unit."""

    scale: float = 1.0
    dimension: str | None = None
    factor: float = 1.0
    offset: float = 0.0


PLAIN = Unit()

_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "thousands": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "mln": 1e6,
    "billion": 1e9,
    "billions": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
    "trillions": 1e12,
    "tn": 1e12,
    "lakh": 1e5,
    "crore": 1e7,
    "dozen": 12.0,
}
_CASED_SCALES = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "MM": 1e6, "B": 1e9, "b": 1e9, "T": 1e12}

_CURRENCIES = {
    "USD": "$ us$ usd dollar dollars",
    "EUR": "€ eur euro euros",
    "GBP": "£ gbp pound pounds sterling",
    "JPY": "¥ jpy yen",
    "INR": "₹ inr rupee rupees rs",
    "CNY": "cny rmb yuan",
    "CAD": "c$ cad",
    "AUD": "a$ aud",
    "CHF": "chf francs",
}

_WORDS: dict[str, dict[str, float]] = {
    "mass": {
        "g gram grams": 1e-3,
        "kg kgs kilogram kilograms kilo kilos": 1.0,
        "mg milligram milligrams": 1e-6,
        "tonne tonnes": 1e3,
        "lb lbs pound pounds": 0.45359237,
        "oz ounce ounces": 0.028349523,
    },
    "length": {
        "mm millimetre millimetres millimeter millimeters": 1e-3,
        "cm centimetre centimetres centimeter centimeters": 1e-2,
        "metre metres meter meters": 1.0,
        "km kilometre kilometres kilometer kilometers": 1e3,
        "inch inches": 0.0254,
        "ft foot feet": 0.3048,
        "yd yard yards": 0.9144,
        "mi mile miles": 1609.344,
    },
    "area": {
        "m² m2 sqm": 1.0,
        "km² km2": 1e6,
        "ha hectare hectares": 1e4,
        "acre acres": 4046.8564,
        "ft² ft2 sqft": 0.09290304,
    },
    "volume": {
        "ml millilitre millilitres milliliter milliliters": 1e-3,
        "litre litres liter liters": 1.0,
        "gal gallon gallons": 3.785411784,
        "m³ m3": 1e3,
    },
    "time": {
        "ms millisecond milliseconds": 1e-3,
        "sec secs second seconds": 1.0,
        "min mins minute minutes": 60.0,
        "h hr hrs hour hours": 3600.0,
        "day days": 86400.0,
        "week weeks": 604800.0,
    },
    "months": {"month months": 1.0, "year years yr yrs": 12.0},
    "speed": {"km/h kph kmh": 1 / 3.6, "m/s": 1.0, "mph": 0.44704, "knots knot": 0.514444},
    "data": {
        "kb kilobytes": 1e3,
        "mb megabytes": 1e6,
        "gb gigabytes": 1e9,
        "tb terabytes": 1e12,
        "bytes": 1.0,
    },
    "power": {"kw kilowatts": 1e3, "mw megawatts": 1e6, "gw gigawatts": 1e9, "watts": 1.0},
    "energy": {"kwh": 1e3, "mwh": 1e6, "gwh": 1e9, "wh": 1.0},
    PERCENT: {
        "% percent pct": 1e-2,
        "‰": 1e-3,
        "pp": 1e-2,
        "bps": 1e-4,
    },
}
_CASED_UNITS = {
    "m": Unit(dimension="length"),
    "g": Unit(dimension="mass", factor=1e-3),
    "t": Unit(dimension="mass", factor=1e3),
    "s": Unit(dimension="time"),
    "d": Unit(dimension="time", factor=86400.0),
    "L": Unit(dimension="volume"),
    "l": Unit(dimension="volume"),
    "W": Unit(dimension="power"),
    "K": Unit(dimension="temperature"),
    "°C": Unit(dimension="temperature", offset=273.15),
    "℃": Unit(dimension="temperature", offset=273.15),
    "°F": Unit(dimension="temperature", factor=5 / 9, offset=459.67),
    "C": Unit(dimension="temperature", offset=273.15),
}
_PHRASES = {
    "per cent": "percent",
    "percentage points": "percent",
    "percentage point": "percent",
    "percentage": "percent",
    "basis points": "bps",
    "us dollars": "dollars",
    "square kilometres": "km²",
    "square kilometers": "km²",
    "sq km": "km²",
    "square metres": "m²",
    "square meters": "m²",
    "kilometres per hour": "km/h",
    "kilometers per hour": "km/h",
    "miles per hour": "mph",
    "metres per second": "m/s",
    "meters per second": "m/s",
    "degrees celsius": "°C",
    "degrees fahrenheit": "°F",
}


def _named_units() -> dict[str, list[Unit]]:
    named: dict[str, list[Unit]] = {}
    for dimension, groups in _WORDS.items():
        for names, factor in groups.items():
            for name in names.split():
                named.setdefault(name, []).append(Unit(dimension=dimension, factor=factor))
    for code, names in _CURRENCIES.items():
        for name in names.split():
            named.setdefault(name, []).append(Unit(dimension=code))
    return named


_NAMED = _named_units()
_PHRASE = re.compile("(?:" + "|".join(sorted(map(re.escape, _PHRASES), key=len, reverse=True)) + r")\b", re.I)
_SYMBOL = re.compile(
    r"[A-Za-z]{1,3}/[a-z]\b|[A-Za-z]{1,2}[²³]|[a-z]{1,2}[23]\b|°[CF]|℃|[%‰€£¥₹]|(?:US|C|A)?\$"
)
_WORD = re.compile(r"[A-Za-z]+(?![\w])")
_GAP = re.compile(r"[ \t\u00a0\u202f-]?")


@lru_cache(maxsize=4096)
def read_unit(text: str) -> tuple[tuple[Unit, ...], int]:
    """The readings of what follows a number, and how many characters they take; (PLAIN,), 0 if none."""
    gap = _GAP.match(text)
    start = gap.end() if gap else 0
    token, end = _next_token(text, start)
    if token is None:
        return (PLAIN,), 0
    scale = _SCALES.get(token.lower()) or _CASED_SCALES.get(token)
    readings: list[Unit] = []
    taken = 0
    if scale is not None:
        following, further = read_unit(text[end:]) if _may_follow(token) else ((PLAIN,), 0)
        readings = [
            Unit(scale, unit.dimension, unit.factor, unit.offset) for unit in following if unit.scale == 1
        ]
        taken = end + (further if readings else 0)
        readings = readings or [Unit(scale)]
    units = [_CASED_UNITS[token]] if token in _CASED_UNITS else _NAMED.get(token.lower(), [])
    if units:
        readings += units
        taken = max(taken, end)
    return (tuple(readings), taken) if readings else ((PLAIN,), 0)


def unit_of(name: str | None) -> Unit:
    """The unit that a reference states. An unknown name is a plain number of those things."""
    if not name:
        return PLAIN
    readings, taken = read_unit(" " + name.strip())
    return readings[0] if taken else PLAIN


def currency_of(symbol: str) -> Unit | None:
    """The currency that is written before a number."""
    units = _NAMED.get(symbol.strip().lower())
    return units[0] if units else None


def _may_follow(token: str) -> bool:
    return token.lower() in _SCALES or token in ("k", "K", "M", "m", "B", "T", "MM")


def _next_token(text: str, start: int) -> tuple[str | None, int]:
    phrase = _PHRASE.match(text, start)
    if phrase:
        return _PHRASES[phrase[0].lower()], phrase.end()
    for pattern in (_SYMBOL, _WORD):
        found = pattern.match(text, start)
        if found:
            return found[0], found.end()
    return None, start
