"""Which date format a column of texts is written in, judged over all its values together.

`03/04/05` alone says nothing; a column that also holds `25/04/05` says day first. Doubt that the values
leave (no day above 12) is reported, month first being assumed as in most published files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z",
    "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d", "%Y%m%d",
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%m-%d-%Y", "%d-%m-%Y", "%m-%d-%y", "%d-%m-%y",
    "%d.%m.%Y", "%d.%m.%y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %b %y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%B-%Y",
    "%b-%d-%Y", "%b %d %Y", "%a, %d %b %Y", "%a %b %d, %Y", "%a %b %d %Y", "%A, %B %d, %Y", "%d/%b/%Y",
    "%d%b%Y", "%a %b %d, %Y %H:%M UTC", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S",
    "%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y/%m",
)  # fmt: skip
_SHAPE = re.compile(r"^\s*[\w,./:\- +]{5,35}\s*$")
_MOST = 2000
_LOOKS = re.compile(
    r"""^(?:\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ]\d{1,2}:\d{2}\S*(?:\s\S+)?)?   # 2014-01-31 12:00:00
    |\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?:\s+\d{1,2}:\d{2}\S*(?:\s[APap][Mm])?)?   # 31.01.2014
    |\d{1,2}[-/ ]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-/ ,]*\d{2,4}
    |(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s)?
        (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[ ][0-9]{1,2},?[ ]\d{4}.*
    |(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*-\d{1,2}-\d{4}
    |\d{1,2}:\d{2}(?::\d{2})?)$""",
    re.IGNORECASE | re.VERBOSE,
)


def looks_like_date(text: str) -> bool:
    """Whether a cell looks like a date or a time of day in some notation."""
    return text[:1].isalnum() and _LOOKS.match(text) is not None


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format that fits, and whether another order of day and month would fit as well."""

    pattern: str
    ambiguous: bool
    matched: float
    """The share of the values that it fits."""


def find_date_format(values: Sequence[str], *, minimum: float = 0.98) -> DateFormat | None:
    """The format that at least `minimum` of the distinct texts are written in, or None."""
    texts = [value.strip() for value in values[:_MOST] if value and value.strip()]
    if not texts:
        return None
    probe = texts[:8]
    if sum(1 for text in probe if _SHAPE.match(text) and any(map(str.isdigit, text))) < 0.7 * len(probe):
        return None
    best: DateFormat | None = None
    rivals = 0
    for pattern in FORMATS:
        if sum(fits_format(text, pattern) for text in probe) < 0.7 * len(probe):
            continue
        matched = sum(fits_format(text, pattern) for text in texts) / len(texts)
        if matched < minimum:
            continue
        if best is None or matched > best.matched:
            best, rivals = DateFormat(pattern, False, matched), 0
        elif matched == best.matched and _swapped(best.pattern) == pattern:
            rivals += 1
    return DateFormat(best.pattern, rivals > 0, best.matched) if best else None


def fits_format(text: str, pattern: str) -> bool:
    """Whether a text is a date in the format."""
    if pattern == "%Y%m%d" and (len(text) != 8 or not "1700" <= text[:4] <= "2100"):
        return False
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def _swapped(pattern: str) -> str:
    return pattern.replace("%m", "\0").replace("%d", "%m").replace("\0", "%d")
