"""`processes`: how many a turn may start, that they are counted, confined like it, and do not outlive it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from datamind_gen.sandbox import OnError, Sandbox, TurnResult, TurnStatus
from tests.conftest import Do
from tests.sandbox.conftest import QUICK

START = """
import os, sys

def start(act):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, str(act()).encode())
        except BaseException as error:
            os.write(writing, type(error).__name__.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        return said.read()
x = 1
"""


@pytest.fixture(scope="module")
def two(do: Do) -> Iterator[Sandbox]:
    """A sandbox whose turns may start two processes each."""
    opened = Sandbox(replace(QUICK, processes=2))
    do(opened.__aenter__())
    yield opened
    do(opened.__aexit__(None, None, None))


def play(do: Do, sandbox: Sandbox, *codes: str, mode: OnError = OnError.ROLLBACK) -> list[TurnResult]:
    async def run() -> list[TurnResult]:
        async with await sandbox.open({}, seed="p", on_error=mode) as session:
            return [await session.run(code) for code in (START, *codes)][1:]

    return do(run())


@pytest.mark.parametrize("mode", list(OnError))
def test_so_many_start_and_the_next_is_refused(two: Sandbox, do: Do, mode: OnError) -> None:
    first, second = play(
        do, two, "start(lambda: 5), start(lambda: 6)", "[start(lambda: n) for n in range(3)]", mode=mode
    )
    assert first.echo == "('5', '6')"
    assert second.status is TurnStatus.PROCESS_LIMIT


def test_each_turn_has_its_own_share_and_the_checkpoint_takes_none(two: Sandbox, do: Do) -> None:
    results = play(do, two, *["start(lambda: 5), start(lambda: 6)"] * 3, "x = 2\n1 / 0", "x")
    assert [result.echo for result in results] == [*["('5', '6')"] * 3, None, "1"]


def test_they_are_confined_like_the_turn(two: Sandbox, do: Do, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    acts = (
        f"open({str(secret)!r}).read()",
        "os.execv('/bin/true', ['true'])",
        "os.setsid()",
        "os.kill(os.getppid(), 0)",
    )
    said = [play(do, two, f"start(lambda: {act})")[0].echo for act in acts]
    assert said[:3] == ["'PermissionError'"] * 3
    assert said[3] == "'None'"  # its parent is of its own session


def test_a_process_may_start_no_more_than_its_turn(two: Sandbox, do: Do) -> None:
    inner = "start(lambda: [start(lambda: 1), start(lambda: 2)])"
    assert play(do, two, inner)[0].status in (TurnStatus.OK, TurnStatus.PROCESS_LIMIT)
    assert play(do, two, inner)[0].echo in (None, "'BlockingIOError'")


def test_none_outlives_its_turn(two: Sandbox, do: Do) -> None:
    async def run() -> tuple[int, str | None]:
        async with await two.open({}, seed="p") as session:
            await session.run(START)
            left = await session.run("import time\npid = os.fork()\nif pid == 0: time.sleep(1000)\npid")
            return int(left.echo or 0), (await session.run("x")).echo

    pid, echo = do(run())
    assert echo == "1"
    assert _ends(pid)


def _ends(pid: int) -> bool:
    """Whether a killed process is gone, or dead and not yet collected, within a while."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.1)
    return False


def test_one_that_says_it_is_the_session_is_not_heard(two: Sandbox, do: Do) -> None:
    forge = "start(lambda: [os.write(3, kind + bytes(16)) for kind in (b'K', b'F', b'H', b'C', b'R')])\n1 / 0"
    forged, after = play(do, two, forge, "x")
    assert forged.status is TurnStatus.ERROR
    assert "ZeroDivisionError" in (forged.error or "")
    assert after.echo == "1"
