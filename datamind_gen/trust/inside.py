"""Computes a program's answer anew, inside the sandbox: sent there as text by `recompute.py`.

It shares no code with what computed the reference (taxonomy/harness.py), and imports nothing of the
project, because the sandbox has none. `recompute` takes and gives JSON.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """What JSON can hold of a value: scalars, lists, `{"columns", "rows"}` of a frame, dicts."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        frame = value.reset_index() if value.index.name is not None else value
        rows = [[plain(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]
        return {"columns": [str(name) for name in frame.columns], "rows": rows}
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) or (
        hasattr(value, "tolist") and hasattr(value, "__len__")
    ):
        return [plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time(0) and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def by_python(draft: dict[str, Any]) -> Any:
    """The last hop's answer, all hops run in one namespace."""
    space: dict[str, Any] = {}
    exec("import pandas as pd\nimport numpy as np", space)
    exec(draft["load"], space)
    for number, hop in enumerate(draft["hops"]):
        exec(hop["wiring"], space)
        exec(hop["python"], space)
        space[f"answer_{number}"] = space["answer"]
    return plain(space["answer"])


def by_sql(draft: dict[str, Any]) -> Any:
    """The last statement's rows; each earlier one gives the literal that stands in for its answer."""
    literals: dict[int, str] = {}
    table: dict[str, Any] = {}
    with contextlib.closing(connect(draft)) as connection:
        for number, hop in enumerate(draft["hops"]):
            statement = re.sub(r"⟦answer_(\d+)⟧", lambda found: literals[int(found[1])], hop["sql"])
            cursor = connection.execute(statement)
            names = [str(part[0]) for part in cursor.description]
            table = {"columns": names, "rows": [[plain(cell) for cell in row] for row in cursor.fetchall()]}
            first = [literal(row[0]) for row in table["rows"]]
            literals[number] = f"({', '.join(first)})" if hop["type"] == "list" else (first or ["NULL"])[0]
    return table


def connect(draft: dict[str, Any]) -> Any:
    if draft["dialect"] == "sqlite":
        import sqlite3

        return sqlite3.connect(f"file:{draft['database']}?mode=ro", uri=True)
    import duckdb

    return duckdb.connect(draft["database"], read_only=True)


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def attempt(compute: Callable[[dict[str, Any]], Any], draft: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": compute(draft)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def recompute(text: str) -> str:
    """The answers by Python and, where every hop has one, by SQL."""
    draft = json.loads(text)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = {"python": attempt(by_python, draft)}
        if draft["dialect"] is not None:
            found["sql"] = attempt(by_sql, draft)
    return json.dumps(found)
