"""Removes a directory that untrusted code filled: however deep, following no link, giving up on nothing else.

Each directory's children are moved up to the top before it goes, so that neither recursion nor a path's
length is a limit.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

_PASSES = 1_000_000


def remove_tree(root: Path) -> None:
    """Removes `root` and all in it; what cannot be removed stays. Nothing there is no error."""
    try:
        parent = os.open(root.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        top = _open(root.name, parent)
    except OSError:
        return
    finally:
        os.close(parent)
    try:
        _empty(top)
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        root.rmdir()


def _open(name: str, parent: int) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=parent)
    except PermissionError:  # made with no permissions at all
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{handle}", 0o700)
            return os.open(name, flags, dir_fd=parent)
        finally:
            os.close(handle)


def _empty(top: int) -> None:
    names = (f".moved-{number}" for number in itertools.count())
    for _ in range(_PASSES):
        with os.scandir(top) as entries:
            batch = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        removed = [_remove_entry(top, name, is_directory, names) for name, is_directory in batch]
        if not any(removed):
            return


def _remove_entry(top: int, name: str, is_directory: bool, names: Iterator[str]) -> bool:
    try:
        if not is_directory:
            os.unlink(name, dir_fd=top)
            return True
        inner = _open(name, top)
        try:
            with os.scandir(inner) as entries:
                batch = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            for child, child_is_directory in batch:
                if child_is_directory:
                    os.rename(child, next(names), src_dir_fd=inner, dst_dir_fd=top)
                else:
                    os.unlink(child, dir_fd=inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    return True
