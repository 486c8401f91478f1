"""What one turn gives back, and what carries over to the next."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from datamind_gen.sandbox import Isolation, OnError, Sandbox, TurnStatus
from tests.conftest import Do
from tests.sandbox.conftest import Play


def test_state_carries_over_and_the_last_expression_is_echoed(play: Play, table: Path) -> None:
    first, second = play(
        "import pandas as pd\ndf = pd.read_csv('data/files/sales.csv')\ndf.shape",
        "df['amount'].sum()",
        files={"sales.csv": table},
    )
    assert (first.status, first.stdout, first.echo) == (TurnStatus.OK, "", "(3, 2)")
    assert second.echo == "np.int64(7)"


def test_no_echo_of_none_or_of_a_statement(play: Play) -> None:
    assert [turn.echo for turn in play("print(1)", "x = 1", "None", "x;")] == [None, None, None, "1"]


def test_output_keeps_the_order_written_across_streams_and_languages(play: Play) -> None:
    code = """
import ctypes, os, sys
print("one")
sys.stderr.write("two\\n")
os.write(1, b"three\\n")
libc = ctypes.CDLL(None)
libc.puts(b"four")
libc.fflush(None)
print("five", flush=True)
"""
    assert play(code)[0].stdout.split() == ["one", "two", "three", "four", "five"]


def test_what_c_leaves_in_its_buffer_belongs_to_its_turn(play: Play) -> None:
    first, second = play("import ctypes\nctypes.CDLL(None).puts(b'late')\nx = 1", "print('next')")
    assert (first.stdout, second.stdout) == ("late\n", "next\n")


def test_an_error_shows_the_users_frames_only(play: Play) -> None:
    code = "import pandas as pd\ndef pick(frame):\n    return frame['nope']\npick(pd.DataFrame({'a': [1]}))"
    error = play(code)[0].error or ""
    assert error.splitlines()[-1] == "KeyError: 'nope'"
    assert 'File "<turn 1>", line 4, in <module>' in error
    assert 'File "<turn 1>", line 3, in pick' in error
    assert "site-packages" not in error
    assert "datamind_gen" not in error


def test_a_chain_of_errors_keeps_the_users_own_links(play: Play) -> None:
    code = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('mine') from error"
    error = play(code)[0].error or ""
    assert "ZeroDivisionError" in error
    assert error.endswith("ValueError: mine")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def f(:", "SyntaxError"),
        ("x = 1\nreturn x", "SyntaxError"),
        ("if True:\nx = 1", "IndentationError"),
        ("'\\x00' if 1 else 2\n\x00", "SyntaxError"),
    ],
    ids=["unparsable", "found-by-the-compiler", "indentation", "nul-byte"],
)
def test_code_that_does_not_compile_runs_nothing(play: Play, code: str, text: str) -> None:
    first, second = play("before = 1\n" + code, "'before' in globals()")
    assert first.status is TurnStatus.ERROR
    assert text in (first.error or "")
    assert second.echo == "False"


def test_tracebacks_of_old_functions_show_their_own_source(play: Play) -> None:
    *_, last = play("def half(x):\n    return x / 0", "half(4)")
    assert "return x / 0" in (last.error or "")


def test_future_imports_and_main_hold_for_the_turn(play: Play) -> None:
    code = "from __future__ import annotations\ndef f(x: Nope): ...\nprint(f.__annotations__['x'], __name__)"
    assert play(code)[0].stdout == "Nope __main__\n"


def test_classes_pickle_across_turns(play: Play) -> None:
    results = play(
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int",
        "import pickle\npickle.loads(pickle.dumps(P(3)))",
    )
    assert results[1].echo == "P(x=3)"


def test_long_output_is_cut_in_the_middle_and_counted(play: Play) -> None:
    result = play("for n in range(100_000): print(n)")[0]
    whole = "".join(f"{n}\n" for n in range(100_000))
    head, tail = result.stdout.split("\n...\n")
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + len(tail) + result.truncated.stdout == len(whole)
    assert head.splitlines()[-1] in whole.split()
    assert result.status is TurnStatus.OK


@pytest.mark.parametrize("field", ["echo", "error"])
def test_long_echo_and_error_are_cut_and_counted(play: Play, field: str) -> None:
    code = "'x' * 100_000" if field == "echo" else "raise ValueError('x' * 100_000)"
    result = play(code)[0]
    text = getattr(result, field)
    assert 20_000 <= len(text) < 20_200
    assert getattr(result.truncated, field) > 79_000


def test_output_of_any_bytes_comes_as_text(play: Play) -> None:
    result = play("import os\nos.write(1, b'\\xff\\x00ok')\nprint('\\ud800', 'é')\n'\\udfff'")[0]
    assert result.status is TurnStatus.OK
    result.stdout.encode()
    assert "ok" in result.stdout
    assert "é" in result.stdout
    assert result.echo == "'\\udfff'"


def test_input_ends_at_once(play: Play) -> None:
    assert "EOFError" in (play("input('name? ')")[0].error or "")


def test_pictures_are_named(play: Play) -> None:
    code = """
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.savefig('plot.png'); plt.savefig('data/tmp/second.png')
"""
    first, second = play(code, "1")
    assert first.figures == ("data/tmp/second.png", "plot.png")
    assert second.figures == ()


def test_the_place_never_shows(play: Play, sandbox: Sandbox, table: Path) -> None:
    code = """
import os, warnings, pandas as pd
print(os.getcwd(), os.path.abspath('x.csv'), os.path.realpath('data/files/sales.csv'))
warnings.warn('careful')
print(pd.__file__, object())
"""
    result = play(code, files={"sales.csv": table})[0]
    assert result.stdout.startswith(". ./x.csv data/files/sales.csv\n<turn 1>:4: UserWarning: careful")
    assert "site-packages/pandas/__init__.py <object object at 0x…>" in result.stdout
    assert str(table.parent) not in result.stdout


def test_a_trajectory_run_twice_observes_the_same(play: Play, table: Path) -> None:
    codes = (
        "import random, numpy as np, pandas as pd\nprint(random.random(), np.random.rand())",
        "print({'b', 'a', 'c'}, hash('x'), np.random.default_rng().random())",
        "1 / 0",
        "print(random.random(), object(), lambda: 0)",
    )
    once = [(t.status, t.stdout, t.echo, t.error) for t in play(*codes, files={"sales.csv": table})]
    twice = [(t.status, t.stdout, t.echo, t.error) for t in play(*codes, files={"sales.csv": table})]
    other = play(*codes, files={"sales.csv": table}, seed="another")
    assert once == twice
    assert other[0].stdout != once[0][1]


@pytest.mark.parametrize(
    ("code", "steady"),
    [
        ("import random; random.random()", True),
        ("import datetime; datetime.date(2020, 1, 1)", True),
        ("import time; time.time()", False),
        ("import pandas as pd; pd.Timestamp.now()", False),
        ("import os; os.getpid()", False),
        ("import uuid; uuid.uuid4()", False),
        ("sql = \"select date('now')\"", False),
    ],
)
def test_turns_that_depend_on_the_moment_are_flagged(play: Play, code: str, steady: bool) -> None:
    assert play(code)[0].deterministic is steady


def test_failed_draws_are_undone_by_rollback(play: Play) -> None:
    plain = play("import random", "random.random()")
    failed = play("import random", "random.random(); 1 / 0", "random.random()")
    assert failed[2].echo == plain[1].echo


def test_the_figures_of_cost_are_plausible(play: Play) -> None:
    result = play("x = bytearray(200_000_000)\nsum(range(3_000_000))")[0]
    assert 0 < result.cpu_s <= result.wall_s * 1.5
    assert result.peak_mb > 300


def test_common_file_work_goes_on_as_usual(play: Play, table: Path) -> None:
    code = """
import os, shutil, tempfile, zipfile, json, sqlite3, pathlib
shutil.copy('data/files/sales.csv', 'data/tmp/copy.csv')
shutil.copy2('data/files/sales.csv', 'copy2.csv')
with zipfile.ZipFile('a.zip', 'w') as z: z.write('copy2.csv')
zipfile.ZipFile('a.zip').extractall('out')
with tempfile.TemporaryDirectory() as d: pathlib.Path(d, 'x').write_text('x')
c = sqlite3.connect('mine.db'); c.execute('create table t(x)'); c.commit(); c.close()
os.rename('copy2.csv', 'moved.csv'); os.makedirs('a/b'); shutil.rmtree('a')
print(sorted(os.listdir('.')))
"""
    result = play(code, files={"sales.csv": table})[0]
    assert result.stdout == "['a.zip', 'data', 'mine.db', 'moved.csv', 'out']\n", result.error


def test_the_data_libraries_work_inside(play: Play, table: Path) -> None:
    codes = [
        "import polars as pl\nprint(pl.read_csv('data/files/sales.csv')['amount'].sum())",
        "import pandas as pd\ndf = pd.read_csv('data/files/sales.csv')\ndf.to_parquet('t.parquet')\n"
        "df.to_excel('t.xlsx')\n"
        "print(pd.read_excel('t.xlsx', engine='openpyxl').shape, len(pd.read_parquet('t.parquet')))",
        "import duckdb\nprint(duckdb.sql(\"select sum(amount) from 'data/files/sales.csv'\").fetchall())",
        "import numpy as np, scipy.stats as st\nprint(st.ttest_ind([1, 2, 3], [2, 3, 4]).pvalue > 0)",
        "from sklearn.ensemble import RandomForestClassifier as R\n"
        "print(R(n_estimators=5, n_jobs=2).fit([[0], [1]] * 20, [0, 1] * 20).score([[0], [1]], [0, 1]))",
        "import statsmodels.api as sm\nprint(len(sm.OLS([1.0, 2, 3], [1.0, 2, 4]).fit().params))",
        "import asyncio\nasync def f(): return 5\nprint(asyncio.run(f()))",
        "import threading\nt = threading.Thread(target=print, args=('thread',)); t.start(); t.join()",
    ]
    results = play(*codes, files={"sales.csv": table})
    assert [result.error for result in results] == [None] * len(codes)
    said = [result.stdout.strip() for result in results]
    assert said == ["7", "(3, 3) 3", "[(7,)]", "True", "1.0", "1", "5", "thread"]


@pytest.mark.parametrize("mode", list(OnError))
def test_an_empty_turn_is_fine(play: Play, mode: OnError) -> None:
    with warnings.catch_warnings():
        assert play("", "# nothing", on_error=mode)[1].status is TurnStatus.OK


def test_a_session_knows_its_level(sandbox: Sandbox, do: Do) -> None:
    assert sandbox.isolation in (Isolation.FULL, Isolation.FULL_MINUS)
    before = sandbox.stats()
    session = do(sandbox.open({}, seed="s"))
    do(session.run("1"))
    assert sandbox.stats().turns == before.turns + 1
    assert sandbox.stats().awake >= 1
    do(session.close())
    with pytest.raises(ValueError, match="closed"):
        do(session.run("1"))


def test_a_data_file_that_is_not_there_is_named(sandbox: Sandbox, do: Do, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        do(sandbox.open({"gone.csv": tmp_path / "gone.csv"}, seed="s"))
    with pytest.raises(ValueError, match="not a name"):
        do(sandbox.open({"../up.csv": tmp_path}, seed="s"))
