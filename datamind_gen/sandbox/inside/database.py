"""get_db_info() and execute_sql(): the paper's database protocol, as ordinary functions of a session.

Each call opens the database read-only, runs one statement that only reads, and closes it. SQLite has an
authorizer and a progress handler; DuckDB has its statements' types checked, no access outside the data
files, and a timer. With no database among the files, Parquet, CSV and JSON files are DuckDB's views.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from datamind_gen.sandbox.inside.execute import LimitHit

_FILES = "data/files"
_TABLE_READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
}
_SHOWN_ROWS = 1000
_CELL_BYTES = 64 * 1024 * 1024
_RESULT_BYTES = 512 * 1024 * 1024
_READ_PRAGMAS = frozenset(
    ["table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"]
)
_SQLITE_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


class SqlRefused(Exception):
    """The statement is not one that only reads."""


@dataclass(frozen=True, slots=True)
class Limits:
    timeout_s: float
    rows: int
    memory_mb: int

    def check_rows(self, count: int) -> None:
        if count > self.rows:
            raise LimitHit(
                "memory_limit",
                f"The query returns more than {self.rows} rows; aggregate, filter, or add a LIMIT.",
            )

    def late(self) -> LimitHit:
        return LimitHit(
            "timeout",
            f"The query ran longer than {self.timeout_s:g} s; filter or aggregate earlier.",
        )


@dataclass(frozen=True, slots=True)
class Result:
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def functions(order: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """The two functions, for a session whose files hold something to query; none for others."""
    database = find_database(order["files"])
    if database is None:
        return {}
    limits = Limits(order["sql_timeout_s"], order["sql_rows"], order["memory_mb"])
    db_info: str | None = order["db_info"]

    def get_db_info() -> None:
        """Prints the schema of the database."""
        print(f"The output content is {database.schema(limits) if db_info is None else db_info}")

    def execute_sql(sql: str, output_path: str = "result.csv") -> Any:
        """Runs one SQL query, saves its rows as a CSV file in the current directory, and prints them.

        Returns the rows as a pandas DataFrame.
        """
        import pandas

        target = _checked_output(output_path)
        if not isinstance(sql, str):
            raise TypeError(f"execute_sql: sql must be a str, not {type(sql).__name__}")
        result = database.query(sql, limits)
        frame = pandas.DataFrame(list(result.rows), columns=list(result.columns))
        target.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(target, index=False)
        print(f"Output has been saved to: {output_path}. The output content is {_shown(frame)}")
        if frame.empty:
            print("The query returned no rows; check its conditions.")
        return frame

    return {"get_db_info": get_db_info, "execute_sql": execute_sql}


def _shown(frame: Any) -> str:
    text: str = frame.to_string(max_rows=_SHOWN_ROWS, min_rows=_SHOWN_ROWS)
    return text if len(frame) <= _SHOWN_ROWS else f"{text}\n[{len(frame)} rows]"


def _checked_output(output_path: str) -> Path:
    path = PurePosixPath(output_path)
    inside = not path.is_absolute() and ".." not in path.parts and path.name
    if not inside or str(path).startswith(_FILES):
        raise ValueError(
            f"execute_sql: output_path {str(output_path)!r} must be a file name in the current directory, "
            "such as 'result.csv'"
        )
    return Path(path)


def find_database(files: dict[str, str]) -> SqliteDatabase | DuckDatabase | None:
    """What execute_sql queries: the first database among the files, or all its tables' files as views."""
    for name, path in files.items():
        head = _head(path)
        if head.startswith(b"SQLite format 3\0"):
            return SqliteDatabase(f"{_FILES}/{name}")
        if head[8:12] == b"DUCK":
            return DuckDatabase(f"{_FILES}/{name}", ())
    tables = tuple(name for name in files if Path(name).suffix.lower() in _TABLE_READERS)
    return DuckDatabase(None, tables) if tables else None


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(16)
    except OSError:
        return b""  # a folder: no database


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    path: str

    def query(self, sql: str, limits: Limits) -> Result:
        connection = self._connect()
        deadline = time.monotonic() + limits.timeout_s
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        connection.set_authorizer(_authorize)
        try:
            cursor = connection.execute(sql)
            rows = _fetch(cursor, limits)
        except sqlite3.DatabaseError as error:
            if time.monotonic() > deadline:
                raise limits.late() from None
            if "not authorized" in str(error) or "prohibited" in str(error):
                raise SqlRefused("only statements that read are allowed: SELECT, WITH, EXPLAIN") from None
            raise
        finally:
            connection.close()
        return Result(tuple(column[0] for column in cursor.description or ()), rows)

    def schema(self, limits: Limits) -> str:
        connection = self._connect()
        try:
            found = connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
                "AND type IN ('table', 'view') ORDER BY rowid"
            ).fetchall()
        finally:
            connection.close()
        return "\n\n".join(f"{sql.strip()};" for (sql,) in found)

    def _connect(self) -> sqlite3.Connection:
        place = Path(os.path.realpath(self.path)).as_uri()
        try:
            connection = sqlite3.connect(f"{place}?mode=ro", uri=True)
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:  # a write-ahead log that a read-only reader cannot open
            connection = sqlite3.connect(f"{place}?mode=ro&immutable=1", uri=True)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _CELL_BYTES)
        return connection


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action in _SQLITE_ALLOWED and (second or "").lower() != "load_extension":
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _READ_PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


@dataclass(frozen=True, slots=True)
class DuckDatabase:
    path: str | None
    tables: tuple[str, ...]
    """Data files that are its views, where there is no database file."""

    def query(self, sql: str, limits: Limits) -> Result:
        connection = self._connect(limits)
        interrupted = threading.Event()

        def stop() -> None:
            interrupted.set()
            connection.interrupt()

        timer = threading.Timer(limits.timeout_s, stop)
        try:
            _check_reads_only(connection, sql)
            timer.start()
            connection.execute(sql)
            rows = _fetch(connection, limits)
            columns = tuple(column[0] for column in connection.description or ())
        except Exception:
            if interrupted.is_set():
                raise limits.late() from None
            raise
        finally:
            timer.cancel()
            if timer.ident is not None:
                timer.join()
            connection.close()
        return Result(columns, rows)

    def schema(self, limits: Limits) -> str:
        connection = self._connect(limits)
        try:
            if self.path is not None:
                found = connection.execute(
                    "SELECT sql FROM duckdb_tables() WHERE NOT internal "
                    "UNION ALL SELECT sql FROM duckdb_views() WHERE NOT internal"
                ).fetchall()
                return "\n\n".join(sql.strip() for (sql,) in found)
            return "\n\n".join(_describe_view(connection, name) for name in self._view_names())
        finally:
            connection.close()

    def _view_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for file in self.tables:
            stem = Path(file).stem
            names.setdefault(stem if stem not in names else Path(file).name, file)
        return names

    def _connect(self, limits: Limits) -> Any:
        import duckdb

        memory = f"{max(64, limits.memory_mb * 6 // 10)}MB"
        config: dict[str, Any] = {"memory_limit": memory}
        if self.path is not None:
            connection = duckdb.connect(self.path, read_only=True, config=config)
        else:
            connection = duckdb.connect(":memory:", config=config)
            for view, file in self._view_names().items():
                source = f"{_TABLE_READERS[Path(file).suffix.lower()]}({_literal(f'{_FILES}/{file}')})"
                connection.execute(f"CREATE VIEW {_identifier(view)} AS SELECT * FROM {source}")
        allowed = ", ".join(_literal(f"{_FILES}/{file}") for file in self.tables)
        connection.execute(f"SET allowed_paths = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection


def _check_reads_only(connection: Any, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise SqlRefused(f"one statement at a time: this has {len(statements)}")
    kind = statements[0].type.name
    if kind not in ("SELECT", "EXPLAIN", "RELATION"):
        raise SqlRefused(f"only statements that read are allowed, such as SELECT and WITH; this is {kind}")


def _describe_view(connection: Any, name: str) -> str:
    columns = connection.execute(f"DESCRIBE {_identifier(name)}").fetchall()
    body = ",\n".join(f"    {_identifier(column[0])} {column[1]}" for column in columns)
    return f"CREATE TABLE {_identifier(name)} (\n{body}\n);"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fetch(cursor: Any, limits: Limits) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    size = 0
    while batch := cursor.fetchmany(1000):
        rows += batch
        size += sum(sys.getsizeof(cell) for row in batch for cell in row if isinstance(cell, str | bytes))
        limits.check_rows(len(rows))
        if size > _RESULT_BYTES:
            raise LimitHit("memory_limit", "The query returns too many bytes; select fewer columns or rows.")
    return rows
