"""The data files of a dataset: a unique, safe place for each under train_files/, and the copying.

The last part of a file's place is the name that code sees under data/files/. A folder taken as one source
stays one: `train_files/shop/orders.csv`. Two different files (or folders) of one name lie in folders named
after their content: `train_files/3f2a91c0/sales.csv`. A name that a repository or another system could not
hold is respelt; the lineage keeps the original.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from datamind_gen.publish.finished import PublishError
from datamind_gen.rows import DataFile, FileFormat, FilePart, hash_text

FOLDER = "train_files"
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_LONGEST = 120
"""Bytes of a name: some file systems and archives take no more than 255 for a whole path part."""


@dataclass(frozen=True, slots=True)
class TrainFile:
    """A published data file."""

    name: str
    """What code sees under data/files/."""
    place: str
    """Relative to train_files/."""
    part: FilePart
    source: str
    license: str

    @property
    def path(self) -> str:
        """Relative to the dataset's folder."""
        return f"{FOLDER}/{self.place}"


def place_files(files: Iterable[DataFile]) -> dict[str, tuple[TrainFile, ...]]:
    """File id -> its parts' places. Depends on the set of files alone, not on their order."""
    files = sorted(files, key=lambda file: file.id)
    contents: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        for part in file.parts:
            top, content = _top(file, part)
            contents[top.casefold()].add(content)
    placed: dict[str, tuple[TrainFile, ...]] = {}
    for file in files:
        placed[file.id] = tuple(
            TrainFile(
                name=part.name,
                place=_place(file, part, contents),
                part=part,
                source=file.source,
                license=file.license,
            )
            for part in file.parts
        )
    return placed


def copy_files(
    folder: Path,
    placed: Mapping[str, tuple[TrainFile, ...]],
    paths: Mapping[str, Mapping[str, Path]],
) -> None:
    """Copies each file into folder/train_files. Raises PublishError when one is gone or has changed."""
    (folder / FOLDER).mkdir()
    for file_id, files in sorted(placed.items()):
        for file in files:
            target = folder / file.path
            if target.exists():
                continue
            source = paths[file_id][file.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(source, target)
            except FileNotFoundError as error:
                raise PublishError(
                    f"{source}: the file is gone, but published rows need it; put it back and run again"
                ) from error
            with target.open("rb") as copied:
                digest = hashlib.file_digest(copied, "sha256").hexdigest()
            if digest != file.part.sha256:
                raise PublishError(
                    f"{source}: the file has changed since the run read it; run again, which redoes its rows"
                )


def _top(file: DataFile, part: FilePart) -> tuple[str, str]:
    """What lies in train_files/ for a part, the part or its folder, and a hash of what that holds."""
    if file.format is FileFormat.FOLDER:
        return _safe(file.name), hash_text(file.id)
    return _safe(part.name), part.sha256


def _place(file: DataFile, part: FilePart, contents: Mapping[str, set[str]]) -> str:
    top, content = _top(file, part)
    place = PurePosixPath() if len(contents[top.casefold()]) == 1 else PurePosixPath(content[:8])
    return str(place / top / _safe(part.name) if file.format is FileFormat.FOLDER else place / top)


def _safe(name: str) -> str:
    safe = _UNSAFE.sub("_", name).strip(" .") or "file"
    safe = safe.encode("utf-8", "replace").decode("utf-8")
    if len(safe.encode("utf-8")) > _LONGEST:
        stem, suffix = PurePosixPath(safe).stem, PurePosixPath(safe).suffix[:16]
        room = _LONGEST - len(suffix.encode("utf-8"))
        safe = stem.encode("utf-8")[:room].decode("utf-8", "ignore") + suffix
    return safe
