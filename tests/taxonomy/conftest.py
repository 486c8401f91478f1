"""Real files and a real sandbox for what runs programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datamind_gen.files import SourceSpec, find_sources, profile_file
from datamind_gen.rows import Profile

Loaded = tuple[Profile, dict[str, Path]]


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """A bundled file by name: its profile, and where its parts lie."""
    work = tmp_path_factory.mktemp("bundled")
    known: dict[str, Loaded] = {}

    def load(name: str) -> Loaded:
        if name not in known:
            (found,) = find_sources([SourceSpec(bundled=name)], Path.cwd(), work)
            names = (part.name for part in found.file.parts)
            known[name] = (profile_file(found), dict(zip(names, found.paths, strict=True)))
        return known[name]

    return load
