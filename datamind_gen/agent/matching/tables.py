"""Compares result tables: same columns, same rows, each row whole.

Columns pair up one to one, by place, by name, or else by content where the names do not say otherwise; rows
are compared as rows, as a multiset, or in order where that counts. A column whose cells are all whole
numbers is compared exactly (they may be identifiers); other numbers to a relative tolerance, cell by cell.
Nulls equal nulls and nothing else.
"""

from __future__ import annotations

import csv
import io
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from datamind_gen.agent.answers.dates import read_dates
from datamind_gen.agent.answers.numbers import is_close
from datamind_gen.agent.answers.text import fold
from datamind_gen.agent.matching.lists import ORDER_QUESTION
from datamind_gen.agent.matching.verdict import Match, Sameness, different, same, unsure
from datamind_gen.rows import Answer, AnswerType, Scalar

CELL_TOLERANCE = 1e-3
MAX_PERMUTED_COLUMNS = 6
MAX_AMBIGUOUS_ROWS = 500
"""Beyond so many rows that differ in inexact cells alone, rows pair up in sorted order or not at all."""

_NULLS = frozenset({"", "nan", "none", "null", "na", "n/a", "nat", "<na>"})
_BOOLEANS = {"true": 1.0, "false": 0.0}

Cell = str | float | None
Column = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as names and columns of cells."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def height(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def row(self, index: int) -> tuple[Cell, ...]:
        return tuple(column[index] for column in self.columns)

    def pick(self, order: Sequence[int]) -> Grid:
        return Grid(tuple(self.names[i] for i in order), tuple(self.columns[i] for i in order))


def match_csv(
    expected: str, got: str, *, ordered: bool = False, question: str = "", tolerance: float = CELL_TOLERANCE
) -> Match:
    """Whether two result CSVs hold the same table. Order counts if `ordered`, or if the question asks."""
    mine, theirs = read_csv(expected), read_csv(got)
    if mine is None or theirs is None:
        return different("no table in the result file")
    return _match_grids(mine, theirs, ordered or bool(ORDER_QUESTION.search(question)), tolerance)


def match_table(
    expected: Answer, got: str, *, tolerance: float = CELL_TOLERANCE, question: str = ""
) -> Match:
    """Whether a result CSV holds the reference table. Cells never get more than CELL_TOLERANCE."""
    rows = expected.value if isinstance(expected.value, tuple) else ()
    width = len(expected.columns)
    cells = [row if isinstance(row, tuple) else (row,) for row in rows]
    columns = tuple(tuple(_cell(row[i]) for row in cells) for i in range(width))
    theirs = read_csv(got)
    if theirs is None:
        return different("no table in the result file")
    ordered = expected.ordered or bool(ORDER_QUESTION.search(question))
    gold, tolerance = Grid(expected.columns, columns), min(tolerance, CELL_TOLERANCE)
    return _match_grids(gold, theirs, ordered, tolerance, decimals=expected.decimals)


def match_result(
    expected: Answer, got: str | None, *, tolerance: float = CELL_TOLERANCE, question: str = ""
) -> Match:
    """Whether the result CSV that a database answer names holds the reference, of whatever type it is."""
    if got is None:
        return different("the answer names no result file that exists")
    if expected.type is AnswerType.TABLE:
        return match_table(expected, got, tolerance=tolerance, question=question)
    table = read_csv(got)
    if table is None:
        return different("no table in the result file")
    values = expected.value if isinstance(expected.value, tuple) else (expected.value,)
    if any(isinstance(value, tuple) for value in values):
        rows = tuple(value if isinstance(value, tuple) else (value,) for value in values)
    else:
        rows = tuple((value,) for value in values if not isinstance(value, tuple))
    width = len(rows[0]) if rows else 1
    columns = tuple(tuple(_cell(row[i]) for row in rows) for i in range(width))
    gold = Grid(tuple(f"{i}" for i in range(width)), columns)
    if expected.type is AnswerType.PERCENT and len(table.columns) == 1:
        share = tuple(cell / 100 if isinstance(cell, float) else cell for cell in columns[0])
        as_share = _match_grids(Grid(gold.names, (share,)), table, False, max(tolerance, CELL_TOLERANCE))
        if as_share.same:
            return as_share
    if len(table.columns) != width:
        return different(f"{len(table.columns)} columns where {width} are asked for")
    return _match_grids(gold, table, expected.ordered, tolerance, decimals=expected.decimals)


def read_csv(text: str) -> Grid | None:
    """The table of a CSV text with a header; None where there is none."""
    if not text.strip():
        return None
    header = text.lstrip("\ufeff").split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count) if any(mark in header for mark in ",;\t|") else ","
    rows = [row for row in csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter) if row]
    if not rows:
        return None
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        return None
    columns = tuple(tuple(_cell(row[i]) for row in rows[1:]) for i in range(width))
    return Grid(tuple(name.strip() for name in rows[0]), columns)


def _cell(value: Scalar | str) -> Cell:
    if value is None or isinstance(value, (bool, int, float)):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        return float(value) + 0.0
    text = value.strip()
    low = text.lower()
    if low in _NULLS:
        return None
    if low in _BOOLEANS:
        return _BOOLEANS[low]
    number = _number(text)
    if number is not None:
        return number
    if text[:4].isdigit() and len(text) >= 8 and (dates := read_dates(text)):
        moment = dates[0].readings[0]
        if dates[0].end == len(text) and moment.day is not None:
            clock = "" if moment.time is None else " {:02}:{:02}:{:02}".format(*moment.time)
            return f"{moment.year:04}-{moment.month or 0:02}-{moment.day:02}{clock}"
    return text


def _number(text: str) -> float | None:
    plain = text.removesuffix("%").strip() if text.endswith("%") else text
    if len(plain) > 4 and "," in plain:
        head, *groups = plain.partition(".")[0].split(",")
        if groups and all(len(group) == 3 for group in groups) and head.lstrip("-").isdigit():
            plain = plain.replace(",", "")
    if not plain[:1].isdigit() and plain[:1] not in "+-.":
        return None
    if len(plain) > 1 and plain[0] == "0" and plain.isdigit():
        return None  # a code with leading zeros is text
    try:
        value = float(plain)
    except ValueError:
        return None
    if not math.isfinite(value) or "_" in plain:
        return None
    return (value / 100 if text.endswith("%") else value) + 0.0


def _match_grids(
    mine: Grid, theirs: Grid, ordered: bool, tolerance: float, *, decimals: int | None = None
) -> Match:
    width = len(mine.columns)
    if len(theirs.columns) != width:
        return different(f"{len(theirs.columns)} columns where {width} are asked for")
    if mine.height != theirs.height:
        return different(f"{theirs.height} rows where {mine.height} are asked for")
    best = different("other cells")
    for order in _pairings(mine, theirs):
        found = _match_rows(mine, theirs.pick(order), ordered, tolerance, decimals)
        if found.same:
            return found
        if found.verdict is Sameness.UNSURE or best.why == "other cells":
            best = found
    return best


def _pairings(mine: Grid, theirs: Grid) -> list[tuple[int, ...]]:
    """The orders of their columns that may correspond to ours, likeliest first."""
    width = len(mine.columns)
    ours, other = [fold(name) for name in mine.names], [fold(name) for name in theirs.names]
    if sorted(ours) == sorted(other) and len(set(ours)) == width:
        return [tuple(other.index(name) for name in ours)]
    place = tuple(range(width))
    if width > MAX_PERMUTED_COLUMNS:
        return [place]
    fixed = {
        other.index(name): i for i, name in enumerate(ours) if other.count(name) == 1 == ours.count(name)
    }
    return [place] + [
        order
        for order in permutations(range(width))
        if order != place and all(order[i] == j for j, i in fixed.items())
    ]


def _match_rows(mine: Grid, theirs: Grid, ordered: bool, tolerance: float, decimals: int | None) -> Match:
    exact = [_is_exact(a, b) for a, b in zip(mine.columns, theirs.columns, strict=True)]
    compare = _Comparison(exact, tolerance, decimals)
    in_place = all(compare.rows(mine.row(i), theirs.row(i)) for i in range(mine.height))
    if in_place:
        return same("the same rows in the same order")
    if not compare.multisets(mine, theirs):
        return _explain(mine, theirs, compare)
    if not ordered:
        return same("the same rows")
    if _only_ties_moved(mine, theirs, compare):
        return unsure("the same rows; only rows that tie stand in another order")
    return different("the same rows in another order")


def _explain(mine: Grid, theirs: Grid, compare: _Comparison) -> Match:
    lowered = [
        Grid(grid.names, tuple(tuple(_lower(cell) for cell in column) for column in grid.columns))
        for grid in (mine, theirs)
    ]
    if compare.multisets(lowered[0], lowered[1]):
        return unsure("the same rows but for upper and lower case")
    return different("other rows")


def _lower(cell: Cell) -> Cell:
    return cell.casefold() if isinstance(cell, str) else cell


def _is_exact(mine: Column, theirs: Column) -> bool:
    """Whether a pair of columns is compared exactly: no cell of either is a fraction."""
    return not any(isinstance(cell, float) and not cell.is_integer() for cell in (*mine, *theirs))


class _Comparison:
    """Compares rows: exactly in some columns, within the tolerance in the others."""

    def __init__(self, exact: list[bool], tolerance: float, decimals: int | None) -> None:
        self._exact = [i for i, flag in enumerate(exact) if flag]
        self._close = [i for i, flag in enumerate(exact) if not flag]
        self._tolerance = tolerance
        self._decimals = decimals

    def cells(self, a: Cell, b: Cell) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return is_close(a, b, self._tolerance, decimals=self._decimals)
        return a == b

    def rows(self, a: tuple[Cell, ...], b: tuple[Cell, ...]) -> bool:
        return all(a[i] == b[i] for i in self._exact) and all(self.cells(a[i], b[i]) for i in self._close)

    def multisets(self, mine: Grid, theirs: Grid) -> bool:
        """Whether the rows pair up one to one."""
        groups: dict[tuple[Cell, ...], tuple[list[tuple[Cell, ...]], list[tuple[Cell, ...]]]] = defaultdict(
            lambda: ([], [])
        )
        for side, grid in enumerate((mine, theirs)):
            for index in range(grid.height):
                row = grid.row(index)
                groups[tuple(row[i] for i in self._exact)][side].append(tuple(row[i] for i in self._close))
        return all(len(a) == len(b) and self._pair_up(a, b) for a, b in groups.values())

    def _pair_up(self, mine: list[tuple[Cell, ...]], theirs: list[tuple[Cell, ...]]) -> bool:
        if not self._close or Counter(mine) == Counter(theirs):
            return True
        telling = sorted(range(len(self._close)), key=lambda i: -len({row[i] for row in mine}))
        mine = sorted((tuple(row[i] for i in telling) for row in mine), key=_sort_key)
        theirs = sorted((tuple(row[i] for i in telling) for row in theirs), key=_sort_key)
        pairs = zip(mine, theirs, strict=True)
        if all(all(map(self.cells, a, b)) for a, b in pairs):
            return True
        if len(mine) > MAX_AMBIGUOUS_ROWS:
            return False
        keys = [_sort_key(row)[0] for row in theirs]
        partner: dict[int, int] = {}
        return all(self._augment(i, mine, theirs, keys, partner) for i in range(len(mine)))

    def _augment(
        self,
        start: int,
        mine: list[tuple[Cell, ...]],
        theirs: list[tuple[Cell, ...]],
        keys: list[tuple[int, float, str]],
        partner: dict[int, int],
    ) -> bool:
        """Finds row `start` a partner, moving earlier pairs where that is needed (Kuhn's algorithm)."""
        tried: set[int] = set()
        trail: list[tuple[int, int]] = []
        stack = [(start, iter(self._near(mine[start], theirs, keys)))]
        while stack:
            row, choices = stack[-1]
            for j in choices:
                if j in tried:
                    continue
                tried.add(j)
                trail = [*trail[: len(stack) - 1], (row, j)]
                if j not in partner:
                    partner.update({column: owner for owner, column in trail})
                    return True
                stack.append((partner[j], iter(self._near(mine[partner[j]], theirs, keys))))
                break
            else:
                stack.pop()
        return False

    def _near(
        self, row: tuple[Cell, ...], theirs: list[tuple[Cell, ...]], keys: list[tuple[int, float, str]]
    ) -> list[int]:
        kind, value, text = _sort_key(row)[0]
        slack = abs(value) * self._tolerance * 1.01 + (
            0.0 if self._decimals is None else 10.0**-self._decimals
        )
        low = bisect_left(keys, (kind, value - slack, "" if kind == 1 else text))
        near = []
        for j in range(low, len(theirs)):
            if keys[j][0] != kind or keys[j][1] > value + slack + 1e-12 or (kind == 2 and keys[j][2] != text):
                break
            if all(self.cells(a, b) for a, b in zip(row, theirs[j], strict=True)):
                near.append(j)
        return near


def _sort_key(row: tuple[Cell, ...]) -> tuple[tuple[int, float, str], ...]:
    return tuple(
        (0, 0.0, "") if cell is None else (1, cell, "") if isinstance(cell, float) else (2, 0.0, cell)
        for cell in row
    )


def _only_ties_moved(mine: Grid, theirs: Grid, compare: _Comparison) -> bool:
    """Whether some column that is sorted in the reference, and not constant, reads the same in both."""
    for ours, other in zip(mine.columns, theirs.columns, strict=True):
        keys = [_sort_key((cell,))[0] for cell in ours]
        monotone = len(set(keys)) > 1 and keys in (sorted(keys), sorted(keys, reverse=True))
        if monotone and all(compare.cells(a, b) for a, b in zip(ours, other, strict=True)):
            return True
    return False
