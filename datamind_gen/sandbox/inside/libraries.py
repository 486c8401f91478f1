"""Makes the data libraries behave in a session: the same random numbers every time, and no idle threads."""

from __future__ import annotations

import functools
import hashlib
import random
import sys
from typing import Any

_DUCKDB_FUNCTIONS = (
    *("sql", "query", "execute", "executemany", "query_df", "from_df", "df", "from_arrow", "arrow"),
    *("read_csv", "from_csv_auto", "read_parquet", "from_parquet", "read_json", "table", "view", "values"),
    *("register", "fetchall", "fetchone", "fetchdf", "cursor"),
)


def seed_everything(seed: str) -> None:
    """Seeds Python's and numpy's generators from a text, and those that numpy makes without a seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "little")
    random.seed(number)
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return
    numpy.random.seed(number)
    fresh = numpy.random.SeedSequence(number)
    original = numpy.random.default_rng

    @functools.wraps(original, updated=())
    def default_rng(seed: Any = None) -> Any:
        return original(fresh.spawn(1)[0] if seed is None else seed)

    numpy.random.default_rng = default_rng


def tame_duckdb() -> None:
    """DuckDB keeps no threads between calls, so that a session can be copied while a connection is open."""
    duckdb: Any = sys.modules.get("duckdb")
    if duckdb is None:
        return
    calm: dict[str, Any] = {"threads": 1}
    if int(duckdb.__version__.split(".")[0]) >= 2:
        calm["async_threads"] = 0
    original = duckdb.connect

    @functools.wraps(original, updated=())
    def connect(database: Any = ":memory:", read_only: bool = False, config: Any = None) -> Any:
        connection = original(database, read_only, {**calm, **(config or {})})
        connection.execute("SET enable_progress_bar = false")  # it draws on a captured stdout, too
        return connection

    duckdb.connect = connect
    has_default = False

    def with_default(function: Any) -> Any:
        @functools.wraps(function, updated=())
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal has_default
            if not has_default:
                has_default = True
                duckdb.set_default_connection(connect())
            return function(*arguments, **options)

        return call

    for name in _DUCKDB_FUNCTIONS:
        if hasattr(duckdb, name):
            setattr(duckdb, name, with_default(getattr(duckdb, name)))
