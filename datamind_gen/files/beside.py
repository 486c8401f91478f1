"""Tables side by side on a sheet: which blank columns part two tables, and which only space one out.

Two tables have a key each, and either the same names again or other rows. A table that is only spaced out
has one key, and all its parts begin and end in the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from datamind_gen.files.cells import Look, look
from datamind_gen.files.grid import Row
from datamind_gen.files.layout import Layout, find_tables

_FEWEST_ROWS = 3


def find_spans(rows: Sequence[Row]) -> list[range]:
    """The columns of each table, from left to right; one span when they are one table."""
    width = max(map(len, rows), default=0)
    whole = range(width)
    blocks = _blocks(rows, width)
    if len(blocks) < 2:
        return [whole]
    spans: list[range] = []
    tables: list[Layout] = []
    for block in blocks:
        found = _table(rows, block)
        if found is not None and (not tables or _parts(rows, spans[-1], tables[-1], block, found)):
            spans.append(block)
            tables.append(found)
        elif spans:
            spans[-1] = range(spans[-1].start, block.stop)
        else:
            return [whole]
    return spans if len(spans) > 1 else [whole]


def _blocks(rows: Sequence[Row], width: int) -> list[range]:
    """Runs of columns that hold something."""
    used = [any(column < len(row) and row[column].strip() for row in rows) for column in range(width)]
    blocks: list[range] = []
    for column in range(width):
        if used[column] and column and used[column - 1] and blocks:
            blocks[-1] = range(blocks[-1].start, column + 1)
        elif used[column]:
            blocks.append(range(column, column + 1))
    return blocks


def _table(rows: Sequence[Row], span: range) -> Layout | None:
    """The table in these columns alone, when there clearly is one."""
    if len(span) < 2:
        return None
    found = find_tables([row[span.start : span.stop] for row in rows], most=1)
    if not found or not found[0].header or len(found[0].body) < _FEWEST_ROWS or found[0].confidence < 0.7:
        return None
    return found[0]


def _parts(rows: Sequence[Row], left_span: range, left: Layout, right_span: range, right: Layout) -> bool:
    """Whether the right block is a table of its own beside the left one."""
    if not (_has_key(rows, left_span, left) and _has_key(rows, right_span, right)):
        return False
    again = {name.lower() for name in right.names} <= {name.lower().split(".")[0] for name in left.names}
    return again or left.header != right.header or left.body[-1] != right.body[-1]


def _has_key(rows: Sequence[Row], span: range, table: Layout) -> bool:
    """Whether the block's first column names its rows: words or dates in most of them."""
    cells = (rows[place][span.start] if span.start < len(rows[place]) else "" for place in table.body[:200])
    looks = Counter(look(cell) for cell in cells)
    return looks[Look.TEXT] + looks[Look.DATE] >= 0.7 * looks.total()
