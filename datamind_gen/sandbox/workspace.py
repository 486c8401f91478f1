"""A session's directory on disk: its data files by name, its scratch space, and safe reading from it.

The code works in `work/`, where `data/files/NAME` is a link to the real file, which it may only read,
and `data/tmp/` is scratch. Everything else it writes lies in `work/` too; nothing of it is trusted, so
reading follows no link and leaves the directory by no name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from datamind_gen.sandbox.inside.removal import remove_tree


@dataclass(frozen=True, slots=True)
class Workspace:
    root: Path
    files: Mapping[str, Path]
    """Name under data/files/ to real path."""

    @property
    def work(self) -> Path:
        """The session's current directory."""
        return self.root / "work"

    @property
    def shadow(self) -> Path:
        """Where the session keeps its files' state from before a turn."""
        return self.root / "shadow"

    def lay_out(self) -> None:
        """Makes the directory as it is before the first turn. What was there is removed."""
        remove_tree(self.root)
        (self.work / "data" / "tmp").mkdir(parents=True)
        self.shadow.mkdir()
        folder = self.work / "data" / "files"
        folder.mkdir()
        for name, path in self.files.items():
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)

    def remove(self) -> None:
        """Removes it all."""
        remove_tree(self.root)

    def places(self) -> list[tuple[str, str]]:
        """Real paths that the code may come to see, with what stands for them in its text."""
        shown = [(str(path), f"data/files/{name}") for name, path in self.files.items()]
        shown.append((str(self.work), "."))
        return sorted(shown, key=lambda pair: (-len(pair[0]), pair))

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """The first `max_bytes` of a regular file that the code wrote; None if there is no such file.

        Raises ValueError for a name that leaves the directory.
        """
        parts = _relative_parts(name)
        directory = os.open(self.work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts[:-1]:
                inner = os.open(part, _OPEN | os.O_DIRECTORY, dir_fd=directory)
                os.close(directory)
                directory = inner
            descriptor = os.open(parts[-1], _OPEN | os.O_NONBLOCK, dir_fd=directory)
        except OSError:
            return None
        finally:
            os.close(directory)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(max_bytes)


_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def _relative_parts(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    parts = tuple(part for part in path.parts if part != ".")
    if path.is_absolute() or not parts or ".." in parts or "\0" in name:
        raise ValueError(f"sandbox: {name!r} is not a name inside the session's directory")
    return parts


def check_files(files: Mapping[str, Path]) -> dict[str, Path]:
    """The files with absolute real paths. Raises ValueError or FileNotFoundError naming the bad one."""
    checked = {}
    for name, path in files.items():
        parts = _relative_parts(name)
        real = Path(os.path.realpath(path))
        if not real.exists():
            raise FileNotFoundError(f"sandbox: data file {name!r} is not at {path}")
        checked["/".join(parts)] = real
    return checked
