"""Where the table lies in a grid of cells: preamble, header rows, body, footer, and further tables.

Works on text cells, so delimited files and sheets share it. The body's columns tell what a row of the
table looks like (which columns hold numbers or dates); what stands above and does not look like it is
header or preamble, what stands below is footer or another table. Rows inside the body are kept as they
are (an empty one too, unless they are many): only repeats of the header are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from datamind_gen.files.cells import Look, look

Row = Sequence[str]
_MOST_HEADER_ROWS = 15
_PROFILE_ROWS = 300
_NOTE_STARTS = (
    "note", "source", "*", "†", "‡", "(1", "1)", "(a)", "[1", "©", "last updated", "updated", "n.b", "nb:", "nb ", "data ",
    "for further", "for more", "http", "www.", "this ", "these ", "the ", "all ", "figures", "quelle", "fuente",
    "fonte", "bron", "anmerkung", "hinweis", "remarque", "nota", "contact", "copyright", "licen", "disclaimer",
    "footnote", "end of", "--", "==", "__", "legend", "key:", "download", "generated", "report", "printed", "row count",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """One table's place in the grid. Row numbers count from the grid's first row."""

    header: tuple[int, ...]
    """The header's rows, top first; empty when the table has none."""
    body: tuple[int, ...]
    """The rows that hold data, in order."""
    width: int
    names: tuple[str, ...]
    start: int
    """The first row that belongs to the table."""
    end: int
    """One past the last row that belongs to it."""
    preamble: int = 0
    footer: int = 0
    repeated_headers: int = 0
    blank_rows: int = 0
    ragged: tuple[int, ...] = ()
    """Body rows wider or narrower than most."""
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass
class _Grid:
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
            place for place, count in enumerate(self.filled) if count and _is_ruler(self.rows[place])
        }
        for place in self.rulers:
            self.filled[place] = 0

    @cached_property
    def used(self) -> list[int]:
        return [place for place, count in enumerate(self.filled) if count]

    @cached_property
    def typical(self) -> int:
        """How many cells a row of the table fills: an upper middle, since notes are narrow."""
        counts = sorted(self.filled[place] for place in self.used)
        return counts[int(0.6 * (len(counts) - 1))] if counts else 0

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
        fills = sorted(self.fit(place)[0] for place in self.used[:: max(1, len(self.used) // 200)])
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

    def is_labelled(self, place: int) -> bool:
        """Whether the row begins with words where every row of the body has its date or number."""
        cell = self.cell(place, 0)
        return self.strict[:1] == [0] and look(cell) is Look.TEXT and cell not in self.usual[0]

    def contradicts(self, place: int) -> bool:
        """Whether the row has words where the body has numbers."""
        filled, _, wordy = self.fit(place)
        return filled > 0 and wordy >= 0.5 * filled


def _is_ruler(row: Row) -> bool:
    """Whether a row only draws a line: dashes under the names, as database shells print them."""
    if next((cell for cell in row if cell), "").lstrip()[:1] not in ("-", "=", "_", "+", "*"):
        return False
    told = [cell.strip() for cell in row if cell and not cell.isspace()]
    return len(told) > 1 and all(len(cell) >= 3 and not cell.strip("-=_+*") for cell in told)


def find_tables(rows: Sequence[Row], *, most: int = 8) -> list[Layout]:
    """The tables of a grid, the largest first; empty when nothing in it is a table."""
    found: list[Layout] = []
    offset = 0
    while offset < len(rows) and len(found) < most:
        layout, end = _find_one(rows[offset:])
        if layout is None:
            break
        found.append(_shifted(layout, offset))
        offset += end
    if not found:
        return []
    main = max(found, key=lambda one: len(one.body) * one.width)
    kept = [one for one in found if one is main or _substantial(one)]
    return sorted(kept, key=lambda one: -len(one.body) * one.width)


def _substantial(layout: Layout) -> bool:
    """Whether a second table is one, and not notes in two columns."""
    return len(layout.body) >= 3 and layout.width >= 2 and bool(layout.header) and layout.confidence >= 0.7


def _shifted(layout: Layout, by: int) -> Layout:
    if not by:
        return layout
    from dataclasses import replace

    return replace(
        layout,
        header=tuple(place + by for place in layout.header),
        body=tuple(place + by for place in layout.body),
        ragged=tuple(place + by for place in layout.ragged),
        start=layout.start + by,
        end=layout.end + by,
    )


def _find_one(rows: Sequence[Row]) -> tuple[Layout | None, int]:
    """The first table of the rows, and where what follows it begins."""
    grid = _Grid(rows)
    if not grid.used:
        return None, len(rows)
    first = _first_body_row(grid)
    header, first, evidence, confidence = _find_header(grid, first)
    end, following = _find_end(grid, header, first)
    top = grid.rows[header[-1]] if header else None
    body: list[int] = []
    repeated = blank = 0
    above = {tuple(rows[place]) for place in grid.used if place < (header[0] if header else first)}
    for place in range(first, end):
        if place in grid.rulers:
            continue
        if not grid.filled[place]:
            blank += 1
            if len(rows[place]) > 1:
                body.append(place)
        elif above and tuple(rows[place]) in above and grid.filled[place] < 0.5 * grid.typical:
            repeated += 1  # a page's title, come again
        elif top is not None and (_same(grid.rows[place], top) or _repeats(grid, place, header)):
            repeated += 1
        else:
            body.append(place)
    if blank > 0.3 * len(body):
        body = [place for place in body if grid.filled[place]]
    width = max([len(rows[place]) for place in (*header, *body)], default=0)
    start = header[0] if header else first
    preamble = sum(1 for place in grid.used if place < start)
    footer = sum(1 for place in grid.used if end <= place < following)
    common = Counter(len(rows[place]) for place in body).most_common(1)
    ragged = tuple(place for place in body if common and len(rows[place]) != common[0][0])
    doubts = []
    if ragged and len(ragged) > 0.02 * len(body):
        confidence -= min(0.3, len(ragged) / len(body))
        doubts.append(f"{len(ragged)} of {len(body)} rows have another number of cells than most")
    if width == 1:
        confidence -= 0.3
        doubts.append("a single column: the delimiter may be one we do not know")
    if preamble:
        evidence.append(f"{preamble} rows above the header fill few cells")
    if footer:
        evidence.append(f"{footer} rows below the data do not look like it")
    layout = Layout(
        header=tuple(header), body=tuple(body), width=width, names=_names(grid, header, width), start=start, end=end,
        preamble=preamble, footer=footer, repeated_headers=repeated, blank_rows=blank, ragged=ragged,
        confidence=max(0.05, confidence), evidence=tuple(evidence), doubts=tuple(doubts),
    )  # fmt: skip
    return layout, following


# --- the first row of data ------------------------------------------------------------------------


def _first_body_row(grid: _Grid) -> int:
    """The first row that looks like data, with most of the rows after it doing so as well."""
    for position, place in enumerate(grid.used):
        if not grid.is_body(place):
            continue
        after = grid.used[position + 1 : position + 6]
        if not after or sum(map(grid.is_body, after)) >= 0.5 * len(after):
            return place
    return grid.used[0]


def _find_header(grid: _Grid, first: int) -> tuple[list[int], int, list[str], float]:
    """The header's rows, the first row of data, why, and how sure."""
    if not grid.strict:
        return _header_of_words(grid, first)
    if _is_numbered(grid, first):
        header = [*_rows_above(grid, first), first]
        below = next((place for place in grid.used if place > first), first + 1)
        if _enumerates(grid, below):
            header.append(below)
            below = next((place for place in grid.used if place > below), below + 1)
        return header, below, ["the header counts years or numbers, unlike the columns below"], 0.9
    first = _climb(grid, first)
    block = _rows_above(grid, first)
    if not block:
        return [], first, ["the first row looks like all others: no header"], 0.8
    full = next((place for place in block if grid.filled[place] >= 0.9 * grid.typical), None)
    if full is not None:
        for place in [place for place in block if place > full]:
            heads = grid.contradicts(place) or grid.is_labelled(place) or _completes(grid, place, block)
            if not heads:
                first = place
                block = [one for one in block if one < place]
                break
    while block and (_enumerates(grid, first) or (full is not None and _is_second_header(grid, first))):
        block.append(first)
        first = next((place for place in grid.used if place > first), first + 1)
    sure = 0.98 if len(block) == 1 else 0.9
    numeric = sum(
        1 for column in grid.strict if look(grid.cell(block[-1], column)) in (Look.TEXT, Look.EMPTY)
    )
    evidence = [f"words over {numeric} columns of numbers or dates"]
    return block, first, evidence, sure


def _climb(grid: _Grid, first: int) -> int:
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
        named = any(
            cell.strip() and grid.cell(place, column).strip()
            for column, cell in enumerate(grid.rows[place + 1])
        )
        return place + 1 if named else first
    return first


def _enumerates(grid: _Grid, place: int) -> bool:
    """Whether a row under the header only counts the columns: (1), (2), (3)."""
    if place >= len(grid.rows):
        return False
    told = [cell.strip().strip("()[].") for cell in grid.rows[place] if cell.strip()]
    return len(told) >= 4 and told == [str(number) for number in range(1, len(told) + 1)]


def _completes(grid: _Grid, place: int, block: list[int]) -> bool:
    """Whether a row names just the columns that the header rows above it leave blank."""
    told = [column for column, cell in enumerate(grid.rows[place]) if cell.strip()]
    above = [row for row in block if row < place]
    return (
        bool(told)
        and len(told) <= 0.5 * grid.width
        and all(not grid.cell(row, column).strip() for row in above for column in told)
    )


def _is_second_header(grid: _Grid, place: int) -> bool:
    """Whether a row of words under the header (answers under questions) is part of it."""
    if place >= len(grid.rows) or grid.fit(place)[0]:
        return False
    rest = [one for one in grid.used if one > place]
    known = _repeating_values(grid, rest)
    told = [column for column in known if grid.cell(place, column).strip()]
    strange = [column for column in told if grid.cell(place, column).strip() not in known[column]]
    return len(told) >= 3 and len(strange) >= 0.8 * len(told)


def _rows_above(grid: _Grid, first: int) -> list[int]:
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


def _may_head(grid: _Grid, place: int, below: list[int]) -> bool:
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
        if count <= 2 and span <= 2 and grid.typical >= 4:
            return False
        if cells[0][1].endswith(":") or cells[0][1].startswith("#"):
            return False
        if _is_sentence(grid.rows[place]) and not _is_sentence(grid.rows[below[-1]]):
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


def _is_numbered(grid: _Grid, place: int) -> bool:
    """Whether a row that looks like data is a header of years (2001, 2002 …) or of running numbers."""
    values: list[int] = []
    for column in grid.strict:
        text = grid.cell(place, column).strip()
        if not text:
            continue
        if not text.isdigit():
            return False
        values.append(int(text))
    if not values:
        return False
    cycle = values[: len(set(values))]
    if cycle * (len(values) // len(cycle)) != values:
        return False
    steps = {after - before for before, after in pairwise(cycle)}
    rising = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    years = all(1700 <= value <= 2100 for value in values)
    counted = len(steps) == 1 and (len(values) >= 5 or (len(values) >= 4 and steps == {1}))
    if not rising or not (years or counted):
        return False
    if len(values) == 1 and (place != grid.used[0] or grid.filled[place] < 2):
        return False
    return not any(_like_years(grid, column, place) for column in grid.strict) if years else True


def _like_years(grid: _Grid, column: int, header: int) -> bool:
    below = [grid.cell(place, column).strip() for place in grid.used if place > header][:40]
    told = [text for text in below if text]
    return bool(told) and sum(text.isdigit() and 1700 <= int(text[:9]) <= 2100 for text in told) > 0.6 * len(
        told
    )


def _header_of_words(grid: _Grid, first: int) -> tuple[list[int], int, list[str], float]:
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


def _repeating_values(grid: _Grid, places: Sequence[int]) -> dict[int, set[str]]:
    """By column, the values that come back, for the columns whose values mostly do."""
    sample = places[:2000]
    known: dict[int, set[str]] = {}
    for column in range(grid.width):
        values = Counter(text for place in sample if (text := grid.cell(place, column).strip()))
        total = sum(values.values())
        if total >= 8 and len(values) <= 0.3 * total and len(values) <= 60:
            known[column] = {value for value, count in values.items() if count > 1}
    return known


# --- where the table ends -------------------------------------------------------------------------


def _find_end(grid: _Grid, header: list[int], first: int) -> tuple[int, int]:
    """One past the last row of the table, and where a further table may begin."""
    segments = _segments(grid, first)
    end = following = len(grid.rows)
    for position, segment in enumerate(segments):
        if position == 0:
            continue
        if _starts_another(grid, header, segment):
            end = following = segment[0]
            break
        if not _continues(grid, segment) and not any(
            _continues(grid, one) for one in segments[position + 1 :]
        ):
            end = following = segment[0]
            break
    places = [place for place in grid.used if first <= place < end]
    lone = sum(1 for place in places if grid.filled[place] == 1)
    sparse = lone > max(3, 0.02 * len(places))
    while len(places) > 1 and _is_note(grid, places[-1], sparse=sparse, before=places[-2]):
        places.pop()
    return (places[-1] + 1 if places else end), following


def _segments(grid: _Grid, first: int) -> list[list[int]]:
    """Runs of rows that hold something, cut at empty rows."""
    segments: list[list[int]] = [[]]
    for place in range(first, len(grid.rows)):
        if grid.filled[place]:
            segments[-1].append(place)
        elif segments[-1]:
            segments.append([])
    return [segment for segment in segments if segment]


def _continues(grid: _Grid, segment: list[int]) -> bool:
    """Whether the rows after a gap are rows of the same table."""
    sample = segment[:50]
    if grid.typical >= 3 and not grid.strict:
        return sum(grid.filled[place] >= 0.5 * grid.typical for place in sample) >= 0.5 * len(sample)
    if grid.typical <= 2 and not grid.strict:
        return not any(_reads_as_note(grid.rows[place]) for place in sample[:2])
    return sum(map(grid.is_body, sample)) >= 0.5 * len(sample)


def _starts_another(grid: _Grid, header: list[int], segment: list[int]) -> bool:
    """Whether the rows after a gap begin with a header of their own."""
    if not header or len(segment) < 4 or _same(grid.rows[segment[0]], grid.rows[header[-1]]):
        return False
    head, rest = segment[0], segment[1:6]
    if grid.filled[head] == 1 and len(segment) > 4:
        head, rest = segment[1], segment[2:7]
    if grid.filled[head] < 2 or _same(grid.rows[head], grid.rows[header[-1]]) or _repeats(grid, head, header):
        return False
    words = all(look(cell) in (Look.TEXT, Look.EMPTY) for cell in grid.rows[head])
    numbers = sum(any(look(cell) is Look.NUMBER for cell in grid.rows[place]) for place in rest)
    another = not grid.strict or grid.contradicts(head) or grid.filled[head] < 0.6 * grid.typical
    return words and another and numbers >= 0.8 * len(rest)


def _is_note(grid: _Grid, place: int, *, sparse: bool, before: int) -> bool:
    """Whether the last row is a note below the table."""
    count = grid.filled[place]
    if grid.strict and grid.is_body(place):
        return False
    cells = [(column, cell.strip()) for column, cell in enumerate(grid.rows[place]) if cell.strip()]
    after_gap = place - before > 1
    noted = _reads_as_note(grid.rows[place])
    if grid.typical <= 1:
        return after_gap and noted
    if grid.typical == 2:
        strange = noted or after_gap or len(cells[0][1]) > 60 or grid.contradicts(place)
        return count == 1 and (strange if not sparse else noted and after_gap)
    if count > max(2, 0.25 * grid.typical):
        cut = _is_sentence(grid.rows[place]) and not _is_sentence(grid.rows[before])
        return (
            (noted or after_gap or cut) and count <= 0.7 * grid.typical and (grid.contradicts(place) or cut)
        )
    if grid.contradicts(place) or after_gap or noted:
        return True
    if count == 1:
        return not sparse or len(cells[0][1]) > 60
    return False


def _is_sentence(row: Row) -> bool:
    """Whether a row is a sentence cut at its commas: its parts begin with blanks."""
    told = [cell for cell in row[1:] if cell.strip()]
    return bool(told) and sum(cell[0] == " " for cell in told) >= 0.6 * len(told)


def _reads_as_note(row: Row) -> bool:
    text = next((cell.strip() for cell in row if cell.strip()), "").lower()
    return text.startswith(_NOTE_STARTS) or len(text) > 100


def _repeats(grid: _Grid, place: int, header: list[int]) -> bool:
    """Whether a row inside the data repeats words of a header of several rows."""
    if len(header) < 2 or not grid.contradicts(place):
        return False
    known = {" ".join(cell.lower().split()) for row in header for cell in grid.rows[row]}
    told = [" ".join(cell.lower().split()) for cell in grid.rows[place] if cell.strip()]
    return len(told) >= 2 and all(cell in known for cell in told)


def _same(row: Row, other: Row) -> bool:
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


# --- names ----------------------------------------------------------------------------------------


def _names(grid: _Grid, header: list[int], width: int) -> tuple[str, ...]:
    """The columns' names: one row's cells, or several rows' joined, groups carried to the right."""
    if not header:
        return tuple(f"column_{place + 1}" for place in range(width))
    if len(header) == 1:
        cells = [grid.cell(header[0], column) for column in range(width)]
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


def _names_lack_the_first(grid: _Grid, header: int, width: int) -> bool:
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
