"""Keeps unfiltered profiles by content, so that no file is described twice.

The key holds the file's id (name and content), the version of this room's judgement and the versions of
the libraries that read; filters are applied after, so changing them redoes nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from datamind_gen.files.errors import FileError
from datamind_gen.rows import DataFile, Profile, Reason, decode, dump_json, encode, hash_text

VERSION = 3
"""Raised whenever a file's profile may come out different from the same content."""

_LIBRARIES = ("duckdb", "pandas", "polars", "pyarrow", "python-calamine", "charset-normalizer")
_IN_MEMORY = 256
_memory: OrderedDict[str, str] = OrderedDict()


@cache
def _library_versions() -> str:
    return dump_json({name: version(name) for name in _LIBRARIES})


def profile_key(file: DataFile, *, all_columns: bool = False) -> str:
    """What a file's unfiltered profile depends on."""
    extent = "all columns" if all_columns else "a prompt's columns"
    return hash_text("profile", str(VERSION), extent, _library_versions(), encode(file))


def load_profile(key: str, folder: Path | None) -> Profile | None:
    """The profile kept under the key, or None. Raises FileError when it is known to be unreadable."""
    text = _memory.get(key)
    if text is not None and folder is not None and not (folder / f"{key}.json").exists():
        _store(key, text, folder)
    if text is None and folder is not None:
        with contextlib.suppress(OSError):
            text = (folder / f"{key}.json").read_text(encoding="utf-8")
    if text is None:
        return None
    if text.startswith("error "):
        _, reason, detail = text.split(" ", 2)
        raise FileError(Reason(reason), detail)
    try:
        profile = decode(Profile, text)
    except ValidationError:  # an older or a torn entry: described again
        return None
    _remember(key, text)
    return profile


def keep_profile(key: str, folder: Path | None, result: Profile | FileError) -> None:
    """Keeps a profile, or why there is none. Limits are not kept: the next machine may be larger."""
    if isinstance(result, FileError):
        if result.reason in (Reason.READER_LIMIT, Reason.UNREADABLE):
            return
        text = f"error {result.reason.value} {result.detail}"
    else:
        text = encode(result)
    _remember(key, text)
    if folder is not None:
        _store(key, text, folder)


def _store(key: str, text: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{key}.{os.getpid()}.{threading.get_ident()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / f"{key}.json")


def _remember(key: str, text: str) -> None:
    _memory[key] = text
    _memory.move_to_end(key)
    while len(_memory) > _IN_MEMORY:
        _memory.popitem(last=False)
