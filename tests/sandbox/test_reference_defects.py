# ruff: noqa: E501
"""Every numbered defect of the paper's released interpreter and SQL tool, as something that works here.

P, S and F are the numbers that docs/sandbox.md explains; each expectation is one that the reference's
behaviour does not meet.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from datamind_gen.sandbox import OnError, Sandbox, TurnStatus
from tests.conftest import Do
from tests.sandbox.conftest import Play


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, city TEXT, amount REAL)")
    rows = [(n, ("São Paulo", "Rome", "x--y1", "a > = b")[n % 4], n / 2) for n in range(4000)]
    connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def test_p1_a_print_over_several_lines_breaks_no_later_turn(play: Play) -> None:
    assert play("print(\n    1,\n    2,\n)", "print('next')")[1].stdout == "next\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("def fingerprint(v): return v + 1\nh = fingerprint(1)", "h"),
        ("y = 2; print(y)", "y"),
        ("print(y := 2)", "y"),
        ("for y in range(3): print(y)", "y"),
        ("if True: y = 2; print(y)", "y"),
    ],
)
def test_p2_a_line_with_print_in_it_keeps_its_state(play: Play, first: str, second: str) -> None:
    assert play(first, second)[1].echo == "2"


def test_p3_a_name_that_begins_with_print_is_kept(play: Play) -> None:
    assert play("printed_total = 7", "printed_total")[1].echo == "7"


def test_p4_a_warning_is_no_failure_and_an_exit_is(play: Play) -> None:
    warned, seen, exited = play(
        "import warnings, sys\nwarnings.warn('hm')\nprint('err', file=sys.stderr)\nx = 1",
        "x",
        "import os\nos._exit(3)",
    )
    assert warned.status is TurnStatus.OK
    assert seen.echo == "1"
    assert exited.status is TurnStatus.EXITED


def test_p5_keep_leaves_what_came_before_the_error(play: Play) -> None:
    results = play("a = 1\nprint(a)\nb = 2\nnope", "a + b", on_error=OnError.KEEP)
    assert results[0].stdout == "1\n"
    assert results[1].echo == "3"


def test_p6_side_effects_happen_once_and_draws_do_not_change(play: Play) -> None:
    results = play(
        "import random\nr = random.random()\nopen('log', 'a').write('x')\nr",
        "open('log', 'a').write('y')",
        "print(open('log').read())\nr",
    )
    assert results[2].stdout == "xy\n"
    assert results[2].echo == results[0].echo


def test_p7_a_turn_does_not_pay_for_the_turns_before_it(play: Play) -> None:
    results = play(*["import time\ntime.sleep(1.7)"] * 4, "5")
    assert [result.status for result in results] == [TurnStatus.OK] * 5


def test_p8_no_interpreter_starts_and_no_library_is_imported_again(play: Play) -> None:
    code = "import sys\nbefore = 'pandas' in sys.modules and 'sklearn' in sys.modules\nimport pandas\nbefore"
    assert play(code)[0].echo == "True"


def test_p9_nothing_lives_on_after_a_timeout(impatient: Sandbox, do: Do) -> None:
    async def run() -> bool:
        async with await impatient.open({}, seed="p9") as session:
            result = await session.run("import os, time\nprint(os.getpid())\ntime.sleep(600)")
            assert result.status is TurnStatus.TIMEOUT
            for _ in range(100):
                if not Path(f"/proc/{int(result.stdout)}").exists():
                    return True
                await asyncio.sleep(0.05)
            return False

    assert do(run())


def test_p10_a_missing_module_is_not_installed(play: Play) -> None:
    result = play("import a_module_nobody_has")[0]
    assert (result.error or "").endswith("ModuleNotFoundError: No module named 'a_module_nobody_has'")


def test_p11_inputs_cannot_be_written_and_directories_are_private(play: Play, table: Path) -> None:
    before = table.read_bytes()
    overwrite, remove, elsewhere = (
        "open('data/files/sales.csv', 'w').write('x')",
        "import os\nos.remove('data/files/sales.csv')\nopen('mine', 'w').close()",
        "import os\nos.path.exists('mine'), len(open('data/files/sales.csv').read()) > 10",
    )
    assert "PermissionError" in (play(overwrite, files={"sales.csv": table})[0].error or "")
    play(remove, files={"sales.csv": table})
    assert play(elsewhere, files={"sales.csv": table})[0].echo == "(False, True)"
    assert table.read_bytes() == before


def test_p12_keys_files_and_network_are_out_of_reach(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    secret = tmp_path / "secret"
    secret.write_text("canary-file")
    results = play(
        "import os\nprint(dict(os.environ))",
        f"print(open({str(secret)!r}).read())",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')",
        f"print(open('/proc/{os.getpid()}/environ').read())",
    )
    assert "canary" not in "".join(f"{result.stdout}{result.error}" for result in results)
    assert [result.status for result in results[1:]] == [TurnStatus.ERROR] * 3
    assert "Operation not permitted" in (results[2].error or "")


def test_p13_many_threaded_libraries_work_under_the_memory_limit(play: Play) -> None:
    code = "import numpy as np, polars as pl\na = np.ones((300, 300))\nfloat((a @ a)[0, 0]), pl.Series([1, 2]).sum()"
    assert play(code)[0].echo == "(300.0, 3)"


def test_p14_concurrent_sessions_do_not_share_a_directory(do: Do, sandbox: Sandbox) -> None:
    code = "import os, time\nos.makedirs('d')\nos.chdir('d')\ntime.sleep(0.2)\nopen('f', 'w').write({0!r})\nopen('f').read()"

    async def run() -> tuple[list[str | None], str]:
        here = os.getcwd()
        sessions = [await sandbox.open({}, seed=str(n)) for n in range(4)]
        results = await asyncio.gather(*(s.run(code.format(str(n))) for n, s in enumerate(sessions)))
        for session in sessions:
            await session.close()
        assert os.getcwd() == here
        return [result.echo for result in results], here

    assert do(run())[0] == ["'0'", "'1'", "'2'", "'3'"]


def test_p15_cuts_are_counted_and_split_no_number(play: Play) -> None:
    result = play("print(' '.join(['123456789.25'] * 5000))")[0]
    head, tail = result.stdout.split("\n...\n")
    assert set(head.split()) | set(tail.split()) == {"123456789.25"}
    assert len(head) + len(tail) + result.truncated.stdout == 5000 * 13


def test_p16_code_is_run_as_given_whatever_it_holds(play: Play) -> None:
    result = play("text = '''```python\nprint(1)\n```'''\nprint(text)")[0]
    assert result.stdout == "```python\nprint(1)\n```\n"


def test_p17_the_running_python_is_used(play: Play) -> None:
    import sys

    assert play("import sys\nsys.version_info[:2]")[0].echo == str(tuple(sys.version_info[:2]))


def test_p18_exit_in_the_code_ends_the_turn_and_nothing_else(play: Play) -> None:
    results = play("x = 1", "exit()", "x")
    assert [result.status for result in results] == [TurnStatus.OK, TurnStatus.EXITED, TurnStatus.OK]


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE sales", "ALTER TABLE sales ADD x", "ATTACH 'new.db' AS n", "PRAGMA journal_mode=WAL", "VACUUM",
     "SELECT 1; DROP TABLE sales", "WITH a AS (SELECT 1) DELETE FROM sales", "SELECT load_extension('x')"],
)  # fmt: skip
def test_s1_nothing_writes_to_a_database(play: Play, database: Path, sql: str) -> None:
    before = database.read_bytes()
    assert not play(f"execute_sql({sql!r})", files={"shop.sqlite": database}, sql_only=True)[0].ok
    assert database.read_bytes() == before


@pytest.mark.parametrize("path", ["../../../x.csv", "/tmp/x.csv", "data/files/x.csv", "", ".."])
def test_s2_a_result_stays_in_its_directory(play: Play, database: Path, path: str) -> None:
    code = f"execute_sql('SELECT 1', output_path={path!r})"
    result = play(code, files={"shop.sqlite": database}, sql_only=True)[0]
    assert "must be a file name in the current directory" in (result.error or "")


@pytest.mark.parametrize("text", ["x--y1", "a > = b"])
def test_s3_string_literals_are_left_alone(play: Play, database: Path, text: str) -> None:
    code = f"len(execute_sql(\"SELECT * FROM sales WHERE city = '{text}'\"))"
    assert play(code, files={"shop.sqlite": database}, sql_only=True)[0].echo == "1000"


def test_s4_rows_and_time_are_bounded(play: Play, database: Path) -> None:
    rows, slow, after = play(
        "execute_sql('SELECT a.id FROM sales a, sales b')",
        "execute_sql('SELECT count(*) FROM sales a, sales b, sales c')",
        "execute_sql('SELECT count(*) AS n FROM sales')",
        files={"shop.sqlite": database},
        sql_only=True,
    )
    assert rows.status is TurnStatus.MEMORY_LIMIT
    assert "more than 5000 rows" in (rows.error or "")
    assert slow.status is TurnStatus.TIMEOUT
    assert after.stdout == "Output has been saved to: result.csv. The output content is       n\n0  4000\n"


def test_s5_an_empty_result_says_so(play: Play, database: Path) -> None:
    code = "execute_sql('SELECT * FROM sales WHERE id < 0')"
    assert (
        "The query returned no rows" in play(code, files={"shop.sqlite": database}, sql_only=True)[0].stdout
    )


def test_s6_any_call_style_and_any_number_of_calls(play: Play, database: Path) -> None:
    code = """
query = 'SELECT city, sum(amount) AS total FROM sales GROUP BY city'
execute_sql(query, 'a.csv')
execute_sql(output_path='b.csv', sql=query,)
frame = execute_sql(**{'sql': query + ' ORDER BY 2'})
import os
print(sorted(name for name in os.listdir() if name.endswith('.csv')), round(frame['total'].sum()))
"""
    result = play(code, files={"shop.sqlite": database})[0]
    assert result.stdout.splitlines()[-1] == "['a.csv', 'b.csv', 'result.csv'] 3999000"


def test_s7_schema_and_query_in_one_turn(play: Play, database: Path) -> None:
    code = "get_db_info()\nexecute_sql('SELECT count(*) AS n FROM sales')"
    said = play(code, files={"shop.sqlite": database}, sql_only=True)[0].stdout
    assert said.startswith(
        "The output content is CREATE TABLE sales (id INTEGER PRIMARY KEY, city TEXT, amount REAL);"
    )
    assert "4000" in said


def test_s8_letters_beyond_ascii_arrive(play: Play, database: Path) -> None:
    code = "execute_sql(\"SELECT DISTINCT city FROM sales WHERE city = 'São Paulo'\")"
    result = play(code, "open('result.csv').read()", files={"shop.sqlite": database}, sql_only=True)
    assert "São Paulo" in result[0].stdout
    assert result[1].echo == repr("city\nSão Paulo\n")


def test_s9_a_query_starts_no_process_and_the_schema_can_be_given(play: Play, database: Path) -> None:
    results = play(
        "import os\nbefore = os.getpid()\nget_db_info()\nos.getpid() == before, len(os.listdir('/proc/self/task'))",
        files={"shop.sqlite": database},
        sql_only=True,
        db_info="GIVEN",
    )
    assert results[0].stdout == "The output content is GIVEN\n"
    assert (results[0].echo or "").startswith("(True")


def test_f4_each_rollout_has_its_own_result_file(do: Do, sandbox: Sandbox, database: Path) -> None:
    async def run() -> list[str | None]:
        sessions = [
            await sandbox.open({"shop.sqlite": database}, seed=str(n), sql_only=True) for n in range(3)
        ]
        for number, session in enumerate(sessions):
            await session.run(f"execute_sql('SELECT {number} AS n', 'result.csv')")
        found = [await session.read_file("result.csv") for session in sessions]
        for session in sessions:
            await session.close()
        return found

    assert do(run()) == ["n\n0\n", "n\n1\n", "n\n2\n"]


def test_f5_a_rollout_that_ran_nothing_has_no_result_file(do: Do, sandbox: Sandbox, database: Path) -> None:
    async def run() -> str | None:
        async with await sandbox.open({"shop.sqlite": database}, seed="a", sql_only=True) as busy:
            await busy.run("execute_sql('SELECT 1')")
            async with await sandbox.open({"shop.sqlite": database}, seed="b", sql_only=True) as idle:
                return await idle.read_file("result.csv")

    assert do(run()) is None


def test_r10_blocking_code_does_not_block_the_caller(do: Do, sandbox: Sandbox) -> None:
    async def run() -> float:
        sessions = [await sandbox.open({}, seed=str(n)) for n in range(4)]
        for session in sessions:
            await session.run("import time")
        start = asyncio.get_running_loop().time()
        results = await asyncio.gather(*(session.run("time.sleep(0.5)") for session in sessions))
        took = asyncio.get_running_loop().time() - start
        for session in sessions:
            await session.close()
        return took / sum(result.wall_s for result in results)

    assert do(run()) < 0.9  # a ratio: together they take less than one after another
