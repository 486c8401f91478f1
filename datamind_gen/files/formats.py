"""Tells what a file is by its content: magic bytes first, then text; the name only settles doubt."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.files.errors import FileError
from datamind_gen.rows import FileFormat, Reason

UNREADABLE_ARCHIVE = (OSError, EOFError, RuntimeError)
"""What gzip and zipfile raise of an archive that is cut, encrypted, or packed in a way they do not know."""

HEAD = 65_536
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TEXT_NAMES = {
    ".csv",
    ".tsv",
    ".tab",
    ".txt",
    ".dat",
    ".psv",
    ".data",
    ".asc",
    ".ssv",
    ".json",
    ".jsonl",
    ".ndjson",
}
DATA_SUFFIXES = frozenset(
    _TEXT_NAMES
    | {".xlsx", ".xlsm", ".xls", ".ods", ".sqlite", ".sqlite3", ".db", ".duckdb", ".parquet", ".pq"}
)
"""Names by which files are taken from a folder, plain or with .gz or .zip behind."""

_MOST_MEMBERS = 200
"""Data files that a zip may hold to be read as one source."""
_UNSUPPORTED_MAGIC = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\x7fELF": "a program",
    b"ARROW1": "an Arrow IPC file",
    b"ORC": "an ORC file",
    b"\x89HDF": "an HDF5 file",
    b"{\\rtf": "an RTF document",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A file's format, and how it is packed: "", "gzip" or "zip"."""

    format: FileFormat
    packed: str = ""
    member: str = ""
    """The member of a zip that holds the data."""
    members: tuple[Kind, ...] = ()
    """Each data file of a zip that holds several: the format is FOLDER then."""
    size: int = 0
    """Bytes of the member inside the zip."""
    alone: bool = True
    """Whether the pack holds nothing beside the data."""


def identify(path: Path) -> Kind:
    """The format of a file. Raises FileError for what holds no data that we read."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise FileError(Reason.UNREADABLE, f"{path.name}: {error.strerror or error}") from error
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe\x1a"):
        raise FileError(Reason.EMPTY, f"{path.name} holds no data ({path.stat().st_size} bytes)")
    if head.startswith(b"\x1f\x8b"):
        return _inside_gzip(path)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _inside_zip(path)
    return Kind(identify_bytes(head, path.name))


def identify_bytes(head: bytes, name: str) -> FileFormat:
    """The format that the first bytes show. Raises FileError."""
    if head.startswith(b"PAR1"):
        return FileFormat.PARQUET
    if head.startswith(b"SQLite format 3\x00"):
        return FileFormat.SQLITE
    if head[8:12] == b"DUCK":
        return FileFormat.DUCKDB
    if head.startswith(_OLE) or head[:2] in (b"\x09\x08", b"\x09\x04", b"\x09\x02"):
        return FileFormat.XLS
    for magic, meaning in _UNSUPPORTED_MAGIC.items():
        if head.startswith(magic):
            raise FileError(Reason.UNSUPPORTED_FORMAT, f"{name} is {meaning}: no table can be read from it")
    return _identify_text(head, name)


def _identify_text(head: bytes, name: str) -> FileFormat:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    expected = {".parquet", ".pq", ".sqlite", ".sqlite3", ".duckdb", ".xlsx", ".ods"} & set(suffixes[-1:])
    if expected:
        raise FileError(Reason.CORRUPT, f"{name} is no {expected.pop()[1:]} file: its first bytes are wrong")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"["):
        lines = [line for line in text.split(b"\n") if line.strip()]
        first = lines[0].strip()
        several = len(lines) > 1 and lines[1].strip()[:1] == first[:1]
        if (
            first[:1] == b"{"
            and first[-1:] == b"}"
            and (several or (len(lines) == 1 and ".jsonl" in suffixes))
        ):
            return FileFormat.JSONL
        if ".json" in suffixes or first[:1] == b"{" or b'"' in first or text[1:2] in (b"\r", b"\n", b"{"):
            return FileFormat.JSON
    markup = text[:300].lower()
    if markup.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")) or b"<html" in markup:
        raise FileError(Reason.UNSUPPORTED_FORMAT, f"{name} is markup (HTML or XML), not a table of values")
    return FileFormat.CSV


def _inside_gzip(path: Path) -> Kind:
    try:
        with gzip.open(path) as file:
            head = file.read(HEAD)
    except (OSError, EOFError, ValueError) as error:
        raise FileError(Reason.CORRUPT, f"{path.name} is a damaged gzip file: {error}") from error
    if not head.strip():
        raise FileError(Reason.EMPTY, f"{path.name} is a gzip file that holds nothing")
    if head.startswith((b"\x1f\x8b", b"PK\x03\x04")) and not head.startswith(b"PK\x03\x04"):
        raise FileError(Reason.UNSUPPORTED_FORMAT, f"{path.name} is packed twice: unpack it once")
    if head.startswith(b"PK\x03\x04"):
        return Kind(FileFormat.ODS if b"opendocument.spreadsheet" in head[:200] else FileFormat.XLSX, "gzip")
    return Kind(identify_bytes(head, path.name.removesuffix(".gz")), "gzip")


def _inside_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
                return Kind(FileFormat.XLSX)
            if "content.xml" in names and "mimetype" in names:
                kind = archive.read("mimetype")[:80]
                if b"spreadsheet" in kind:
                    return Kind(FileFormat.ODS)
                raise FileError(
                    Reason.UNSUPPORTED_FORMAT, f"{path.name} is an OpenDocument text, not a spreadsheet"
                )
            if "[Content_Types].xml" in names:
                if path.suffix.lower() in (".xlsx", ".xlsm") or any(name.startswith("xl/") for name in names):
                    return Kind(FileFormat.XLSX)
                raise FileError(
                    Reason.UNSUPPORTED_FORMAT, f"{path.name} is an Office document, not a workbook"
                )
            return _zip_member(path, archive)
    except zipfile.BadZipFile as error:
        raise FileError(Reason.CORRUPT, f"{path.name} is a damaged zip file: {error}") from error
    except (*UNREADABLE_ARCHIVE, ValueError) as error:
        raise FileError(Reason.CORRUPT, f"{path.name}: {error}") from error


def _zip_member(path: Path, archive: zipfile.ZipFile) -> Kind:
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and not info.filename.startswith("__MACOSX")
        and not Path(info.filename).name.startswith((".", "~$"))
        and Path(info.filename).suffix.lower() in DATA_SUFFIXES
    ]
    if not members:
        raise FileError(Reason.NO_TABLE, f"{path.name} is a zip without a data file in it")
    if len(members) > _MOST_MEMBERS:
        raise FileError(
            Reason.UNSUPPORTED_FORMAT,
            f"{path.name} is a zip of {len(members)} data files; {_MOST_MEMBERS} are read at most: "
            "unpack it and name the folder",
        )
    if len(members) > 1:
        return Kind(FileFormat.FOLDER, "zip", members=_kinds(archive, members, path.name))
    return _member_kind(archive, members[0], path.name)


def _kinds(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> tuple[Kind, ...]:
    """The kinds of the members that can be read. Raises the first FileError when none can."""
    kinds: list[Kind] = []
    refusals: list[FileError] = []
    for member in members:
        try:
            kinds.append(_member_kind(archive, member, name))
        except FileError as error:
            refusals.append(error)
    if not kinds:
        raise refusals[0]
    return tuple(kinds)


def _member_kind(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Kind:
    if member.flag_bits & 1:
        raise FileError(
            Reason.ENCRYPTED, f"{name}: {member.filename} is encrypted: unpack it with its password"
        )
    with archive.open(member) as file:
        head = file.read(HEAD)
    if not head.strip():
        raise FileError(Reason.EMPTY, f"{name}: {member.filename} holds nothing")
    if head.startswith(b"PK\x03\x04"):
        found = FileFormat.ODS if member.filename.lower().endswith(".ods") else FileFormat.XLSX
    else:
        found = identify_bytes(head, member.filename)
    alone = len(archive.namelist()) == 1
    return Kind(found, "zip", member.filename, size=member.compress_size, alone=alone)
