"""One sandbox for all of a worker's tests of it, driven from plain functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings, TurnResult
from tests.conftest import Do

Play = Callable[..., list[TurnResult]]

QUICK = SandboxSettings(
    wall_s=120,  # a busy machine is no fault
    cpu_s=4,
    memory_mb=600,
    file_mb=20,
    directory_mb=30,
    stream_mb=2,
    output_chars=20_000,
    sql_timeout_s=2,
    sql_rows=5_000,
    concurrency=12,
)


@pytest.fixture(scope="session")
def sandbox(do: Do) -> Iterator[Sandbox]:
    opened = Sandbox(QUICK)
    do(opened.__aenter__())
    yield opened
    do(opened.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def impatient(do: Do) -> Iterator[Sandbox]:
    """For turns that only wait for their time to be over."""
    opened = Sandbox(replace(QUICK, wall_s=5))
    do(opened.__aenter__())
    yield opened
    do(opened.__aexit__(None, None, None))


@pytest.fixture
def play(do: Do, sandbox: Sandbox) -> Play:
    """Runs turns in a session of their own and gives their results."""

    def turns(
        *codes: str,
        files: dict[str, Path] | None = None,
        on_error: OnError = OnError.ROLLBACK,
        seed: str = "test",
        **options: object,
    ) -> list[TurnResult]:
        async def run() -> list[TurnResult]:
            session = await sandbox.open(files or {}, seed=seed, on_error=on_error, **options)
            async with session:
                return [await session.run(code) for code in codes]

        return do(run())

    return turns


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("city,amount\nParis,1\nRome,2\nParis,4\n")
    return path
