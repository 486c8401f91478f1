"""Fixtures that every room's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from datamind_gen.files import SourceSpec, find_sources, profile_file
from datamind_gen.rows import Profile
from datamind_gen.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent

T = TypeVar("T")
Do = Callable[[Awaitable[T]], T]
Loaded = tuple[Profile, dict[str, Path]]
"""A file's profile, and where its parts lie."""


LONGEST = (
    "tests/run/",
    "tests/test_readme.py",
    "tests/trust/",
    "tests/cli/",
    "tests/trainers/",
    "tests/sandbox/",
)
"""Files of whole runs and processes come first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        place = item.path.relative_to(ROOT).as_posix()
        return next((rank for rank, start in enumerate(LONGEST) if place.startswith(start)), len(LONGEST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data files beside the project; a user's clone has none."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "MANIFEST.tsv").exists():
        pytest.skip("the shared data files are not beside this clone")
    return folder


@pytest.fixture(scope="session")
def do() -> Iterator[Do]:
    """Runs an awaitable to its end on the tests' loop."""

    async def whole(awaitable: Awaitable[T]) -> T:
        return await awaitable

    with asyncio.Runner() as runner:
        yield lambda awaitable: runner.run(whole(awaitable))


@pytest.fixture(scope="session")
def sandbox(do: Do) -> Iterator[Sandbox]:
    """The sandbox with its default limits."""
    opened = Sandbox()
    do(opened.__aenter__())
    yield opened
    do(opened.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """Loads a bundled file by its name."""
    work = tmp_path_factory.mktemp("bundled")
    known: dict[str, Loaded] = {}

    def load(name: str) -> Loaded:
        if name not in known:
            (found,) = find_sources([SourceSpec(bundled=name)], Path.cwd(), work)
            names = (part.name for part in found.file.parts)
            known[name] = (profile_file(found), dict(zip(names, found.paths, strict=True)))
        return known[name]

    return load
