"""Compares labels, dates and yes-or-no statements with what a text says."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from datamind_gen.agent.answers.dates import Overlap, month_of, read_dates
from datamind_gen.agent.answers.numbers import NEARBY
from datamind_gen.agent.answers.text import fold, names_other_rank, read_polarity, squash, tidy, without_lead
from datamind_gen.agent.matching.numbers import choose, numbers_of
from datamind_gen.agent.matching.verdict import Match, different, same, unsure

_DENIED = re.compile(
    r"\b(?:not|isnt|wasnt|arent|never|rather than|instead of|unlike|than|except|excluding|other than|versus"
    r"|vs|over|besides|without)(?: the)?(?: \w+)?$"
)
_NEGATING = ("un", "non", "in", "im", "ir", "dis", "fe", "not", "anti")
_GOES_ON = re.compile(r"\s*(?:[(,;:.–-]|(?:with|at|has|have|had|is|was|were|by|since|because|as)\b)", re.I)
_FILLER_WORDS = """
the a an is was are were it its this that in at on of for with which by and value category group
cluster class type name label column row item entry answer result brand state country year most
least
"""
_FILLER = frozenset(_FILLER_WORDS.split())


def match_label(expected: str, got: str, *, question: str) -> Match:
    """Whether the text gives the label, and no other."""
    text = tidy(got)
    mine, theirs = fold(expected), fold(text)
    if not theirs:
        return different("an empty answer")
    if _is_number(expected.strip()):
        return _match_numeric(expected.strip(), text, question)
    if theirs in (mine, fold(without_lead(text))) and theirs == mine:
        return same("the same label")
    if squash(expected) == squash(text) or fold(without_lead(text)) == mine:
        return same("the same label")
    spots = _find(mine, theirs)
    if not spots:
        return _compare_spelling(mine, theirs)
    if all(_DENIED.search(theirs[max(0, start - NEARBY) : start].rstrip()) for start, _ in spots):
        return different("the label is denied")
    return _judge_context(expected, text, question)


def _judge_context(label: str, text: str, question: str) -> Match:
    pattern = _flexible(label)
    found = pattern.search(text)
    if found is None:
        return unsure("the label stands in the text in another form")
    before, after = text[: found.start()], text[found.end() :]
    if re.match(r"\W*(?:or|and/or)\b", after) or re.search(r"\b(?:or|and/or|either)\W*$", before):
        return unsure("named as one of several")
    if re.match(r"\s+and\s+[A-Z]", after) or re.search(r"[A-Z]\w*\s+and\s+$", before):
        return unsure("named beside another label")
    if label[:1].isupper() and re.match(r"[ -][A-Z][a-z]", after) and not label.isupper():
        return unsure("the label may be part of a longer name")
    clauses = re.split(r"[;.!?\n]|,(?!\d)", text)
    clause = next((part for part in clauses if pattern.search(part)), text)
    if question and names_other_rank(clause, question):
        return unsure("the label is named for another rank")
    words = [word for word in fold(before + " " + after).split() if not word.replace(".", "").isdigit()]
    known = _FILLER | set(fold(question).split())
    goes_on = _GOES_ON.match(after)
    if len(words) <= 2 and not goes_on and not known.issuperset(words):
        return unsure("the label may be part of a longer name")
    return same("the text names the label")


def _flexible(label: str) -> re.Pattern[str]:
    words = r"[\s\W_]*".join(re.escape(word) for word in re.findall(r"\w+|[+#&]", label))
    return re.compile(rf"(?<!\w){words}(?![\w+#])" if words else r"(?!)", re.I)


def _find(label: str, text: str) -> list[tuple[int, int]]:
    pattern = re.compile(rf"(?<![\w+#-]){re.escape(label)}(?![\w+#])")
    return [found.span() for found in pattern.finditer(text)]


def _is_number(label: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(?:\.\d+)?", label))


def _match_numeric(label: str, text: str, question: str) -> Match:
    numbers = numbers_of(text)
    if not numbers:
        return different("no number where the label is one")
    chosen = choose(text, numbers, question)
    equal = [number.written == float(label) for number in chosen]
    if all(equal):
        return same("the same number as a label")
    return unsure("several numbers, of which one is the label") if any(equal) else different("another label")


def _compare_spelling(mine: str, theirs: str) -> Match:
    if re.findall(r"\d+", mine) != re.findall(r"\d+", theirs):
        return different("another label")
    for prefix in _NEGATING:
        if mine in (prefix + theirs, f"{prefix} {theirs}") or theirs in (prefix + mine, f"{prefix} {mine}"):
            return different("the opposite label")
    if mine.isalpha() and theirs.isalpha() and month_of(mine) == month_of(theirs) is not None:
        return same("the same month")
    if sorted(mine.split()) == sorted(theirs.split()):
        return unsure("the same words in another order")
    short = min(len(mine), len(theirs))
    if short > 4 and SequenceMatcher(None, mine, theirs).ratio() > 0.85:
        return unsure("nearly the same spelling")
    return different("another label")


def match_date(expected: str, got: str) -> Match:
    """Whether the text gives the date, to the precision that is expected."""
    wanted = read_dates(expected, years=True)
    if len(wanted) != 1:
        return match_label(expected, got, question="")
    found = read_dates(tidy(got), years=True)
    if not found:
        return different("no date in the answer")
    overlaps = [wanted[0].compare(date) for date in found]
    if all(overlap is Overlap.NONE for overlap in overlaps):
        spans = len(found) == 2 and re.search(r"\b(?:between|from)\b", got, re.I)
        return unsure("a range of dates") if spans else different("another date")
    if all(overlap is Overlap.SAME for overlap in overlaps):
        return same("the same date")
    if len(found) > 1 and Overlap.SAME in overlaps:
        return unsure("several dates, of which one agrees")
    return unsure("the date is less precise, or can be read in two ways")


def match_boolean(expected: bool, got: str) -> Match:
    """Whether the text says yes, or no."""
    if not got.strip():
        return different("an empty answer")
    said = read_polarity(got)
    if said is None:
        return unsure("neither a plain yes nor a plain no")
    return same("the same yes or no") if said is expected else different("the opposite")
