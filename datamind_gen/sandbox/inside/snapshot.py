"""The files of a session's directory as they were before a turn, so that a failed turn leaves none behind.

Copies what changed since the last turn into a directory beside it, and back. Bounded: a directory that
grew over `limit_mb` is left as it is, files being then the one thing that rolling back does not undo.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from datamind_gen.sandbox.inside.removal import remove_tree

_Stamp = tuple[int, int, int, int]


@dataclass(slots=True)
class Snapshot:
    work: Path
    shadow: Path
    limit_mb: int = 64
    _stamps: dict[str, _Stamp] = field(default_factory=dict)
    _covered: bool = False

    def take(self) -> None:
        """Brings the shadow up to date with the directory."""
        self._covered = False
        try:
            stamps, total = _survey(self.work)
            if total > self.limit_mb * 1024 * 1024:
                return
            if stamps != self._stamps:
                _mirror(self.work, self.shadow, stamps, self._stamps)
                self._stamps = stamps
        except OSError:  # the code removed its directory, or buried files too deep to name
            return
        self._covered = True

    def restore(self) -> None:
        """Puts the directory back as it was when last taken."""
        if not self._covered:
            return
        try:
            now = self._survey_or_clear()
            if now != self._stamps:
                _mirror(self.shadow, self.work, self._stamps, now)
                self._stamps, _ = _survey(self.work)
        except OSError:
            self._covered = False

    def _survey_or_clear(self) -> dict[str, _Stamp]:
        try:
            return _survey(self.work)[0]
        except OSError:  # buried too deep to look at: start from nothing
            for name in os.listdir(self.work):
                _remove(self.work / name)
            return {}


def _survey(root: Path) -> tuple[dict[str, _Stamp], int]:
    stamps: dict[str, _Stamp] = {}
    total = 0
    pending = [""]
    while pending:
        folder = pending.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                status = entry.stat(follow_symlinks=False)
                total += status.st_size
                if entry.is_dir(follow_symlinks=False):
                    stamps[name] = (status.st_mode, 0, 0, 0)
                    pending.append(name)
                else:
                    stamps[name] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
    return stamps, total


def _mirror(source: Path, target: Path, wanted: dict[str, _Stamp], present: dict[str, _Stamp]) -> None:
    for name in sorted(present.keys() - wanted.keys(), reverse=True):
        _remove(target / name)
    for name in sorted(wanted):
        if present.get(name) == wanted[name]:
            continue
        origin, place = source / name, target / name
        if origin.is_dir() and not origin.is_symlink():
            place.mkdir(exist_ok=True)
        elif origin.is_symlink() or origin.is_file():
            _remove(place)
            shutil.copyfile(origin, place, follow_symlinks=False)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        remove_tree(place)
    else:
        place.unlink(missing_ok=True)
