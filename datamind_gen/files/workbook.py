"""Reads workbooks (XLSX, XLS, ODS): calamine gives the typed cells, the layout says where the tables are.

The pandas code is proven by running it, with pandas' own engine for small files and calamine (which the
code then names) for large ones or where the other engine fails. Hidden sheets, charts and sheets of
notes are left out with an issue.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from datamind_gen.files.beside import find_spans
from datamind_gen.files.code import TextColumn, lines_for, literal, null_options, told_types
from datamind_gen.files.columns import Hint
from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.layout import Layout, find_tables
from datamind_gen.files.notation import Notation, find_notation
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.files.proof import differing, run_code
from datamind_gen.files.sheets import READER_ERRORS, Books, Cell, Cells, cell_text, find_sheets, refuse_bomb
from datamind_gen.rows import Decision, FileFormat, Issue, ReadPlan, Reason

_SMALL = 400_000
"""Bytes up to which pandas' own engine proves the code."""
_EMPTY = ("", None)


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a workbook holds."""

    tables: tuple[Loaded, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """One table of a sheet: where it lies, and its columns."""

    sheet: str
    place: int
    """The sheet's number, from 0."""
    layout: Layout
    top: int
    left: int
    """The grid's first row and column in the sheet."""
    columns: tuple[TextColumn, ...]
    first_column: int
    raw_names: tuple[Cell, ...]
    dropped: tuple[int, ...]
    trailing: bool
    height: int
    """Rows of the grid."""


def read_workbook(path: Path, part: str, kind: FileFormat) -> Workbook:
    """The tables of a workbook, in the sheets' order. Raises FileError."""
    if kind is not FileFormat.XLS:
        refuse_bomb(path, part)
    books = Books(path)
    tables: list[Loaded] = []
    issues: list[Issue] = []
    sheets = list(find_sheets(path, part, books, issues))
    for number, name, read in sheets:
        try:
            found = _tables(read(), name, number, part, books)
        except FileError as error:
            if error.reason is Reason.READER_LIMIT or len(sheets) == 1:
                raise
            issues.append(Issue("sheet_left_out", error.detail))
            continue
        tables += found
        if not found:
            issues.append(Issue("sheet_left_out", f"the sheet {name} holds no table"))
    wide = [table for table in tables if table.frame.width > 1]
    if wide and len(wide) < len(tables):
        for table in tables:
            if table.frame.width == 1:
                issues.append(Issue("sheet_left_out", f"{table.name} holds notes: a single column of text"))
        tables = wide
    if not tables:
        raise FileError(Reason.NO_TABLE, f"{part} has no sheet with a table in it")
    return Workbook(tuple(tables), tuple(issues))


def _tables(cells: Cells, name: str, number: int, part: str, books: Books) -> list[Loaded]:
    texts = [[cell_text(cell) for cell in row] for row in cells.rows]
    loaded: list[Loaded] = []
    for span in find_spans(texts):
        beside = Cells(
            cells.top, cells.left + span.start, [row[span.start : span.stop] for row in cells.rows]
        )
        words = [row[span.start : span.stop] for row in texts]
        for layout in find_tables(words):
            block = _block(beside, words, layout, name, number)
            if block is not None:
                title = f"{name}_{len(loaded) + 1}" if loaded else name
                loaded.append(_prove(block, title, part, books))
    return loaded


def _block(cells: Cells, texts: list[list[str]], layout: Layout, name: str, number: int) -> _Block | None:
    """The table without the empty columns at its sides; None when next to nothing is in it."""
    rows = (*layout.header, *layout.body)
    used = [
        c for c in range(layout.width) if any(c < len(texts[row]) and texts[row][c].strip() for row in rows)
    ]
    if not used or (not layout.body and len(used) < 2):
        return None
    span = range(used[0], used[-1] + 1)
    columns = []
    for column in span:
        values = [cells.rows[row][column] if column < len(cells.rows[row]) else "" for row in layout.body]
        columns.append((layout.names[column], values))
    raw = tuple(cells.rows[layout.header[-1]][column] for column in span) if len(layout.header) == 1 else ()
    inside = set(layout.body)
    first = layout.header[-1] + 1 if layout.header else (layout.body[0] if layout.body else layout.end)
    last = layout.body[-1] + 1 if layout.body else first
    return _Block(
        sheet=name, place=number, layout=layout, top=cells.top, left=cells.left,
        columns=tuple(_column(title, values, place) for place, (title, values) in enumerate(columns)),
        first_column=used[0], raw_names=raw,
        dropped=tuple(place for place in range(first, last) if place not in inside),
        trailing=last < len(texts), height=len(texts),
    )  # fmt: skip


def _column(title: str, values: Sequence[Cell], place: int) -> TextColumn:
    if title.startswith("Unnamed: "):
        title = f"Unnamed: {place}"
    counts = Counter(cell_text(value) for value in values)
    kinds = {type(value) for value in values if value not in _EMPTY}
    dates = kinds <= {datetime.datetime, datetime.date}
    if kinds and dates:
        return TextColumn(title, Notation("date"), counts)
    if kinds == {bool}:
        return TextColumn(title, Notation("boolean"), counts)
    if kinds and kinds <= {int, float}:
        whole = all(float(value).is_integer() for value in values if isinstance(value, int | float))
        return TextColumn(title, Notation("int" if whole else "float"), counts)
    notation = find_notation(counts)
    if kinds - {str} and (
        notation.kind in ("date", "boolean") or kinds & {datetime.datetime, datetime.date, bool}
    ):
        # Dates or truth values among words: text, as it stands.
        notation = Notation("string", mixed=(sum(counts.values()) - counts[""], "several types of cell"))
    return TextColumn(title, notation, counts)


# --- the plan -------------------------------------------------------------------------------------


def _prove(block: _Block, name: str, part: str, books: Books) -> Loaded:
    failures: list[str] = []
    for code, engine in _variants(block, books, part):
        try:
            frame = run_code(code, {}, opened={part: books.open(engine)})
        except READER_ERRORS as error:
            failures.append(f"{type(error).__name__}: {error}"[:120])
            continue
        wrong = differing(frame, block.columns, len(block.layout.body))
        if wrong is None:
            return _loaded(block, name, frame, code, part, failures)
        failures.append(wrong)
    reason = f"no reader loads what the sheet {block.sheet} holds ({failures[-1]})"
    raise FileError(Reason.LOW_CONFIDENCE, f"{part}: {reason}")


def _variants(block: _Block, books: Books, part: str) -> Iterator[tuple[str, str]]:
    """Code, the plainest first, each with the engine that proves it."""
    engines = ["", "calamine"] if books.size <= _SMALL else ["calamine"]
    named = len(block.layout.header) == 1 and all(
        isinstance(raw, str) and (raw == column.name or not raw.strip())
        for raw, column in zip(block.raw_names, block.columns, strict=True)
    )
    for engine in engines:
        for bounded in (False, True):
            if named:
                yield _code(block, part, engine, named=True, bounded=bounded), engine
            yield _code(block, part, engine, named=False, bounded=bounded), engine
        yield _code(block, part, engine, named=False, bounded=True, as_text=True), engine
        yield _picked(block, part, engine), engine


def _picked(block: _Block, part: str, engine: str) -> str:
    """The whole sheet as text, and the table's rows picked out of it: for what no option describes."""
    layout = block.layout
    options = [
        f"sheet_name={block.sheet!r}",
        "header=None",
        "dtype=str",
        *([f"engine={engine!r}"] if engine else []),
    ]
    rows = [block.top + place for place in layout.body]
    chosen = f"{rows[0]}:{rows[-1] + 1}" if rows and len(rows) == rows[-1] - rows[0] + 1 else repr(rows)
    first = block.left + block.first_column
    lines = [
        "import pandas as pd\n",
        f"sheet = pd.read_excel({', '.join([repr(shown_path(part)), *options])})",
        f"df = sheet.iloc[{chosen}, {first}:{first + len(block.columns)}].reset_index(drop=True)",
        f"df.columns = {[column.name for column in block.columns]!r}",
    ]
    nulls = sorted({token for column in block.columns for token in column.notation.nulls})
    if nulls:
        lines.append(f"df = df.mask(df.isin({nulls!r}))")
    return "\n".join(lines) + "\n" + lines_for([c for c in block.columns if c.notation.kind != "string"])


def _code(block: _Block, part: str, engine: str, *, named: bool, bounded: bool, as_text: bool = False) -> str:
    """One read_excel; `bounded` says which columns and how many rows even where that seems needless."""
    options = _options(block, named=named, bounded=bounded)
    if engine:
        options["engine"] = engine
    columns = block.columns
    options |= null_options(columns)
    texts = {c.name: str for c in columns if c.notation.code or c.notation.mixed or _is_text_among_numbers(c)}
    if as_text:
        options["dtype"] = str
    elif texts:
        options["dtype"] = texts
    written = [repr(shown_path(part)), *(f"{key}={literal(value)}" for key, value in options.items())]
    call = f"df = pd.read_excel({', '.join(written)})"
    if len(call) > 100:
        call = "df = pd.read_excel(\n" + "".join(f"    {item},\n" for item in written) + ")"
    code = f"import pandas as pd\n\n{call}\n"
    if as_text:
        return code + lines_for([column for column in columns if column.notation.kind != "string"])
    dated = [c for c in columns if c.notation.kind == "date" and c.notation.date_format]
    written_out = [c for c in columns if c.notation.kind in ("int", "float") and not _is_plain(c)]
    return code + lines_for(dated) + lines_for(written_out, mixed=True)


def _options(block: _Block, *, named: bool, bounded: bool) -> dict[str, object]:
    """Which cells of which sheet."""
    layout, options = block.layout, dict[str, object]()
    if block.place:
        options["sheet_name"] = block.sheet
    if named:
        before = block.top + layout.header[0]
    else:
        before = block.top + (layout.body[0] if layout.body else layout.end)
        options |= {"header": None, "names": [column.name for column in block.columns]}
    if block.dropped:
        # nrows would count the skipped rows too, so the rows behind the table are skipped as well.
        behind = range(layout.body[-1] + 1, block.height) if layout.body else ()
        skipped = (*block.dropped, *(place for place in behind if place not in block.dropped))
        options["skiprows"] = [*range(before), *(block.top + place for place in skipped)]
    elif before:
        options["skiprows"] = before
    if (bounded or block.trailing) and not block.dropped:
        options["nrows"] = len(layout.body)
    first = block.left + block.first_column
    if bounded or first:
        options["usecols"] = f"{_letters(first)}:{_letters(first + len(block.columns) - 1)}"
    return options


def _is_plain(column: TextColumn) -> bool:
    return column.notation.is_plain_number and not column.notation.strays


def _is_text_among_numbers(column: TextColumn) -> bool:
    """A column of words some of which are numbers: read as text, or its numbers turn 1 into 1.0."""
    return column.notation.kind == "string" and any(
        value.replace(".", "", 1).isdecimal() for value in column.values
    )


def _range(block: _Block) -> str:
    """The table's place on the sheet, as in `B3:F46`."""
    first = block.left + block.first_column
    rows = (*block.layout.header, *block.layout.body)
    top, bottom = block.top + rows[0] + 1, block.top + rows[-1] + 1
    return f"{_letters(first)}{top}:{_letters(first + len(block.columns) - 1)}{bottom}"


def _letters(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _loaded(
    block: _Block, name: str, frame: pd.DataFrame, code: str, part: str, failures: Sequence[str]
) -> Loaded:
    layout = block.layout
    header = ", ".join(str(block.top + place + 1) for place in layout.header) or "none"
    decisions = [
        Decision("sheet", block.sheet, f"sheet {block.place + 1} of the workbook"),
        Decision("used range", _range(block), "the cells of the header and the data"),
        Decision("header rows", header, "; ".join(layout.evidence[:1])),
        Decision("rows", str(len(layout.body)), "; ".join(layout.evidence[1:])),
        Decision("types", told_types(block.columns), "all values of each column together"),
        *(Decision("not plainer", "", failure) for failure in failures[:3]),
    ]
    plain = f"import pandas as pd\n\ndf = pd.read_excel({shown_path(part)!r})\n"
    hints = {column.name: Hint(unit=column.notation.unit) for column in block.columns if column.notation.unit}
    issues = [Issue("doubt", doubt) for doubt in layout.doubts]
    if layout.preamble:
        issues.append(Issue("preamble", "rows above the header are skipped", rows=layout.preamble))
    if layout.footer:
        issues.append(Issue("footer", "rows below the data are skipped", rows=layout.footer))
    if not layout.header:
        issues.append(Issue("no_header", "the sheet has no header: names are made up"))
    if layout.blank_rows:
        issues.append(Issue("blank_rows", "empty rows inside the data", rows=layout.blank_rows))
    for column in block.columns:
        if column.notation.kind in ("int", "float") and not column.notation.is_plain_number:
            example = next(
                (raw for raw in column.values if not raw.replace(".", "").isdecimal() and raw), None
            )
            issues.append(
                Issue("numbers_as_text", "numbers written for people", column.name, column.count, example)
            )
        if column.notation.mixed:
            issues.append(
                Issue("mixed_types", "cells of several types", column.name, column.notation.mixed[0])
            )
        if column.notation.nulls:
            tokens = " ".join(column.notation.nulls)
            issues.append(Issue("null_tokens", f"{tokens} stand for no value", column.name))
    plan = ReadPlan(part, tuple(decisions), code, raw_works=code == plain)
    return Loaded(
        name=name,
        plan=plan,
        frame=to_polars(frame),
        hints=hints,
        issues=tuple(issues),
        confidence=layout.confidence,
    )
