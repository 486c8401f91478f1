"""Whether a paraphrase still asks the same: names, numbers, directions, statistics and rounding all there.

A strict check that knows words, not meaning: each concept that decides an answer must be there in both
wordings or in neither. A good paraphrase that it refuses costs nothing, for the original wording stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from datamind_gen.rows import Query
from datamind_gen.taxonomy.chain import FILTER
from datamind_gen.taxonomy.questions import leaks

_CONCEPTS: dict[str, str] = {
    "the highest": r"highest|largest|biggest|greatest|most(?! common| frequent)|maximum|max|top|best|leading"
    r"|peak(?:s|ed)?|longest|richest",
    "the lowest": r"lowest|smallest|least(?! squares)|fewest|minimum|min|bottom|worst|shortest|poorest",
    "above": r"above|over(?= [\d\"]| the)|exceed(?:s|ing|ed)?|more than|greater than|higher than|larger than",
    "below": r"below|under|less than|lower than|smaller than|fewer than",
    "at least": r"at least|no less than|no fewer than|or more|not below|minimum of",
    "at most": r"at most|no more than|or less|or fewer|not above|up to",
    "a mean": r"mean|average|averaged",
    "a median": r"median",
    "a total": r"total|totals|sum|sums|summed|combined|altogether|adds? up|added up",
    "a count": r"how many|number of|count|counts|counted|how often",
    "a standard deviation": r"standard deviations?|std",
    "a variance": r"variances?",
    "a range": r"range|spread",
    "a share": r"share|shares|percentage|percent|proportion|fraction|%",
    "a ratio": r"ratio|times as",
    "a correlation": r"correlations?|correlated|correlate",
    "Pearson": r"pearson(?:'s)?",
    "Spearman": r"spearman(?:'s)?",
    "Kendall": r"kendall(?:'s)?",
    "significance": r"significan(?:t|tly|ce)|p-value|p value",
    "a quartile": r"quartiles?|interquartile|iqr",
    "a percentile": r"percentiles?|quantiles?",
    "skewness": r"skew(?:ness|ed)?",
    "kurtosis": r"kurtosis",
    "outliers": r"outliers?|anomal(?:y|ies|ous)|unusual",
    "distinctness": r"distinct|different|unique",
    "missing values": r"missing|null|blank|absent|not given|empty",
    "growth": r"grow(?:s|n|th)?|grew|increas(?:e|es|ed|ing)|ris(?:e|es|en|ing)|rose|gain(?:s|ed)?",
    "decline": r"declin(?:e|es|ed|ing)|decreas(?:e|es|ed|ing)|fall(?:s|en|ing)?|fell|drop(?:s|ped)?"
    r"|shr[aiu]nk",
    "an ascending order": r"ascending|smallest first|lowest first|upwards",
    "a descending order": r"descending|largest first|highest first|downwards",
    "a sample formula": r"sample|n - 1|n-1|ddof",
    "a population formula": r"population (?:standard|variance|formula)",
    "a yes or no": r"yes or no|yes or a no|yes, or no|yes/no",
    "negation": r"not|never|without|except|excluding|other than|neither|nor|leaving out|ignoring"
    r"|setting aside|apart from",
    "a difference": r"difference|differ|differs|gap|how much (?:more|less|higher|lower)",
    "weighting": r"weighted|weighting|weights?",
    "cumulation": r"cumulative|running",
}  # fmt: skip
_PATTERNS = {
    name: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) for name, words in _CONCEPTS.items()
}
_OPPOSITES = (("the highest", "the lowest"), ("above", "below"), ("growth", "decline"))
"""Their order must stay: with both in one question, exchanging them is another question."""
_WORD_NUMBERS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "twice": "2",
    "2nd": "2", "3rd": "3", "4th": "4", "5th": "5",
}  # fmt: skip
_QUOTED = re.compile(r"\"([^\"]+)\"")


def find_change(query: Query, paraphrase: str, columns: Collection[str] = ()) -> str | None:
    """What a paraphrase of a program's question changes, in words; None where it asks the same. `columns` are
    all that the file has: one that is named in one wording only is a change."""
    original = query.question
    for name in sorted(columns):
        if _holds(original, name) != _holds(paraphrase, name):
            return f"{name!r} is named in one of them only"
    if lost := [name for name in names_in(query) if not _holds(paraphrase, name)]:
        return f"it no longer names {lost[0]!r}"
    bare_original, bare_other = _without_names(original, query), _without_names(paraphrase, query)
    before, after = _numbers(bare_original), _numbers(bare_other)
    if before != after:
        odd = sorted((before - after) + (after - before))
        return f"its numbers differ: {', '.join(odd)}"
    for name, pattern in _PATTERNS.items():
        there, here = pattern.search(bare_original) is not None, pattern.search(bare_other) is not None
        if there != here:
            return f"{name} is {'lost' if there else 'new'} in it"
    for pair in _OPPOSITES:
        if _directions(bare_original, pair) != _directions(bare_other, pair):
            return f"{' and '.join(pair)} stand in it in another order or number"
    if _rounding(original) != _rounding(paraphrase):
        return "its rounding differs"
    *earlier, last = [hop.reference for hop in query.hops]
    if told := leaks(paraphrase, [answer for answer in earlier if answer is not None]):
        return f"it names an earlier answer: {told}"
    if last is not None and leaks(paraphrase, [last]) and not leaks(original, [last]):
        return "it gives the answer away"
    return None


def _directions(text: str, pair: tuple[str, str]) -> list[str]:
    found = [(match.start(), name) for name in pair for match in _PATTERNS[name].finditer(text)]
    return [name for _, name in sorted(found)]


def names_in(query: Query) -> tuple[str, ...]:
    """The columns, labels and tables that a question names, longest first."""
    said = {slot.column for hop in query.hops for slot in hop.slots if slot.column}
    labels = [slot for hop in query.hops for slot in hop.slots if slot.column and slot.name != FILTER]
    for slot in labels:  # a choice has no column: `highest` is no name
        values = slot.value if isinstance(slot.value, tuple) else (slot.value,)
        said |= {value for value in values if isinstance(value, str)}
    said |= set(query.tables) | set(_QUOTED.findall(query.question))
    return tuple(
        sorted((name for name in said if _holds(query.question, name)), key=lambda name: (-len(name), name))
    )


def _holds(text: str, name: str) -> bool:
    return re.search(_spoken(name), text, re.IGNORECASE) is not None


def _spoken(name: str) -> str:
    """A pattern for a name: questions say a column's underscores as spaces."""
    return rf"(?<!\w){re.escape(name)}".replace("_", "[_ ]")


def _without_names(text: str, query: Query) -> str:
    for name in names_in(query):
        text = re.sub(_spoken(name), " ", text, flags=re.IGNORECASE)
    return text


def _numbers(text: str) -> Counter[str]:
    found = [number.replace(",", "").rstrip(".") for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
    words = re.findall(r"[a-z0-9]+", text.lower())
    spelt = [_WORD_NUMBERS[word] for word in words if word in _WORD_NUMBERS and not word.isdigit()]
    digits = [number for number in found if not re.search(rf"{re.escape(number)}(?:nd|rd|th|st)\b", text)]
    return Counter(digits + [number for number in spelt if number != "1"])


def _rounding(text: str) -> str | None:
    found = re.search(r"\b(no|one|two|three|four|five|\d) decimals?\b", text.lower())
    return None if found is None else _WORD_NUMBERS.get(found[1], found[1])
