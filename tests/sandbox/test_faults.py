"""Every way for a turn to fail: its status, a message to act on, and the state from before it."""

from __future__ import annotations

import asyncio

import pytest

from datamind_gen.sandbox import OnError, Sandbox, TurnResult, TurnStatus
from tests.conftest import Do
from tests.sandbox.conftest import Play

BEFORE = """
import pandas as pd
kept = pd.DataFrame({'a': [1, 2, 3]})
open('kept.txt', 'w').write('kept')
count = 0
"""
AFTER = "import os\nprint(kept['a'].sum(), open('kept.txt').read(), count, os.path.exists('stray.txt'))"

Statuses = TurnStatus | tuple[TurnStatus, ...]
FAULTS: dict[str, tuple[str, Statuses, str]] = {
    "exception": ("raise ValueError('no')", TurnStatus.ERROR, "ValueError: no"),
    "key-error": ("kept['nope']", TurnStatus.ERROR, "KeyError: 'nope'"),
    "recursion": ("def f(): return f()\nf()", TurnStatus.ERROR, "RecursionError"),
    "sys-exit": ("import sys; sys.exit(0)", TurnStatus.EXITED, "exit"),
    "quit": ("quit()", TurnStatus.EXITED, "exit"),
    "os-exit-0": ("import os; os._exit(0)", TurnStatus.EXITED, "exit code 0"),
    "os-exit-3": ("import os; os._exit(3)", TurnStatus.EXITED, "exit code 3"),
    "wall": ("import time; time.sleep(60)", TurnStatus.TIMEOUT, "less in one turn"),
    "wall-stubborn": (
        "import time, signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(60)",
        TurnStatus.TIMEOUT,
        "longer than 5 s",
    ),
    "cpu": ("while True: pass", TurnStatus.CPU_LIMIT, "less in one turn"),
    "memory-list": (
        "x = []\nwhile True: x.append(bytes(1_000_000))",
        TurnStatus.MEMORY_LIMIT,
        "memory limit",
    ),
    "memory-numpy": ("import numpy as np; np.ones(10**10)", TurnStatus.MEMORY_LIMIT, "memory limit"),
    "memory-shared": (
        "import mmap\nm = mmap.mmap(-1, 2 << 30)\nblock = bytes(1 << 20)\nwhile True: m.write(block)",
        TurnStatus.MEMORY_LIMIT,
        "more than 600 MB",
    ),
    "memory-polars": (
        "import polars as pl\npl.select(pl.int_range(0, 10**9, dtype=pl.Int64).alias('x')).sum()",
        (TurnStatus.MEMORY_LIMIT, TurnStatus.ERROR),
        "",
    ),
    "segfault": ("import ctypes; ctypes.string_at(0)", TurnStatus.CRASHED, "SIGSEGV"),
    "abort": ("import os; os.abort()", TurnStatus.CRASHED, "SIGABRT"),
    "kills-itself": ("import os, signal; os.kill(os.getpid(), 9)", TurnStatus.CRASHED, "SIGKILL"),
    "kills-its-group": ("import os; os.killpg(0, 9)", TurnStatus.CRASHED, "SIGKILL"),
    "stops-itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", TurnStatus.TIMEOUT, "5 s"),
    "fork": ("import os; os.fork()", TurnStatus.PROCESS_LIMIT, "processes is not allowed"),
    "fork-bomb": ("import os\nwhile True: os.fork()", TurnStatus.PROCESS_LIMIT, "processes is not allowed"),
    "process-pool": (
        "import multiprocessing as m\np = m.Process(target=print)\np.start()",
        TurnStatus.PROCESS_LIMIT,
        "processes is not allowed",
    ),
    "thread-bomb": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()",
        (TurnStatus.PROCESS_LIMIT, TurnStatus.ERROR),
        "thread",
    ),
    "big-file": ("open('big', 'wb').write(bytes(50_000_000))", TurnStatus.DISK_LIMIT, "write less"),
    "big-directory": (
        "import os\nfor n in range(4): open(f'f{n}', 'wb').write(os.urandom(15_000_000))",
        TurnStatus.DISK_LIMIT,
        "write less",
    ),
    "hidden-files": (
        "import os, time\nheld = []\nfor n in range(4):\n    f = open('h', 'wb')\n"
        "    f.write(os.urandom(15_000_000))\n"
        "    f.flush()\n    os.unlink('h')\n    held.append(f)\ntime.sleep(5)",
        TurnStatus.DISK_LIMIT,
        "write less",
    ),
    "hidden-files-then-rest": (
        "import os, time\nheld = []\nfor n in range(4):\n    f = open('h', 'wb')\n"
        "    f.write(os.urandom(1 << 20) * 15)\n"
        "    f.flush()\n    os.unlink('h')\n    held.append(f)\nrest = 1\ntime.sleep(5)",
        TurnStatus.DISK_LIMIT,
        "write less",
    ),
    "very-many-files": (
        "for n in range(20_000): open(f'data/tmp/{n}', 'w').close()",
        TurnStatus.DISK_LIMIT,
        "very many files",
    ),
    "flood": ("while True: print('x' * 1000)", TurnStatus.OUTPUT_LIMIT, "print a summary"),
    "flood-from-c": (
        "import os\nwhile True: os.write(1, b'x' * 100_000)",
        (TurnStatus.OUTPUT_LIMIT, TurnStatus.DISK_LIMIT),
        "",
    ),
    "bad-repr": (
        "class B:\n    def __repr__(self): raise RuntimeError('repr')\nB()",
        TurnStatus.ERROR,
        "RuntimeError: repr",
    ),
    "bad-str-of-error": (
        "class E(Exception):\n    def __str__(self): raise RuntimeError('str')\nraise E()",
        TurnStatus.ERROR,
        "E",
    ),
    "swallows-everything": (
        "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: continue",
        TurnStatus.TIMEOUT,
        "less in one turn",
    ),
}


Played = dict[tuple[str, OnError], list[TurnResult]]


@pytest.fixture(scope="module")
def played(sandbox: Sandbox, impatient: Sandbox, do: Do) -> Played:
    """Every fault in both modes, at once: most of them only wait."""

    async def one(code: str, status: Statuses, mode: OnError) -> list[TurnResult]:
        place = impatient if status is TurnStatus.TIMEOUT else sandbox
        async with await place.open({}, seed="fault", on_error=mode) as session:
            fault = f"count = 1\nopen('stray.txt', 'w').close()\n{code}"
            return [await session.run(turn) for turn in (BEFORE, fault, AFTER)]

    async def everything() -> Played:
        keys = [(name, mode) for name in FAULTS for mode in OnError]
        results = await asyncio.gather(*(one(*FAULTS[name][:2], mode) for name, mode in keys))
        return dict(zip(keys, results, strict=True))

    return do(everything())


@pytest.mark.parametrize("mode", list(OnError))
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_a_status_and_leaves_the_earlier_state(played: Played, name: str, mode: OnError) -> None:
    _code, status, message = FAULTS[name]
    before, failed, after = played[name, mode]
    assert before.ok
    assert failed.status in (status if isinstance(status, tuple) else (status,)), failed
    assert message in (failed.error or ""), failed.error
    wanted = "6 kept 0 False\n" if mode is OnError.ROLLBACK else "6 kept 1 True\n"
    assert after.stdout == wanted, (failed, after)


def test_rollback_undoes_the_failed_turn(play: Play) -> None:
    results = play("x = [1]\nopen('f', 'w').write('1')", "x.append(2)\nopen('f', 'a').write('2')\n1 / 0", "x")
    assert results[2].echo == "[1]"
    again = play("open('f', 'w').write('1')", "open('f', 'a').write('2')\n1 / 0", "open('f').read()")
    assert again[2].echo == "'1'"


def test_keep_leaves_what_came_before_the_failing_statement(play: Play) -> None:
    codes = ("x = [1]", "x.append(2)\ny = 5\n1 / 0\nx.append(3)", "x, y")
    assert play(*codes, on_error=OnError.KEEP)[2].echo == "([1, 2], 5)"


@pytest.mark.parametrize("end", ["import os; os._exit(1)", "import ctypes; ctypes.string_at(0)"])
def test_keep_leaves_it_even_when_the_process_died(play: Play, end: str) -> None:
    codes = ("x = [1]", f"x.append(2)\n{end}\nx.append(3)", "x.append(4)\nx", "x.append(5)\nx")
    results = play(*codes, on_error=OnError.KEEP)
    assert [result.echo for result in results[2:]] == ["[1, 2, 4]", "[1, 2, 4, 5]"]


def test_a_session_with_threads_of_its_own_is_pinned_and_still_rolls_back(play: Play) -> None:
    start = (
        "import threading, time\nt = threading.Thread(target=time.sleep, args=(100,), daemon=True)\nt.start()"
    )
    results = play("x = 1", start, "x = 2", "x = 3\n1 / 0", "x", "import os; os._exit(1)", "x")
    assert results[4].echo == "2"
    assert results[6].echo == "2"


def test_polars_after_polars_does_not_hang(play: Play) -> None:
    work = (
        "import polars as pl\npl.DataFrame({'a': range(100_000)}).lazy().group_by('a').len().collect().height"
    )
    assert [result.echo for result in play(work, work, "1 / 0", work)] == ["100000", "100000", None, "100000"]


def test_duckdb_left_open_across_turns_works(play: Play) -> None:
    results = play(
        "import duckdb\nc = duckdb.connect()\nc.execute('create table t as select 1 a')",
        "1 / 0",
        "c.execute('insert into t values (2)')",
        "c.execute('select sum(a) from t').fetchall()",
        "c.close()",
        "duckdb.sql('select 5').fetchall()",
    )
    assert results[3].echo == "[(3,)]"
    assert results[5].echo == "[(5,)]"


def test_code_that_wrecks_its_own_runner_loses_nothing(play: Play) -> None:
    wreck = "import os\nos.closerange(0, 200)"
    first, wrecked, after = play("x = 7", wreck, "x")
    assert first.ok
    assert not wrecked.ok
    assert after.echo == "7"


def test_replaced_builtins_and_streams_last_no_longer_than_the_turn(play: Play) -> None:
    results = play("import sys, io\nsys.stdout = io.StringIO()\nprint('lost')", "print('seen')")
    assert results[1].stdout == "seen\n"


def test_an_interrupted_turn_says_where_it_was(play: Play) -> None:
    error = play("def slow():\n    while True: pass\nslow()")[0].error or ""
    assert "line 2, in slow" in error or "less in one turn" in error
