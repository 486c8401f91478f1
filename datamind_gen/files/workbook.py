"""Reads workbooks (XLSX, XLS, ODS): calamine gives the typed cells, the layout says where the tables are.

The pandas code is proven by running it, with pandas' own engine for small files and calamine (which the
code then names) for large ones or where the other engine fails. Hidden sheets, charts and sheets of
notes are left out with an issue.
"""

from __future__ import annotations

import datetime
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import python_calamine as calamine
import xlrd
from pandas.errors import ParserError

from datamind_gen.files.code import TextColumn, differing, lines_for, literal, null_options, run_code
from datamind_gen.files.columns import Hint
from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.layout import Layout, find_tables
from datamind_gen.files.notation import Notation, find_notation
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.rows import Decision, FileFormat, Issue, ReadPlan, Reason

_SMALL = 400_000
"""Bytes up to which pandas' own engine proves the code."""
_MOST_CELLS = 30_000_000
_MOST_UNPACKED = 2 << 30
_EMPTY = ("", None)
READER_ERRORS = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, OSError, AssertionError,
    zipfile.BadZipFile, SyntaxError, xlrd.XLRDError, ParserError,
)  # fmt: skip
"""What pandas' engines throw at a workbook that they cannot read."""

Cell = (
    str | float | int | bool | datetime.datetime | datetime.date | datetime.time | datetime.timedelta | None
)


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a workbook holds."""

    tables: tuple[Loaded, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class _Cells:
    """A sheet's used range and its place in the sheet."""

    top: int
    left: int
    rows: list[list[Cell]]


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
        _refuse_bomb(path, part)
    books = _Books(path)
    tables: list[Loaded] = []
    issues: list[Issue] = []
    sheets = list(_sheets(path, part, books, issues))
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


def _sheets(
    path: Path, part: str, books: _Books, issues: list[Issue]
) -> Iterator[tuple[int, str, Callable[[], _Cells]]]:
    """The visible worksheets: number, name, and what reads their cells."""
    try:
        book = calamine.load_workbook(str(path))
    except calamine.PasswordError as error:
        raise FileError(Reason.ENCRYPTED, f"{part} is protected by a password") from error
    except calamine.CalamineError as error:
        told = str(error).lower()
        if "password" in told or "encrypt" in told:
            raise FileError(Reason.ENCRYPTED, f"{part} is protected by a password") from error
        yield from _sheets_by_pandas(part, books, error)
        return
    for number, sheet in enumerate(book.sheets_metadata):
        if sheet.visible is not calamine.SheetVisibleEnum.Visible:
            issues.append(Issue("sheet_left_out", f"the sheet {sheet.name} is hidden"))
        elif sheet.typ is not calamine.SheetTypeEnum.WorkSheet:
            issues.append(
                Issue("sheet_left_out", f"the sheet {sheet.name} is no table but a {sheet.typ.name}")
            )
        else:
            yield number, sheet.name, partial(_cells, book, sheet.name, part)


def _sheets_by_pandas(
    part: str, books: _Books, error: Exception
) -> Iterator[tuple[int, str, Callable[[], _Cells]]]:
    """The sheets by pandas' own engine, where calamine cannot open the file."""
    refusal = FileError(Reason.CORRUPT, f"{part} cannot be opened as a workbook: {error}")
    try:
        book = books.open("")
    except READER_ERRORS as other:
        raise refusal from other

    def read(name: str) -> _Cells:
        try:
            frame = pd.read_excel(book, sheet_name=name, header=None, dtype=object, keep_default_na=False)
        except READER_ERRORS as other:
            raise refusal from other
        return _Cells(
            0, 0, [["" if value is None else value for value in row] for row in frame.to_numpy().tolist()]
        )

    for number, name in enumerate(book.sheet_names):
        yield number, str(name), partial(read, str(name))


def _refuse_bomb(path: Path, part: str) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > _MOST_UNPACKED or unpacked > 500 * max(path.stat().st_size, 1 << 16):
        raise FileError(
            Reason.READER_LIMIT, f"{part} unpacks to {unpacked:,} bytes: a zip bomb or too large to read"
        )


def _cells(book: calamine.CalamineWorkbook, name: str, part: str) -> _Cells:
    """The typed cells of a sheet's used range. Raises FileError."""
    try:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None or sheet.end is None:
            return _Cells(0, 0, [])
        (top, left), (bottom, right) = sheet.start, sheet.end
        if (bottom - top + 1) * (right - left + 1) > _MOST_CELLS:
            size = f"{bottom - top + 1:,} x {right - left + 1:,}"
            raise FileError(Reason.READER_LIMIT, f"{part}: the sheet {name} claims {size} cells")
        rows: list[list[Cell]] = [list(row) for row in sheet.to_python(skip_empty_area=True)]
    except calamine.CalamineError as error:
        raise FileError(Reason.CORRUPT, f"{part}: the sheet {name} cannot be read: {error}") from error
    return _Cells(top, left, rows)


def _tables(cells: _Cells, name: str, number: int, part: str, books: _Books) -> list[Loaded]:
    texts = [[_text(cell) for cell in row] for row in cells.rows]
    loaded = []
    for count, layout in enumerate(find_tables(texts)):
        block = _block(cells, texts, layout, name, number)
        if block is not None:
            loaded.append(_prove(block, name if count == 0 else f"{name}_{count + 1}", part, books))
    return loaded


def _block(cells: _Cells, texts: list[list[str]], layout: Layout, name: str, number: int) -> _Block | None:
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
    counts = Counter(_text(value) for value in values)
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


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


# --- the plan -------------------------------------------------------------------------------------


def _prove(block: _Block, name: str, part: str, books: _Books) -> Loaded:
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


def _variants(block: _Block, books: _Books, part: str) -> Iterator[tuple[str, str]]:
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


class _Books:
    """The workbook opened by pandas, once an engine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[str, pd.ExcelFile] = {}
        self.size = path.stat().st_size

    def open(self, engine: str) -> pd.ExcelFile:
        """The open workbook, by calamine or by pandas' default engine."""
        if engine not in self._open:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = pd.ExcelFile(self._path, engine="calamine" if engine else None)
            # read_excel refuses an engine beside an open file, and needs none.
            self._open[engine] = book
        return self._open[engine]


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
        value.replace(".", "", 1).isdigit() for value in column.values
    )


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
        Decision("header rows", header, "; ".join(layout.evidence[:1])),
        Decision("rows", str(len(layout.body)), "; ".join(layout.evidence[1:])),
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
            example = next((raw for raw in column.values if not raw.replace(".", "").isdigit() and raw), None)
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
