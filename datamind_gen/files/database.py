"""Reads SQLite and DuckDB databases: tables and views, their declared keys, and their schema text.

Values stay as the database stores them (a text date stays text), since questions about a database are
answered in SQL. Virtual tables of modules that are not there, and tables that hold nothing, are left
out with an issue.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from datamind_gen.files.columns import Hint
from datamind_gen.files.dates import find_date_format
from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import from_values
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.files.relations import ForeignKey
from datamind_gen.rows import Decision, Issue, ReadPlan, Reason

_BATCH = 50_000
MOST_CELLS = 40_000_000
"""A larger table is described from its first rows that fit, and says so."""


@dataclass(frozen=True, slots=True)
class Database:
    """What a file holds: its tables and, of a database, its declared keys and schema."""

    tables: tuple[Loaded, ...]
    keys: tuple[ForeignKey, ...] = ()
    issues: tuple[Issue, ...] = ()
    ddl: str = ""


def quote(name: str) -> str:
    """A quoted SQL identifier: reserved words, blanks and umlauts are all names that people use."""
    return '"' + name.replace('"', '""') + '"'


def read_sqlite(path: Path, part: str) -> Database:
    """Every table and view of a SQLite file. Raises FileError."""
    with _open(path, part) as connection:
        try:
            return _read(connection, path, part)
        except UnicodeDecodeError as error:
            raise FileError(Reason.CORRUPT, f"{part} holds names that are no UTF-8: {error}") from error
        except sqlite3.DatabaseError as error:
            reason = Reason.ENCRYPTED if "encrypted" in str(error) else Reason.CORRUPT
            raise FileError(reason, f"{part} cannot be read as SQLite: {error}") from error


@contextlib.contextmanager
def _open(path: Path, part: str) -> Iterator[sqlite3.Connection]:
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise FileError(Reason.UNREADABLE, f"{part}: {error}") from error
    connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    try:
        yield connection
    finally:
        connection.close()


def _read(connection: sqlite3.Connection, path: Path, part: str) -> Database:
    listed = connection.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
    ).fetchall()
    tables: list[Loaded] = []
    keys: list[ForeignKey] = []
    issues: list[Issue] = []
    statements: list[str] = []
    wal = path.read_bytes()[18:20] == b"\x02\x02" if path.stat().st_size < 1 << 16 else _is_wal(path)
    for name, kind, sql in listed:
        if sql and sql.upper().startswith("CREATE VIRTUAL TABLE"):
            issues.append(
                Issue("virtual_table", f"the virtual table {name} is left out: it needs its module")
            )
            continue
        statements.append(f"{sql};")
        try:
            table = _table(connection, name, part, wal=wal)
        except sqlite3.OperationalError as error:
            issues.append(Issue("unreadable_table", f"the {kind} {name} is left out: {error}"))
            continue
        if table.frame.height == 0:
            issues.append(Issue("empty_table", f"the {kind} {name} has no rows and is left out"))
            continue
        tables.append(table)
        keys += _foreign_keys(connection, name)
    if not tables:
        reason = Reason.EMPTY if listed else Reason.NO_TABLE
        raise FileError(reason, f"{part} is a database without a row in any of its {len(listed)} tables")
    return Database(tuple(tables), tuple(keys), tuple(issues), "\n".join(statements))


def read_duckdb(path: Path, part: str) -> Database:
    """Every table and view of a DuckDB file. Raises FileError."""
    try:
        connection = duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"})
    except duckdb.Error as error:
        raise FileError(Reason.CORRUPT, f"{part} cannot be opened as DuckDB: {error}") from error
    tables: list[Loaded] = []
    issues: list[Issue] = []
    with connection:
        listed = connection.execute(
            "SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE NOT internal "
            "UNION ALL SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        for schema, table, _ in listed:
            full = quote(table) if schema == "main" else f"{quote(schema)}.{quote(table)}"
            try:
                found = _duckdb_table(
                    connection, full, table if schema == "main" else f"{schema}.{table}", part
                )
            except duckdb.Error as error:
                issues.append(Issue("unreadable_table", f"{table} is left out: {error}"))
                continue
            if found.rows:
                tables.append(found)
            else:
                issues.append(Issue("empty_table", f"{table} has no rows and is left out"))
        keys = _duckdb_keys(connection)
        primary = {table: names for table, _, names, parent, _ in keys if parent is None}
        tables = [replace(table, primary_key=tuple(primary.get(table.name, ()))) for table in tables]
    if not tables:
        reason = Reason.EMPTY if listed else Reason.NO_TABLE
        raise FileError(reason, f"{part} is a database without a row in any of its {len(listed)} tables")
    foreign = tuple(
        ForeignKey(table, tuple(names), parent, tuple(to)) for table, _, names, parent, to in keys if parent
    )
    return Database(tuple(tables), foreign, tuple(issues), "\n".join(sql for _, _, sql in listed if sql))


def _duckdb_table(connection: duckdb.DuckDBPyConnection, full: str, name: str, part: str) -> Loaded:
    total, width = connection.execute(f"SELECT count(*) FROM {full}").fetchone()[0], 0
    width = len(connection.execute(f"SELECT * FROM {full} LIMIT 0").description or ())
    limit = max(1, MOST_CELLS // max(1, width))
    issues: tuple[Issue, ...] = ()
    if total > limit:
        issues = (Issue("sampled", f"described from the first {limit:,} of {total:,} rows", rows=total),)
    arrow = connection.sql(f"SELECT * FROM {full} LIMIT {limit}").to_arrow_table()
    frame = pl.DataFrame(pl.from_arrow(arrow))
    code = (
        "import duckdb\n\n"
        f"connection = duckdb.connect({shown_path(part)!r}, read_only=True)\n"
        f"df = connection.execute({f'SELECT * FROM {full}'!r}).df()\n"
    )
    plan = ReadPlan(part, (Decision("table", name, "listed in duckdb_tables()"),), code, duckdb=full)
    return Loaded(name=name, plan=plan, frame=frame, rows=total, issues=issues)


def _duckdb_keys(
    connection: duckdb.DuckDBPyConnection,
) -> list[tuple[str, str, list[str], str | None, list[str]]]:
    """Primary keys (no parent) and foreign keys, by table."""
    rows = connection.execute(
        "SELECT table_name, constraint_type, constraint_column_names, referenced_table, "
        "referenced_column_names "
        "FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"
    ).fetchall()
    return [(table, kind, names, parent or None, to or []) for table, kind, names, parent, to in rows]


def _is_wal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


def _table(connection: sqlite3.Connection, name: str, part: str, *, wal: bool) -> Loaded:
    described = connection.execute(f"PRAGMA table_info({quote(name)})").fetchall()
    names = [row[1] for row in described]
    if not names:
        raise sqlite3.OperationalError("no columns")
    total = connection.execute(f"SELECT COUNT(*) FROM {quote(name)}").fetchone()[0]
    limit = max(1, MOST_CELLS // len(names))
    issues: list[Issue] = []
    if total > limit:
        issues.append(Issue("sampled", f"described from the first {limit:,} of {total:,} rows", rows=total))
    frame, hints = _frame(connection, name, names, limit, issues)
    key = tuple(row[1] for row in sorted(described, key=lambda row: row[5]) if row[5])
    return Loaded(
        name=name, plan=_plan(part, name, wal=wal), frame=frame, hints=hints, issues=tuple(issues),
        primary_key=key,
        rows=total,
    )  # fmt: skip


def _frame(
    connection: sqlite3.Connection, name: str, names: list[str], limit: int, issues: list[Issue]
) -> tuple[pl.DataFrame, dict[str, Hint]]:
    cursor = connection.execute(f"SELECT * FROM {quote(name)} LIMIT {limit}")
    columns: list[list[object]] = [[] for _ in names]
    while rows := cursor.fetchmany(_BATCH):
        for place, values in enumerate(zip(*rows, strict=True)):
            columns[place].extend(values)
    series = []
    hints: dict[str, Hint] = {}
    for column, held in zip(names, columns, strict=True):
        kinds = {type(value) for value in held if value is not None}
        if len(kinds) > 1 and kinds != {int, float}:
            text = [value for value in held if isinstance(value, str)]
            listed = ", ".join(sorted(kind.__name__ for kind in kinds))
            example = text[0] if text else None
            issues.append(Issue("mixed_types", f"stored as {listed}", column, len(text), example))
        one = from_values(column, held)
        series.append(one)
        if one.dtype == pl.String:
            found = find_date_format(one.drop_nulls().unique(maintain_order=True).head(500).to_list())
            if found:
                hints[column] = Hint(is_date_text=True)
    return pl.DataFrame(series), hints


def _foreign_keys(connection: sqlite3.Connection, name: str) -> list[ForeignKey]:
    keys: dict[int, tuple[str, list[str], list[str]]] = {}
    for number, _, parent, child_column, parent_column, *_ in connection.execute(
        f"PRAGMA foreign_key_list({quote(name)})"
    ):
        _, children, parents = keys.setdefault(number, (parent, [], []))
        children.append(child_column)
        if parent_column is not None:
            parents.append(parent_column)
    found = []
    for _, (parent, children, parents) in sorted(keys.items()):
        targets = parents or [
            row[1] for row in connection.execute(f"PRAGMA table_info({quote(parent)})") if row[5]
        ]
        if len(targets) == len(children):
            found.append(ForeignKey(name, tuple(children), parent, tuple(targets)))
    return found


def _plan(part: str, table: str, *, wal: bool) -> ReadPlan:
    query = f"SELECT * FROM {quote(table)}"
    place = f'"file:{shown_path(part)}?immutable=1", uri=True' if wal else repr(shown_path(part))
    code = (
        "import sqlite3\n\nimport pandas as pd\n\n"
        f"connection = sqlite3.connect({place})\n"
        f"df = pd.read_sql({query!r}, connection)\n"
    )
    decisions = [Decision("table", table, "listed in sqlite_master")]
    if wal:
        decisions.append(
            Decision("open", "immutable", "written in WAL mode: a plain open needs a writable folder")
        )
    return ReadPlan(part=part, decisions=tuple(decisions), pandas=code, raw_works=True)
