"""A grid of text cells, with what the judgement of its layout needs of each row and column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from datamind_gen.files.cells import Look, look

Row = Sequence[str]
_PROFILE_ROWS = 300
_PAGE = re.compile(
    r"\s*(page|seite|página|pagina|sida|side|strona)\s*:?\s*\d+(\s*\S+\s*\d+)?\s*$", re.IGNORECASE
)


@dataclass
class Grid:
    """A grid with what the judgement needs of each row, computed once."""

    rows: Sequence[Row]
    filled: list[int] = field(init=False)
    """Cells that hold something, by row; none in a row that only draws a line."""
    rulers: set[int] = field(init=False)

    def __post_init__(self) -> None:
        blanks = {cell for cell in set().union(*self.rows) if cell.isspace()}
        self.filled = [len(row) - row.count("") for row in self.rows]
        if blanks:
            self.filled = [
                count - sum(cell in blanks for cell in row)
                for count, row in zip(self.filled, self.rows, strict=True)
            ]
        self.rulers = {
            place for place, count in enumerate(self.filled) if count and is_ruler(self.rows[place])
        }
        for place in self.rulers:
            self.filled[place] = 0

    @cached_property
    def used(self) -> list[int]:
        return [place for place, count in enumerate(self.filled) if count]

    @cached_property
    def typical(self) -> int:
        """How many cells a row of the table fills: the middle by cells, since notes are narrow."""
        counts = sorted(self.filled[place] for place in self.used)
        left = 0.5 * sum(counts)
        for count in counts:
            left -= count
            if left <= 0:
                return count
        return 0

    @cached_property
    def width(self) -> int:
        return max((len(self.rows[place]) for place in self.used), default=0)

    @cached_property
    def kinds(self) -> list[Look]:
        """Each column's look over the likely body rows: NUMBER, DATE, TEXT or EMPTY."""
        likely = [place for place in self.used if self.filled[place] >= max(1, 0.5 * self.typical)]
        likely = likely[max(1, len(likely) // 5) :] if len(likely) > 1 else likely
        step = max(1, len(likely) // _PROFILE_ROWS)
        counts: list[Counter[Look]] = [Counter() for _ in range(self.width)]
        for place in likely[::step]:
            for column, cell in enumerate(self.rows[place]):
                counts[column][look(cell)] += 1
        self._sampled = len(likely[::step])
        return [self._kind(count) for count in counts]

    def _kind(self, count: Counter[Look]) -> Look:
        told = count[Look.NUMBER] + count[Look.DATE] + count[Look.TEXT]
        if not told:
            return Look.EMPTY
        for kind in (Look.NUMBER, Look.DATE):
            if count[kind] >= 0.75 * told and told >= 0.4 * self._sampled:
                return kind
        return Look.TEXT

    @cached_property
    def strict(self) -> list[int]:
        """The columns whose cells must look right: numbers and dates."""
        return [column for column, kind in enumerate(self.kinds) if kind in (Look.NUMBER, Look.DATE)]

    @cached_property
    def usual(self) -> dict[int, set[str]]:
        """By strict column, the words that come back: `Indef.` among counts is a value, not a header."""
        words: dict[int, Counter[str]] = {column: Counter() for column in self.strict}
        for place in self.used[:4000]:
            found = {column: self.cell(place, column) for column in self.strict}
            told = {column: cell for column, cell in found.items() if look(cell) is Look.TEXT}
            if len(told) > 1 and len(told) > 0.5 * sum(1 for cell in found.values() if cell.strip()):
                continue  # a header inside the data
            if self.filled[place] == 1 < self.typical:
                continue  # a label between blocks
            for column, cell in told.items():
                words[column][cell] += 1
        top = next((place for place in self.used if self.filled[place] >= 0.9 * self.typical), self.used[0])
        return {
            column: {word for word, count in found.items() if count > 1} - {self.cell(top, column)}
            for column, found in words.items()
        }

    def cell(self, place: int, column: int) -> str:
        row = self.rows[place]
        return row[column] if column < len(row) else ""

    def fit(self, place: int) -> tuple[int, int, int]:
        """Of the strict columns: how many the row fills, how many rightly, and how many with words."""
        filled = right = wordy = 0
        for column in self.strict:
            cell = self.cell(place, column)
            found = look(cell)
            if found is Look.EMPTY:
                continue
            filled += 1
            if cell in self.usual[column]:
                right += 1
                continue
            right += found in (self.kinds[column], Look.NULL)
            wordy += found is Look.TEXT or (found is Look.DATE and self.kinds[column] is Look.NUMBER)
        return filled, right, wordy

    @cached_property
    def strict_fill(self) -> float:
        """How many strict cells a row of the body fills, as a middle value."""
        full = [place for place in self.used if self.filled[place] >= 0.5 * self.typical]
        fills = sorted(self.fit(place)[0] for place in full[:: max(1, len(full) // 200)])
        return fills[len(fills) // 2] if fills else 0.0

    def is_body(self, place: int) -> bool:
        """Whether the row looks like a row of data."""
        if not self.strict:
            return self.filled[place] >= max(1, 0.5 * self.typical)
        filled, right, _ = self.fit(place)
        if (
            self.strict[0] == 0
            and look(self.cell(place, 0)) is Look.TEXT
            and self.cell(place, 0) not in self.usual[0]
        ):
            return False  # words where every row of the body has its date or number
        return filled >= max(1.0, 0.3 * self.strict_fill) and right >= 0.6 * filled

    def has_value(self, place: int) -> bool:
        """Whether the row has a number or a date where the body has one: a legend has only null tokens."""
        return any(look(self.cell(place, column)) is self.kinds[column] for column in self.strict)

    def is_labelled(self, place: int) -> bool:
        """Whether the row begins with words where every row of the body has its date or number."""
        cell = self.cell(place, 0)
        return self.strict[:1] == [0] and look(cell) is Look.TEXT and cell not in self.usual[0]

    def contradicts(self, place: int) -> bool:
        """Whether the row has words where the body has numbers."""
        filled, _, wordy = self.fit(place)
        return filled > 0 and wordy >= 0.5 * filled


def is_ruler(row: Row) -> bool:
    """Whether a row only draws a line: dashes under the names, as database shells print them."""
    if next((cell for cell in row if cell), "").lstrip()[:1] not in ("-", "=", "_", "+", "*"):
        return False
    told = [cell.strip() for cell in row if cell and not cell.isspace()]
    return len(told) > 1 and all(len(cell) >= 3 and not cell.strip("-=_+*") for cell in told)


def is_sentence(row: Row) -> bool:
    """Whether a row is a sentence cut at its commas: its parts begin with blanks."""
    told = [cell for cell in row[1:] if cell.strip()]
    return bool(told) and sum(cell[0] == " " for cell in told) >= 0.6 * len(told)


def is_page_banner(row: Row) -> bool:
    """Whether a row carries a page's number: a printed report's title, come again on each page."""
    told = [cell for cell in row if cell and not cell.isspace()]
    return 1 <= len(told) <= 3 and any(_PAGE.match(cell) for cell in told)


def is_same(row: Row, other: Row) -> bool:
    """Whether two rows hold the same cells, blanks and case aside."""
    if row and other and row[0] != other[0] and row[0].strip().lower() != other[0].strip().lower():
        return False
    a = [cell.strip().lower() for cell in row]
    b = [cell.strip().lower() for cell in other]
    while a and not a[-1]:
        a.pop()
    while b and not b[-1]:
        b.pop()
    return bool(a) and a == b
