"""Which rows of a grid are the header, where the data begin, and what the columns are called.

The columns that hold numbers or dates tell: a row with words there is no data. Tables of words alone are
told by values that come back below, which a header's do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from datamind_gen.files.cells import Look, look
from datamind_gen.files.grid import Grid, is_page_banner, is_sentence

_MOST_HEADER_ROWS = 15
_TIME_WORDS = {
    "time", "year", "years", "period", "date", "quarter", "month", "jahr", "zeit", "année", "annee", "temps",
    "año", "ano", "periodo", "período", "anno", "perioden", "år", "rok", "tid",
}  # fmt: skip
"""What the corner of a cross table says of the names beside it, not of the column below."""


def first_body_row(grid: Grid) -> int:
    """The first row that looks like data, with most of the rows after it doing so as well."""
    for position, place in enumerate(grid.used):
        if not grid.is_body(place):
            continue
        after = grid.used[position + 1 : position + 6]
        if not after or sum(map(grid.is_body, after)) >= 0.5 * len(after):
            return place
    return grid.used[0]


def find_header(grid: Grid, first: int) -> tuple[list[int], int, list[str], float]:
    """The header's rows, the first row of data, why, and how sure."""
    if not grid.strict:
        return _header_of_words(grid, first)
    if _is_numbered(grid, first):
        header = [*_rows_above(grid, first), first]
        below = _next_used(grid, first)
        while _heads_on(grid, header, below):
            header.append(below)
            below = _next_used(grid, below)
        return header, below, ["the header counts years or numbers, unlike the columns below"], 0.9
    while _names_years(grid, first):
        first = _next_used(grid, first)
    first = _climb(grid, first)
    block = _rows_above(grid, first)
    if not block:
        return [], first, ["the first row looks like all others: no header"], 0.8
    full = next((place for place in block if grid.filled[place] >= 0.9 * grid.typical), None)
    if full is not None:
        under = [place for place in block if place > full]
        # One labelled row among numbers is data with an odd key (XX); several are a header's (Latitude …).
        labelled = sum(grid.is_labelled(place) and not grid.contradicts(place) for place in under) > 1
        for place in under:
            heads = grid.contradicts(place) or _completes(grid, place, block)
            heads = heads or (labelled and grid.is_labelled(place))
            heads = heads or (not grid.fit(place)[0] and _fills_blanks(grid, full, place))
            if not heads:
                first = place
                block = [one for one in block if one < place]
                break
    while block and (_enumerates(grid, first) or (full is not None and _is_second_header(grid, first))):
        block.append(first)
        first = _next_used(grid, first)
    sure = 0.98 if len(block) == 1 else 0.9
    numeric = sum(
        1 for column in grid.strict if look(grid.cell(block[-1], column)) in (Look.TEXT, Look.EMPTY)
    )
    evidence = [f"words over {numeric} columns of numbers or dates"]
    return block, first, evidence, sure


def _next_used(grid: Grid, place: int) -> int:
    return next((one for one in grid.used if one > place), place + 1)


def _heads_on(grid: Grid, header: list[int], place: int) -> bool:
    """Whether a header of years or numbers goes on in the next row: counted columns, units, a stub's name."""
    if place >= len(grid.rows) or len(header) >= _MOST_HEADER_ROWS:
        return False
    if _enumerates(grid, place):
        return True
    after = _next_used(grid, place)
    if after >= len(grid.rows) or not grid.is_body(after):
        return False
    corner = grid.cell(header[-1], 0).strip().lower()
    names_stub = corner in _TIME_WORDS and grid.filled[place] == 1 and bool(grid.cell(place, 0).strip())
    return names_stub or grid.contradicts(place)


def _names_years(grid: Grid, place: int) -> bool:
    """Whether a row names columns in words and in years (Census, Base, 2010, 2011) over a body of numbers."""
    after = _next_used(grid, place)
    if after >= len(grid.rows) or not grid.is_body(after) or grid.fit(after)[2]:
        return False
    told = [(column, text) for column in grid.strict if (text := grid.cell(place, column).strip())]
    words = [text for column, text in told if look(text) is Look.TEXT and text not in grid.usual[column]]
    years = [
        column
        for column, text in told
        if text.isdecimal() and 1700 <= int(text[:9]) <= 2100 and not _like_years(grid, column, place)
    ]
    return bool(words) and bool(years) and len(words) + len(years) == len(told)


def _climb(grid: Grid, first: int) -> int:
    """The first row of data, when thin rows above it (a section's number and title) are data too."""
    place = first - 1
    while place >= 0 and grid.filled[place]:
        filled, right, wordy = grid.fit(place)
        if not filled or right < filled or wordy or _is_numbered(grid, place):
            break
        first, place = place, place - 1
    # Rows without any number are data too where a header stands above them.
    while place >= 0 and grid.filled[place] and not grid.fit(place)[0]:
        place -= 1
    if 0 <= place < first - 1 and grid.contradicts(place) and grid.filled[place] >= 0.6 * grid.typical:
        if _fills_blanks(grid, place, place + 1) or _is_one_of_many(grid, place):
            return first
        named = any(
            cell.strip() and grid.cell(place, column).strip()
            for column, cell in enumerate(grid.rows[place + 1])
        )
        return place + 1 if named else first
    return first


def _fills_blanks(grid: Grid, header: int, place: int) -> bool:
    """Whether a row names what the header above leaves blank: one without a key, or names of keys."""
    told = [column for column, cell in enumerate(grid.rows[place]) if cell.strip()]
    blank = sum(not grid.cell(header, column).strip() for column in told)
    return (told[0] > 0 and blank > 0) or (blank > 1 and grid.is_body(_next_used(grid, place)))


def _is_one_of_many(grid: Grid, place: int) -> bool:
    """Whether a row is one of several lines of key and value, and so no header."""
    above = place - 1
    return grid.typical <= 2 and above >= 0 and grid.filled[above] == 2 and grid.contradicts(above)


def _enumerates(grid: Grid, place: int) -> bool:
    """Whether a row under the header only counts the columns: (1), (2), (3)."""
    if place >= len(grid.rows):
        return False
    told = [cell.strip().strip("()[].") for cell in grid.rows[place] if cell.strip()]
    return len(told) >= 4 and told == [str(number) for number in range(1, len(told) + 1)]


def _completes(grid: Grid, place: int, block: list[int]) -> bool:
    """Whether a row names just the columns that the header rows above it leave blank."""
    told = [column for column, cell in enumerate(grid.rows[place]) if cell.strip()]
    above = [row for row in block if row < place]
    return (
        bool(told)
        and len(told) <= 0.5 * grid.width
        and all(not grid.cell(row, column).strip() for row in above for column in told)
    )


def _is_second_header(grid: Grid, place: int) -> bool:
    """Whether a row of words under the header (answers under questions) is part of it."""
    if place >= len(grid.rows) or grid.fit(place)[0]:
        return False
    rest = [one for one in grid.used if one > place]
    known = _repeating_values(grid, rest)
    told = [column for column in known if grid.cell(place, column).strip()]
    strange = [column for column in told if grid.cell(place, column).strip() not in known[column]]
    return len(told) >= 3 and len(strange) >= 0.8 * len(told)


def _rows_above(grid: Grid, first: int) -> list[int]:
    """The header rows that end right above the first row of data (one empty row may lie between)."""
    place = first - 1
    skipped = 0
    while place >= 0 and not grid.filled[place] and skipped < 2:
        place, skipped = place - 1, skipped + 1
    needed = max(2.0, 0.5 * max(grid.typical, grid.filled[first]))
    if place < 0 or (skipped and grid.filled[place] < needed):
        return []
    block: list[int] = []
    while place >= 0 and grid.filled[place] and len(block) < _MOST_HEADER_ROWS:
        if not _may_head(grid, place, block):
            break
        block.insert(0, place)
        place -= 1
    return block


def _may_head(grid: Grid, place: int, below: list[int]) -> bool:
    """Whether a row can be part of the header that ends above the data."""
    count = grid.filled[place]
    cells = [(column, cell.strip()) for column, cell in enumerate(grid.rows[place]) if cell.strip()]
    span = cells[-1][0] + 1
    if grid.typical <= 1:
        return not below
    if count == 1:
        # A lone label over columns further right groups them; one at the left is a title.
        return bool(below) and cells[0][0] > 0 and len(cells[0][1]) < 80
    if below:
        if is_page_banner(grid.rows[place]):
            return False
        if count <= 2 and span <= 2 and grid.typical >= 4:
            return False
        if span > _body_width(grid, below[-1]):
            return False
        if cells[0][1].endswith(":"):
            return False
        if cells[0][1].startswith("#") and count != grid.filled[below[-1]]:
            return False
        if is_sentence(grid.rows[place]) and not is_sentence(grid.rows[below[-1]]):
            return False
        if count < 0.25 * grid.typical and max(len(cell) for _, cell in cells) > 60:
            return False
        head = max(grid.filled[one] for one in below)
        if head >= 0.9 * grid.typical and count <= 3 and span <= max(3, 0.34 * grid.typical):
            return False
        return all(len(cell) < 300 for _, cell in cells)
    if count >= max(2, 0.2 * grid.typical):
        return True
    return grid.contradicts(place) and place > 0 and grid.filled[place - 1] >= 0.5 * grid.typical


def _body_width(grid: Grid, above: int) -> int:
    """The most cells in a row from the lowest row of the header on: what is wider there is a sentence."""
    return max(len(grid.rows[place]) for place in grid.used if above <= place < above + 200)


def _is_numbered(grid: Grid, place: int) -> bool:
    """Whether a row that looks like data is a header of years (2001, 2002 …) or of running numbers."""
    values = _whole_numbers(grid, place)
    if not values:
        return False
    cycle = values[: len(set(values))]
    if cycle * (len(values) // len(cycle)) != values:
        return False
    steps = {after - before for before, after in pairwise(cycle)}
    rising = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    years = all(1700 <= value <= 2100 for value in values)
    counted = len(steps) == 1 and (len(values) >= 5 or (len(values) >= 4 and steps == {1}))
    below = _whole_numbers(grid, _next_used(grid, place))
    if counted and not years and {after - before for before, after in pairwise(below)} == steps:
        return False  # so does the next row: they are data
    if not rising or not (years or counted):
        return False
    if len(values) == 1 and (place != grid.used[0] or grid.filled[place] < 2):
        return False
    return not any(_like_years(grid, column, place) for column in grid.strict) if years else True


def _whole_numbers(grid: Grid, place: int) -> list[int]:
    """The row's numbers in the columns of numbers; none when anything else is among them."""
    if place >= len(grid.rows):
        return []
    told = [text for column in grid.strict if (text := grid.cell(place, column).strip())]
    return [int(text) for text in told] if all(text.isdecimal() for text in told) else []


def _like_years(grid: Grid, column: int, header: int) -> bool:
    below = [grid.cell(place, column).strip() for place in grid.used if place > header][:40]
    told = [text for text in below if text]
    return bool(told) and sum(
        text.isdecimal() and 1700 <= int(text[:9]) <= 2100 for text in told
    ) > 0.6 * len(told)


def _header_of_words(grid: Grid, first: int) -> tuple[list[int], int, list[str], float]:
    """The header of a table of words alone, where looks do not tell it from the data."""
    wide = [place for place in grid.used if grid.filled[place] >= max(1, 0.6 * grid.typical)]
    top = wide[0] if wide else first
    rest = [place for place in grid.used if place > top]
    if not rest:
        return [top], top + 1, ["one row alone: taken for the header"], 0.6
    known = _repeating_values(grid, rest[1:])
    seen = sum(1 for column, values in known.items() if grid.cell(top, column).strip() in values)
    if known and seen >= 0.5 * len(known) and seen >= 1:
        return [], top, [f"the first row holds values that repeat below in {seen} columns: no header"], 0.75
    header = [top]
    for place in rest[:3]:
        told = [column for column in known if grid.cell(place, column).strip()]
        strange = [column for column in told if grid.cell(place, column).strip() not in known[column]]
        blank_first = not grid.cell(place, 0).strip() and bool(grid.cell(rest[-1], 0).strip())
        if len(told) >= 2 and len(strange) >= 0.8 * len(told) and (blank_first or len(strange) >= 4):
            header.append(place)
            continue
        break
    start = next((place for place in rest if place not in header), top + 1)
    evidence = ["the first full row; no value of it repeats below" if known else "the first full row"]
    if len(header) > 1:
        evidence.append("the rows under it hold values that no column repeats")
    return header, start, evidence, 0.93 if known else 0.85


def _repeating_values(grid: Grid, places: Sequence[int]) -> dict[int, set[str]]:
    """By column, the values that come back, for the columns whose values mostly do."""
    sample = places[:2000]
    known: dict[int, set[str]] = {}
    for column in range(grid.width):
        values = Counter(text for place in sample if (text := grid.cell(place, column).strip()))
        total = sum(values.values())
        if total >= 8 and len(values) <= 0.3 * total and len(values) <= 60:
            known[column] = {value for value, count in values.items() if count > 1}
    return known


def column_names(grid: Grid, header: list[int], width: int) -> tuple[str, ...]:
    """The columns' names: one row's cells, or several rows' joined, groups carried to the right."""
    if not header:
        return tuple(f"column_{place + 1}" for place in range(width))
    if len(header) == 1:
        cells = [grid.cell(header[0], column) for column in range(width)]
        if cells[0] == "#" and len(grid.rows[header[0]]) == width + 1:
            cells = list(grid.rows[header[0]][1:])
        return unique_names(["", *cells[:-1]] if _names_lack_the_first(grid, header[0], width) else cells)
    main = max(header, key=lambda place: grid.filled[place])
    levels: list[list[str]] = []
    for place in header:
        cells = [" ".join(grid.cell(place, column).split()) for column in range(width)]
        told = {cell for cell in cells if cell}
        if _enumerates(grid, place):
            continue
        if place != main and len(told) == 1 and sum(map(bool, cells)) > 2:
            continue  # "Response" under every question says nothing
        levels.append(_carried(cells) if place < main else cells)
    names = []
    for column in range(width):
        parts = [level[column] for level in levels]
        names.append(" ".join(dict.fromkeys(part for part in parts if part)))
    return unique_names(names)


def _names_lack_the_first(grid: Grid, header: int, width: int) -> bool:
    """Whether the header has one name less than all rows have cells: R writes row names without one."""
    if len(grid.rows[header]) != width - 1 or width < 3:
        return False
    below = [place for place in grid.used if place > header][:200]
    return bool(below) and all(
        len(grid.rows[place]) == width and grid.cell(place, width - 1).strip() for place in below
    )


def _carried(cells: list[str]) -> list[str]:
    carried: list[str] = []
    last = ""
    for cell in cells:
        last = cell or last
        carried.append(last)
    return carried


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names as pandas makes them unique: `Unnamed: 3` for a blank one, `a.1` for a second `a`."""
    filled = [name if name.strip() else f"Unnamed: {place}" for place, name in enumerate(names)]
    taken = set(filled)
    seen: Counter[str] = Counter()
    unique = []
    for name in filled:
        count = seen[name]
        seen[name] += 1
        if count:
            while f"{name}.{count}" in taken:
                count += 1
            name = f"{name}.{count}"
            taken.add(name)
        unique.append(name)
    return tuple(unique)
