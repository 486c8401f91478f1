"""Dates as people and models write them, each with every reading that its form allows.

A `Date` is a set of readings, because 03/04/2024 has two. A reading is as precise as what was written: a
year, a quarter, a month, a day, or a moment. Bare years are read only where a date is expected (`years`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Overlap(StrEnum):
    SAME = "same"
    POSSIBLE = "possible"
    """They do not contradict each other, but one says less."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Moment:
    year: int | None
    month: int | None = None
    day: int | None = None
    quarter: int | None = None
    time: tuple[int, int, int] | None = None
    """Hour, minute, second; None where midnight or not said."""


@dataclass(frozen=True, slots=True)
class Date:
    readings: tuple[Moment, ...]
    start: int
    end: int

    def compare(self, other: Date) -> Overlap:
        """How what `other` says relates to what this date says."""
        found = {_compare(mine, theirs) for mine in self.readings for theirs in other.readings}
        if found == {Overlap.SAME}:
            return Overlap.SAME
        return Overlap.NONE if found == {Overlap.NONE} else Overlap.POSSIBLE


_MONTH_NAMES = """
jan january feb february mar march apr april may jun june jul july aug august sep sept september oct october
nov november dec december
"""
_SHORT_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: _SHORT_NAMES.index(name[:3]) + 1 for name in _MONTH_NAMES.split()}
_QUARTERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_MONTH = "(?P<{0}>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?(?:\s*(?:Z\b|UTC\b|[+-]\d\d:?\d\d\b))?)?"
)
_ORDINAL = r"(?:st|nd|rd|th)?"
_DAY_FORMS = tuple(
    re.compile(form + _CLOCK, re.I)
    for form in (
        r"(?<![\d.])(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?![\d])",
        r"(?<![\d./-])(?P<first>\d{1,2})[-/.](?P<second_>\d{1,2})[-/.](?P<year>\d{4})(?!\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}}){_ORDINAL}(?: of)?[ -]{_MONTH.format('name')},?[ -]"
        r"(?P<year>\d{4})(?!\d)",
        rf"\b{_MONTH.format('name')} (?P<day>\d{{1,2}}){_ORDINAL},? (?P<year>\d{{4}})(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?!\d)",
    )
)
_OTHER_FORMS = tuple(
    re.compile(form, re.I)
    for form in (
        r"\bQ(?P<quarter>[1-4])[ ,/-]{0,2}(?P<year>\d{4})\b",
        r"\b(?P<year>\d{4})[ -]?Q(?P<quarter>[1-4])\b",
        rf"\b(?P<ordinal>{'|'.join(_QUARTERS)}) quarter (?:of |in )?(?P<year>\d{{4}})\b",
        rf"\b{_MONTH.format('name')},? (?:of )?(?P<year>\d{{4}})\b",
        rf"\b(?P<year>\d{{4}}) {_MONTH.format('name')}",
        rf"\b{_MONTH.format('name')} (?P<day>\d{{1,2}}){_ORDINAL}\b(?!,? ?\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}}){_ORDINAL}(?: of)? {_MONTH.format('name')}(?! ?\d)",
        r"(?<![\d/.-])(?P<year>(?:1[6-9]|20|21)\d\d)[-/](?P<month>0[1-9]|1[0-2])(?![\d/.-]\d|\d)",
        r"(?<![\d/.-])(?P<month>0?[1-9]|1[0-2])/(?P<year>(?:1[6-9]|20|21)\d\d)(?!\d)",
    )
)
_YEAR = re.compile(r"(?<![\d.,/-])(?P<year>(?:1[5-9]|20|21)\d\d)(?![\d/-]|[.,]\d)")
_LONE_CLOCK = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:([ap])\.?m\b)?", re.I)
_QUICK = re.compile(r"\d{4}|\d[a-z]{2}\b|" + "|".join(_MONTHS), re.I)


def month_of(name: str) -> int | None:
    """The number of a month by its name or abbreviation."""
    return _MONTHS.get(name.lower().rstrip("."))


def read_dates(text: str, *, years: bool = False) -> list[Date]:
    """All dates of the text, in order. With `years`, a bare year is one as well."""
    if not _QUICK.search(text):
        return []
    dates: list[Date] = []
    forms = (*_DAY_FORMS, *_OTHER_FORMS, *((_YEAR,) if years else ()))
    for form in forms:
        for found in form.finditer(text):
            if any(date.start < found.end() and found.start() < date.end for date in dates):
                continue
            readings = _read(found.groupdict())
            if readings:
                dates.append(Date(readings, found.start(), found.end()))
    dates.sort(key=lambda date: date.start)
    return _attach_clock(text, dates)


def _read(parts: dict[str, str | None]) -> tuple[Moment, ...]:
    year = int(parts.get("year") or 0) or None
    time = _clock(parts.get("hour"), parts.get("minute"), parts.get("second"), parts.get("half"))
    if first := parts.get("first"):
        pair = (int(first), int(parts.get("second_") or 0))
        orders = dict.fromkeys((pair, pair[::-1]))
        return tuple(Moment(year, m, d, time=time) for d, m in orders if 1 <= m <= 12 and 1 <= d <= 31)
    if quarter := parts.get("quarter"):
        return (Moment(year, quarter=int(quarter)),)
    if ordinal := parts.get("ordinal"):
        return (Moment(year, quarter=_QUARTERS[ordinal.lower()]),)
    name = parts.get("name")
    month = _MONTHS[name.lower()] if name else int(parts.get("month") or 0) or None
    day = int(parts.get("day") or 0) or None
    if (month is not None and month > 12) or (day is not None and day > 31):
        return ()
    return (Moment(year, month, day, time=time),)


def _clock(
    hour: str | None, minute: str | None, second: str | None, half: str | None
) -> tuple[int, int, int] | None:
    if hour is None or minute is None:
        return None
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    time = (hours, int(minute), int(second or 0))
    return None if time == (0, 0, 0) else time


def _attach_clock(text: str, dates: list[Date]) -> list[Date]:
    if len(dates) != 1 or dates[0].readings[0].time is not None:
        return dates
    found = _LONE_CLOCK.search(text[: dates[0].start])
    time = _clock(*found.groups()) if found else None
    if time is None:
        return dates
    readings = tuple(
        Moment(reading.year, reading.month, reading.day, reading.quarter, time)
        for reading in dates[0].readings
    )
    return [Date(readings, dates[0].start, dates[0].end)]


def _compare(mine: Moment, theirs: Moment) -> Overlap:
    for ours, other in (
        (mine.year, theirs.year),
        (_quarter(mine), _quarter(theirs)),
        (mine.month, theirs.month),
        (mine.day, theirs.day),
    ):
        if ours is not None and other is not None and ours != other:
            return Overlap.NONE
    if mine.time is not None and theirs.time is not None and mine.time[:2] != theirs.time[:2]:
        return Overlap.NONE
    first_of_month = mine.day is None and mine.month is not None and theirs.day == 1
    fields = (mine.year, mine.month, mine.quarter, mine.time) == (
        theirs.year,
        theirs.month,
        theirs.quarter,
        theirs.time,
    )
    if fields and (mine.day == theirs.day or first_of_month):
        return Overlap.SAME
    return Overlap.POSSIBLE


def _quarter(moment: Moment) -> int | None:
    if moment.quarter is not None:
        return moment.quarter
    return (moment.month + 2) // 3 if moment.month is not None else None
