"""Opens workbooks and gives their sheets' typed cells: by calamine, or by pandas where that fails."""

from __future__ import annotations

import datetime
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import python_calamine as calamine
import xlrd
from pandas.errors import ParserError
from xlrd.compdoc import CompDocError

from datamind_gen.files.errors import FileError
from datamind_gen.rows import Issue, Reason

Cell = (
    str | float | int | bool | datetime.datetime | datetime.date | datetime.time | datetime.timedelta | None
)
_MOST_CELLS = 30_000_000
_MOST_UNPACKED = 2 << 30
_DECRYPT = "save it without its password (File, Info, Protect Workbook), and name the copy"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""The stream that holds an encrypted XLSX, whatever the file is called."""
READER_ERRORS = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError, EOFError, AssertionError,
    RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error, struct.error, xlrd.XLRDError, CompDocError,
    ParserError,
)  # fmt: skip
"""What pandas' engines throw at a workbook that they cannot read."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A sheet's used range and its place in the sheet."""

    top: int
    left: int
    rows: list[list[Cell]]


class Books:
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


def find_sheets(
    path: Path, part: str, books: Books, issues: list[Issue]
) -> Iterator[tuple[int, str, Callable[[], Cells]]]:
    """The visible worksheets: number, name, and what reads their cells."""
    try:
        book = calamine.load_workbook(str(path))
    except calamine.PasswordError as error:
        raise FileError(Reason.ENCRYPTED, f"{part} is encrypted: {_DECRYPT}") from error
    except calamine.CalamineError as error:
        told = str(error).lower()
        if "password" in told or "encrypt" in told or _ENCRYPTED_PACKAGE in path.read_bytes():
            raise FileError(Reason.ENCRYPTED, f"{part} is encrypted: {_DECRYPT}") from error
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
    part: str, books: Books, error: Exception
) -> Iterator[tuple[int, str, Callable[[], Cells]]]:
    """The sheets by pandas' own engine, where calamine cannot open the file."""
    refusal = FileError(Reason.CORRUPT, f"{part} cannot be opened as a workbook: {error}")
    try:
        book = books.open("")
    except READER_ERRORS as other:
        raise refusal from other

    def read(name: str) -> Cells:
        try:
            frame = pd.read_excel(book, sheet_name=name, header=None, dtype=object, keep_default_na=False)
        except READER_ERRORS as other:
            raise refusal from other
        return Cells(
            0, 0, [["" if value is None else value for value in row] for row in frame.to_numpy().tolist()]
        )

    for number, name in enumerate(book.sheet_names):
        yield number, str(name), partial(read, str(name))


def refuse_bomb(path: Path, part: str) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > _MOST_UNPACKED or unpacked > 500 * max(path.stat().st_size, 1 << 16):
        raise FileError(
            Reason.READER_LIMIT, f"{part} unpacks to {unpacked:,} bytes: a zip bomb or too large to read"
        )


def _cells(book: calamine.CalamineWorkbook, name: str, part: str) -> Cells:
    """The typed cells of a sheet's used range. Raises FileError."""
    try:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None or sheet.end is None:
            return Cells(0, 0, [])
        (top, left), (bottom, right) = sheet.start, sheet.end
        if (bottom - top + 1) * (right - left + 1) > _MOST_CELLS:
            size = f"{bottom - top + 1:,} x {right - left + 1:,}"
            raise FileError(Reason.READER_LIMIT, f"{part}: the sheet {name} claims {size} cells")
        rows: list[list[Cell]] = [list(row) for row in sheet.to_python(skip_empty_area=True)]
    except calamine.CalamineError as error:
        raise FileError(Reason.CORRUPT, f"{part}: the sheet {name} cannot be read: {error}") from error
    return Cells(top, left, rows)


def cell_text(cell: Cell) -> str:
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
