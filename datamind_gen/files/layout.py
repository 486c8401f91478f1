"""Where the table lies in a grid of cells: preamble, header rows, body, footer, and further tables.

Works on text cells, so delimited files and sheets share it. The body's columns tell what a row of the
table looks like (which columns hold numbers or dates); what stands above and does not look like it is
header or preamble, what stands below is footer or another table. Rows inside the body are kept as they
are (an empty one too, unless they are many): only repeats of the header are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from datamind_gen.files.cells import Look, look
from datamind_gen.files.grid import Grid, Row, is_page_banner, is_same, is_sentence
from datamind_gen.files.header import column_names, find_header, first_body_row

_NOTE_STARTS = (
    "note", "source", "*", "†", "‡", "(1", "1)", "(a)", "[1", "©", "last updated", "updated", "n.b", "nb:",
    "nb ", "data ",
    "for further", "for more", "http", "www.", "this ", "these ", "the ", "all ", "figures", "quelle",
    "fuente",
    "fonte", "bron", "anmerkung", "hinweis", "remarque", "nota", "contact", "copyright", "licen",
    "disclaimer",
    "footnote", "end of", "--", "==", "__", "legend", "key:", "download", "generated", "report", "printed",
    "row count",
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
    grid = Grid(rows)
    if not grid.used:
        return None, len(rows)
    first = first_body_row(grid)
    header, first, evidence, confidence = find_header(grid, first)
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
        elif is_page_banner(rows[place]) or (
            top is not None and (is_same(grid.rows[place], top) or _repeats(grid, place, header))
        ):
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
        header=tuple(header), body=tuple(body), width=width, start=start, end=end,
        names=column_names(grid, header, width),
        preamble=preamble, footer=footer, repeated_headers=repeated, blank_rows=blank, ragged=ragged,
        confidence=max(0.05, confidence), evidence=tuple(evidence), doubts=tuple(doubts),
    )  # fmt: skip
    return layout, following


# --- where the table ends -------------------------------------------------------------------------


def _find_end(grid: Grid, header: list[int], first: int) -> tuple[int, int]:
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
    inner = len(places)
    while inner and grid.filled[places[inner - 1]] == 1:
        inner -= 1  # what ends the table says nothing of how sparse it is
    lone = sum(1 for place in places[:inner] if grid.filled[place] == 1)
    sparse = lone > max(3, 0.02 * len(places))
    while len(places) > 1 and _is_note(grid, places[-1], sparse=sparse, before=places[-2]):
        places.pop()
    return (places[-1] + 1 if places else end), following


def _segments(grid: Grid, first: int) -> list[list[int]]:
    """Runs of rows that hold something, cut at empty rows."""
    segments: list[list[int]] = [[]]
    for place in range(first, len(grid.rows)):
        if grid.filled[place]:
            segments[-1].append(place)
        elif segments[-1]:
            segments.append([])
    return [segment for segment in segments if segment]


def _continues(grid: Grid, segment: list[int]) -> bool:
    """Whether the rows after a gap are rows of the same table."""
    sample = segment[:50]
    if grid.typical >= 3 and not grid.strict:
        return sum(grid.filled[place] >= 0.5 * grid.typical for place in sample) >= 0.5 * len(sample)
    if grid.typical <= 2 and not grid.strict:
        return not any(_reads_as_note(grid.rows[place]) for place in sample[:2])
    fits = sum(map(grid.is_body, sample)) >= 0.5 * len(sample)
    return fits and any(grid.has_value(place) for place in sample)


def _starts_another(grid: Grid, header: list[int], segment: list[int]) -> bool:
    """Whether the rows after a gap begin with a header of their own."""
    if not header or len(segment) < 4 or is_same(grid.rows[segment[0]], grid.rows[header[-1]]):
        return False
    head, rest = segment[0], segment[1:6]
    if grid.filled[head] == 1 and len(segment) > 4:
        head, rest = segment[1], segment[2:7]
    if (
        grid.filled[head] < 2
        or is_same(grid.rows[head], grid.rows[header[-1]])
        or _repeats(grid, head, header)
    ):
        return False
    words = all(look(cell) in (Look.TEXT, Look.EMPTY) for cell in grid.rows[head])
    numbers = sum(any(look(cell) is Look.NUMBER for cell in grid.rows[place]) for place in rest)
    another = not grid.strict or grid.contradicts(head) or grid.filled[head] < 0.6 * grid.typical
    return words and another and numbers >= 0.8 * len(rest)


def _is_note(grid: Grid, place: int, *, sparse: bool, before: int) -> bool:
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
        cut = is_sentence(grid.rows[place]) and not is_sentence(grid.rows[before])
        return (
            (noted or after_gap or cut) and count <= 0.7 * grid.typical and (grid.contradicts(place) or cut)
        )
    if grid.contradicts(place) or after_gap or noted:
        return True
    if count == 1:
        return not sparse or len(cells[0][1]) > 60
    return False


def _reads_as_note(row: Row) -> bool:
    text = next((cell.strip() for cell in row if cell.strip()), "").lower()
    return text.startswith(_NOTE_STARTS) or len(text) > 100


def _repeats(grid: Grid, place: int, header: list[int]) -> bool:
    """Whether a row inside the data repeats words of a header of several rows."""
    if len(header) < 2 or not grid.contradicts(place):
        return False
    known = {" ".join(cell.lower().split()) for row in header for cell in grid.rows[row]}
    told = [" ".join(cell.lower().split()) for cell in grid.rows[place] if cell.strip()]
    return len(told) >= 2 and all(cell in known for cell in told)
