"""Finds what sources name: each file, or folder taken as one, with its hash, format and licence.

Nothing is parsed here but a file's first bytes. A file that cannot even be identified still becomes a
FoundFile (reading it gives the reason), so that it is counted and never silently skipped.
"""

from __future__ import annotations

import glob as globbing
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.files.errors import FileError
from datamind_gen.files.formats import DATA_SUFFIXES, identify
from datamind_gen.files.licenses import find_license
from datamind_gen.rows import DataFile, FileFormat, FilePart, Reason, make_id
from datamind_gen.spec.sources import SourceSpec

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A data file and where its parts lie on this machine, in the order of `file.parts`."""

    file: DataFile
    paths: tuple[Path, ...]


def find_sources(sources: Sequence[SourceSpec], base: Path, work: Path) -> list[FoundFile]:
    """All files that the sources name, in the sources' order, each once.

    Relative paths start at `base`; bundled tables are built under `work`. Raises FileError
    (UNREADABLE) when a source names nothing, with the place where it looked.
    """
    found: list[FoundFile] = []
    seen: set[tuple[str, ...]] = set()
    for source in sources:
        for item in _find(source, base, work):
            key = tuple(part.sha256 for part in item.file.parts)
            if key not in seen:
                seen.add(key)
                found.append(item)
    return found


def find_file(path: Path, *, license: str | None = None, source: str | None = None) -> FoundFile:
    """One file by its path. Raises FileError(UNREADABLE) when it is not there."""
    return _found([path], name=path.name, source=source or path.name, license=license or find_license(path))


def _find(source: SourceSpec, base: Path, work: Path) -> Iterator[FoundFile]:
    if source.bundled:
        from datamind_gen.files.bundled import bundled_files

        for path, license in bundled_files(source.bundled, work):
            yield find_file(path, license=source.license or license, source=source.label)
        return
    if source.folder:
        folder = base / source.folder
        if not folder.is_dir():
            raise FileError(
                Reason.UNREADABLE, f"the source folder {source.folder} is not there (looked in {base})"
            )
        paths = data_files(folder)
        if source.as_one:
            yield _folder(source, folder, paths)
            return
    elif source.glob:
        names = globbing.glob(source.glob, root_dir=base, recursive=True)
        paths = [path for path in sorted(base / name for name in names) if path.is_file()]
    else:
        paths = [base / (source.path or "")]
        if paths[0].is_dir():
            raise FileError(
                Reason.UNREADABLE, f"{source.path} is a folder: name it as `folder:`, not `path:`"
            )
    if not paths:
        raise FileError(Reason.UNREADABLE, f"the source {source.label} names no file (looked in {base})")
    for path in paths:
        yield find_file(path, license=source.license, source=source.label)


def data_files(folder: Path) -> list[Path]:
    """The files under a folder whose names say that they hold data, sorted."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_data(path)]


def _is_data(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".zip"):
        suffixes.pop()
    hidden = path.name.startswith((".", "~$"))
    described = path.name.lower() in (
        "requirements.txt",
        "license.txt",
        "readme.txt",
        "manifest.tsv",
        "datapackage.json",
    )
    return bool(suffixes) and suffixes[-1] in DATA_SUFFIXES and not hidden and not described


def _folder(source: SourceSpec, folder: Path, paths: list[Path]) -> FoundFile:
    if not paths:
        raise FileError(Reason.EMPTY, f"the source folder {source.folder} holds no data file")
    license = source.license or find_license(paths[0])
    return _found(paths, name=folder.resolve().name, source=source.label, license=license, folder=folder)


def _found(
    paths: Sequence[Path], *, name: str, source: str, license: str, folder: Path | None = None
) -> FoundFile:
    parts = tuple(_part(path, folder) for path in paths)
    kind = FileFormat.FOLDER if folder is not None else _format(paths[0])
    identity = [text for part in parts for text in (part.name, part.sha256)]
    file = DataFile(
        id=make_id("file", name, *identity),
        name=name,
        source=source,
        format=kind,
        parts=parts,
        license=license,
    )
    return FoundFile(file, tuple(path.resolve() for path in paths))


def _part(path: Path, folder: Path | None) -> FilePart:
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise FileError(Reason.UNREADABLE, f"{path}: {error.strerror or error}") from error
    name = path.name if folder is None else "__".join(path.relative_to(folder).parts)
    return FilePart(name=name, sha256=digest.hexdigest(), size=size)


def _format(path: Path) -> FileFormat:
    """The format by content; by name where the content tells nothing (reading will say why)."""
    try:
        return identify(path).format
    except FileError:
        suffixes = {suffix.lower().removeprefix(".") for suffix in path.suffixes}
        by_name = {item.value: item for item in FileFormat}
        return next((by_name[suffix] for suffix in sorted(suffixes) if suffix in by_name), FileFormat.CSV)
