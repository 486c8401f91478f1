"""Files inside gzip and zip: unpacked to a scratch folder for reading, read in place by the plan's code."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from datamind_gen.files.errors import FileError
from datamind_gen.files.formats import UNREADABLE_ARCHIVE, Kind
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.rows import Decision, FileFormat, Reason

_MOST_UNPACKED = 8 << 30
_MOST_RATIO = 400
_CHUNK = 1 << 20


@contextlib.contextmanager
def unpacked(path: Path, kind: Kind, part: str) -> Iterator[Path]:
    """A plain file with the packed file's content. Raises FileError for bombs and damaged packs."""
    if not kind.packed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="unpacked-") as scratch:
        target = Path(scratch) / "data"
        try:
            with _source(path, kind) as source, target.open("wb") as out:
                _copy(source, out, kind.size or path.stat().st_size, part)
        except (*UNREADABLE_ARCHIVE, zlib.error, zipfile.BadZipFile) as error:
            raise FileError(Reason.CORRUPT, f"{part} is a damaged {kind.packed} file: {error}") from error
        yield target


def _source(path: Path, kind: Kind) -> IO[bytes]:
    if kind.packed == "gzip":
        return cast(IO[bytes], gzip.open(path))
    return zipfile.ZipFile(path).open(kind.member)


def _copy(source: IO[bytes], out: IO[bytes], packed: int, part: str) -> None:
    written = 0
    most = min(_MOST_UNPACKED, shutil.disk_usage(tempfile.gettempdir()).free // 2)
    packed = max(packed, 1 << 14)
    while chunk := source.read(_CHUNK):
        written += len(chunk)
        if written > most or (written > 64 << 20 and written > _MOST_RATIO * packed):
            raise FileError(
                Reason.READER_LIMIT, f"{part} unpacks to more than {written:,} bytes: a bomb or too large"
            )
        out.write(chunk)


def repacked(table: Loaded, kind: Kind, part: str) -> Loaded:
    """The table with a plan that reads the packed file as it lies."""
    if not kind.packed:
        return table
    place = repr(shown_path(part))
    code = table.plan.pandas
    reads_text = kind.format in (FileFormat.CSV, FileFormat.JSON, FileFormat.JSONL)
    if reads_text and kind.alone and "open(" not in code:
        option = f', compression="{kind.packed}"' if not part.lower().endswith((".gz", ".zip")) else ""
        code = code.replace(place, place + option)
    else:
        code = _unpacking(code, kind, place)
    decisions = (Decision("packed", kind.packed, kind.member or "by its first bytes"), *table.plan.decisions)
    plan = replace(table.plan, pandas=code, polars=None, duckdb=None, raw_works=False, decisions=decisions)
    return replace(table, plan=plan)


def _unpacking(code: str, kind: Kind, place: str) -> str:
    """The code, with the file unpacked beside it first."""
    target = "'unpacked." + kind.format.value + "'"
    opened = (
        f"gzip.open({place})" if kind.packed == "gzip" else f"zipfile.ZipFile({place}).open({kind.member!r})"
    )
    module = "gzip" if kind.packed == "gzip" else "zipfile"
    head = f'import {module}\nimport shutil\n\nwith {opened} as source, open({target}, "wb") as out:\n'
    return f"{head}    shutil.copyfileobj(source, out)\n\n" + code.replace(place, target)
