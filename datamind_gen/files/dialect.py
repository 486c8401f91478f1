"""Which characters separate and quote the cells of a delimited text.

Every plausible pair is tried on the text; the winner splits most rows into the same number of cells that
each look like something (a number, a date, words). Titles above and notes below a table are few and
narrow, and cost little.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from datamind_gen.files.cells import Look, look

csv.field_size_limit(1 << 30)

DELIMITERS = (",", ";", "\t", "|", " ", ":", "^", "~", "¦", "§", "\x1f", "\x01")
_PRIOR = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, " ": 0.72, ":": 0.55}
_SAMPLE = 120_000
_MOST_ROWS = 600
_WORDS = re.compile(r"^[^;|\t^~¦\x1f\x01]*$")
_HINT = re.compile(r"^\ufeff?\"?sep=(.)\"?\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text is cut into cells. No delimiter means one column."""

    delimiter: str
    quote: str | None = '"'
    escape: str | None = None
    wrapped: bool = False
    """Each line is one quoted cell that holds the real line."""
    skip_blanks: bool = False
    """Blanks after a delimiter are no part of the cell."""
    score: float = 1.0
    evidence: str = ""

    def rows(self, text: str) -> Iterator[list[str]]:
        """The rows of the text, as lists of cells."""
        if self.wrapped:
            outer = csv.reader(io.StringIO(text, newline=""))
            text = "\n".join(self.delimiter.join(row) if len(row) > 1 else "".join(row) for row in outer)
        lines: Iterator[str] = iter(io.StringIO(text, newline=""))
        if self.delimiter == " ":
            lines = (line.strip().replace("\r", " ").replace("\t", " ") + "\n" for line in lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            skipinitialspace=self.skip_blanks or self.delimiter == " ",
            doublequote=True,
        )


def find_dialect(text: str) -> Dialect:
    """The dialect of a text, judged on its beginning (and on its middle, when it is long)."""
    hint = _HINT.match(text)
    sample = _sample(text)
    whole = len(sample) == len(text)
    unwrapped = _unwrapped(sample, whole=whole)
    if unwrapped is not None and unwrapped.score > 0.5:
        return unwrapped
    best = Dialect(",", score=0.0, evidence="no character splits the rows alike: one column")
    for candidate in _candidates(sample, hint.group(1) if hint else None):
        score, evidence = _judge(candidate, sample, whole=whole)
        if hint and candidate.delimiter == hint.group(1):
            score += 0.2
        if score > best.score + 1e-9:
            best = replace(candidate, score=score, evidence=evidence)
    if best.score < 0.1:
        return unwrapped or replace(best, delimiter=",", quote='"')
    return best


def _sample(text: str) -> str:
    if len(text) <= 2 * _SAMPLE:
        return text
    cut = text.find("\n", _SAMPLE)
    middle = text.find("\n", len(text) // 2) + 1
    return text[: cut + 1] + text[middle : text.find("\n", middle + _SAMPLE // 2) + 1]


def _candidates(sample: str, hinted: str | None) -> Iterator[Dialect]:
    for delimiter in dict.fromkeys([*([hinted] if hinted else []), *DELIMITERS]):
        if delimiter not in sample:
            continue
        mark = re.escape(delimiter)
        blanks = delimiter != " " and _followed_by_blanks(sample, delimiter)
        escaped = '\\"' in sample
        yield Dialect(delimiter, '"', skip_blanks=blanks)
        if escaped:
            yield Dialect(delimiter, '"', "\\", skip_blanks=blanks)
        if re.search(rf"(^|{mark}|\n)'[^'\n]*'({mark}|\r?\n|$)", sample):
            yield Dialect(delimiter, "'", skip_blanks=bool(re.search(rf"{mark} +'", sample)))
        if '"' in sample:
            yield Dialect(delimiter, None)


def _followed_by_blanks(sample: str, delimiter: str) -> bool:
    """Whether a blank after the delimiter is the writer's habit, and no part of the cells."""
    mark = re.escape(delimiter)
    before_quotes = len(re.findall(rf'{mark} +"', sample))
    blanks = sample.count(delimiter + " ")
    return before_quotes > 0.3 * sample.count("\n") or blanks > 0.9 * sample.count(delimiter)


def _judge(dialect: Dialect, sample: str, *, whole: bool) -> tuple[float, str]:
    rows = []
    try:
        for row in dialect.rows(sample):
            if row and any(cell and not cell.isspace() for cell in row):
                rows.append(row)
            if len(rows) >= _MOST_ROWS:
                break
    except csv.Error:
        return 0.0, "not readable"
    if len(rows) > 3 and not whole:
        rows.pop()  # the sample may end within it
    if not rows:
        return 0.0, "no rows"
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0, "one cell a row"
    width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] - 1) / item[0], item[0]))
    near = sum(n for w, n in widths.items() if 0.8 * width <= w <= 1.25 * width)
    consistency = (count + 0.5 * (near - count)) / len(rows)
    types = _type_share([row for row in rows if len(row) == width])
    swallowed = sum(
        1 for row in rows for cell in row if cell.count("\n") > 8 or _holds_rows(cell, dialect, width)
    )
    penalty = 0.5 ** min(swallowed, 6)
    score = (
        consistency * types**2 * ((width - 1) / width) ** 0.5 * _PRIOR.get(dialect.delimiter, 0.8) * penalty
    )
    if dialect.quote is None:
        score *= 0.97
    if dialect.escape:
        score *= 0.995
    return score, f"{count} of {len(rows)} rows have {width} cells; {types:.0%} of the cells look like values"


def _holds_rows(cell: str, dialect: Dialect, width: int) -> bool:
    """Whether a cell swallowed rows: an unclosed quote."""
    if "\n" not in cell or width < 2:
        return False
    inner = cell.strip().split("\n")[1:]
    return any(line.count(dialect.delimiter) >= width - 1 for line in inner[:5])


def _type_share(rows: list[list[str]]) -> float:
    good = total = 0.0
    for row in rows[:300]:
        for cell in row:
            if not cell:
                good += 0.9
            else:
                good += _goodness(cell)
            total += 1
    return good / total if total else 0.0


def _goodness(cell: str) -> float:
    kind = look(cell)
    if kind is Look.EMPTY:
        return 0.9
    if kind in (Look.NUMBER, Look.DATE):
        return 1.0
    if kind is Look.NULL:
        return 0.9
    if '"' in cell and cell.count('"') % 2:
        return 0.2
    if cell[:1] == '"' or cell[-1:] == '"':
        return 0.4
    if cell[:1] == "'" == cell[-1:] and len(cell) > 1:
        return 0.5
    return 0.95 if _WORDS.match(cell) else 0.45


def _unwrapped(sample: str, *, whole: bool) -> Dialect | None:
    """Lines that are each one quoted cell: the real dialect lies inside."""
    outer = [row for row in csv.reader(io.StringIO(sample, newline="")) if row]
    single = [row[0] for row in outer if len(row) == 1]
    if len(single) < max(2, 0.8 * len(outer)) or sample.lstrip()[:1] != '"':
        return None
    inner = "\n".join(single)
    best: Dialect | None = None
    for candidate in _candidates(inner, None):
        score, evidence = _judge(candidate, inner, whole=whole)
        if score > (best.score if best else 0.3):
            best = replace(
                candidate, score=score, evidence=f"inside whole-line quotes: {evidence}", wrapped=True
            )
    return best
