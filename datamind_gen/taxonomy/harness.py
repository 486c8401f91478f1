"""Runs drafts of programs inside the sandbox, and says what they answer: sent there as text.

One turn of a session executes this module's source, then `run_drafts(JSON)`. A draft is a view to load
and a list of steps, each with its wiring, its code and its guards. For each step the typed answer comes
back; for each earlier step, whether the last answer really depends on it, found by changing that step's
answer and running the rest again. It imports nothing of the project, because the sandbox has none.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import math
import sqlite3
import warnings
from typing import Any

import numpy as np
import pandas as pd

MIN_ROWS = 10
MIN_SHARE, ENOUGH_ROWS = 0.08, 30
"""A filter leaves at least MIN_ROWS rows, and this share of the table unless it leaves enough."""
_frames: dict[str, dict[str, Any]] = {}


class Unfit(Exception):
    """An answer that no question should have: empty, missing, infinite, or of the wrong type."""


# --- what guards may call -------------------------------------------------------------------------


def unique_max(values: Any) -> bool:
    """Whether one value, and not two alike, is the largest."""
    return clear_cut(values, 1)


def unique_min(values: Any) -> bool:
    """Whether one value, and not two alike, is the smallest."""
    return clear_cut(-pd.Series(values), 1)


def clear_cut(values: Any, n: int) -> bool:
    """Whether the n largest values are no ties with the next one."""
    ordered = np.sort(pd.Series(values).dropna().to_numpy(dtype=float))[::-1]
    if len(ordered) <= n:
        return False
    return bool(ordered[n - 1] - ordered[n] > 1e-9 * max(1.0, abs(ordered[n - 1])))


def distinct_values(values: Any) -> bool:
    """Whether no two values are alike: an order of them is free of ties."""
    numbers = pd.Series(values).dropna()
    return bool(numbers.is_unique)


def varies(values: Any) -> bool:
    """Whether the values are not all the same."""
    return pd.Series(values).dropna().nunique() > 1


def enough(groups: Any, rows: int = 3) -> bool:
    """Whether every group of a groupby has at least so many rows."""
    sizes = groups.size()
    return len(sizes) > 1 and bool(sizes.min() >= rows)


def far_from(value: float, bound: float, share: float = 0.02) -> bool:
    """Whether a value is clear of a bound on which a statement turns, as 0.05 for a p-value."""
    return bool(abs(value - bound) > share * max(abs(bound), 1e-12))


def trendless(values: Any) -> bool:
    """Whether a column does not run one way with its rows, as a national total does over the years: such a
    level has no tails to trim, and its values are no shares of anything."""
    known = pd.Series(values).dropna()
    order = pd.Series(range(len(known)), index=known.index)
    return not abs(known.corr(order, method="spearman")) >= 0.9


HELPERS = {
    function.__name__: function
    for function in (unique_max, unique_min, clear_cut, distinct_values, varies, enough, far_from, trendless)
}


# --- answers ---------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A JSON scalar. Raises Unfit for what is none."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        raise Unfit("the answer is missing")
    if isinstance(value, (pd.Timestamp, datetime.datetime)):
        midnight = value.time() == datetime.time(0) and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, pd.Period):
        return str(value)
    if isinstance(value, (datetime.date,)):
        return value.isoformat()
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit(f"the answer is {value}")
        return value
    raise Unfit(f"the answer is of type {type(value).__name__}")


def typed(value: Any, kind: str) -> Any:
    """The answer as JSON, checked against its declared type. Raises Unfit."""
    if kind == "table":
        if not isinstance(value, pd.DataFrame) or value.empty:
            raise Unfit("the answer is no table, or an empty one")
        frame = value.reset_index() if value.index.name is not None else value
        rows = [[plain(cell) for cell in row] for row in frame.head(1000).itertuples(index=False, name=None)]
        return {"columns": [str(name) for name in frame.columns], "rows": rows}
    if kind == "list":
        values = [plain(part) for part in value]
        if not values:
            raise Unfit("the answer is an empty list")
        return values
    if kind == "claims":
        if not isinstance(value, dict) or not value:
            raise Unfit("the answer is no dict of claims")
        return {str(name): plain(part) for name, part in value.items()}
    found = plain(value)
    if kind in ("number", "percent") and (isinstance(found, bool) or not isinstance(found, (int, float))):
        raise Unfit(f"the answer is {found!r}, which is no number")
    if kind == "boolean" and not isinstance(found, bool):
        raise Unfit(f"the answer is {found!r}, which is neither True nor False")
    if kind == "label" and isinstance(found, str) and not found.strip():
        raise Unfit("the answer is an empty label")
    return found


def rounded(value: Any, decimals: int = 6) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{decimals}e}")
    if isinstance(value, list):
        return [rounded(part) for part in value]
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return value


# --- running ---------------------------------------------------------------------------------------


def load(view: dict[str, Any]) -> dict[str, Any]:
    if view["key"] not in _frames:
        space: dict[str, Any] = {}
        exec(compile(view["load"], "<load>", "exec"), space)
        _frames[view["key"]] = space
    space = dict(_frames[view["key"]])
    space.update(pd=pd, np=np, df=space["df"].copy(), **HELPERS)
    return space


def run_steps(
    space: dict[str, Any],
    steps: list[dict[str, Any]],
    first: int = 0,
    *,
    guarded: bool = True,
    unfiltered: int = -1,
    after: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Runs the steps from `first` on, in one namespace. A step's answer is bound as `answer_N`. `after`
    collects the namespace as each step leaves it."""
    results = []
    whole = len(space["df"])
    for index in range(first, len(steps)):
        step = steps[index]
        rows = len(space["df"])
        if guarded and index and lies_beside_a_row(space[f"answer_{index - 1}"], space["df"], step):
            raise Unfit(f"degenerate: but for rounding, what hop {index} found is the value of a row")
        if index != unfiltered:
            exec(compile(step["wiring"], f"<wiring {index}>", "exec"), space)
        kept = len(space["df"])
        if step["wire"] == "filter" and guarded:
            if kept == rows:
                raise Unfit("degenerate: the filter keeps every row")
            if kept < least_kept(whole):
                raise Unfit(f"degenerate: the filter keeps {kept} rows")
        try:
            exec(compile(step["python"], f"<hop {index}>", "exec"), space)
        except (LookupError, ValueError, ZeroDivisionError) as error:
            if not lacks_data(error, index, space["df"]):
                raise
            why = f"{type(error).__name__}: {error}"[:200]
            raise Unfit(f"degenerate: hop {index + 1} finds too little data: {why}") from error
        answer = space["answer"]
        space[f"answer_{index}"] = answer
        found = typed(answer, step["type"])
        if guarded:
            for guard in step["guards"]:
                if not bool(eval(guard, space)):
                    raise Unfit(f"guard: {guard}")
        results.append({"answer": found, "rows": rows, "kept": kept})
        if after is not None and index < len(steps) - 1:
            after.append(copied(space))
    return results


def least_kept(rows: int) -> float:
    """The rows of a table that a filter has to leave."""
    return max(MIN_ROWS, min(MIN_SHARE * rows, ENOUGH_ROWS))


def lies_beside_a_row(answer: Any, frame: pd.DataFrame, step: dict[str, Any]) -> bool:
    """Whether a number that rows are compared with differs from one of them by its last bits alone, or is one
    whose last bits count: the side that such a row is on depends on the order in which a mean was summed."""
    column = step["wire_column"]
    if not isinstance(answer, float) or column not in frame.columns:
        return False
    values = frame[column]
    if not pd.api.types.is_numeric_dtype(values):
        return False
    near = np.isclose(values.to_numpy(dtype=float, na_value=np.nan), answer, rtol=1e-9, atol=0)
    if float(f"{answer:.12g}") == answer:
        near &= (values != answer).to_numpy(dtype=bool, na_value=False)
    return bool(near.any())


def lacks_data(error: Exception, index: int, frame: pd.DataFrame) -> bool:
    """Whether code failed for want of rows: after a narrowing hop, at a label whose rows are all gone or
    incomplete, or at the extreme of nothing. What else fails is the program's own mistake."""
    if index > 0 or "empty sequence" in str(error) or "all NA values" in str(error):
        return True
    if not isinstance(error, KeyError) or error.args[0] in frame.columns:
        return False
    return any((frame[name] == error.args[0]).any() for name in frame.columns)


def copied(space: dict[str, Any]) -> dict[str, Any]:
    """A namespace that can be run on without changing the other one's table."""
    return {**space, "df": space["df"].copy()}


def alternatives(space: dict[str, Any], step: dict[str, Any], following: dict[str, Any]) -> list[Any]:
    """Other answers that the step might have given."""
    answer, column, frame = space["answer"], following["wire_column"], space["df"]
    if step["type"] == "table":
        return [answer.head(max(2, len(answer) // 2)).copy(), answer.tail(max(2, len(answer) // 2)).copy()]
    if column is None or column not in frame.columns:
        return []
    values = frame[column].dropna()
    if step["type"] == "list":
        others = [value for value in values.value_counts().index if value not in list(answer)]
        return [others[: len(list(answer))], others[-len(list(answer)) :]] if others else []
    if step["type"] == "number" and pd.api.types.is_numeric_dtype(values) and following["wire"] != "label":
        found = [values.quantile(share) for share in (0.15, 0.35, 0.65, 0.85)]
        return [value for value in found if abs(value - answer) > 1e-9]
    return [value for value in values.value_counts().index[:6] if value != answer][:4]


def depends(steps: list[dict[str, Any]], index: int, after: dict[str, Any], final: Any) -> bool:
    """Whether another answer at a step changes the last one; also, whether leaving out its filter does.
    `after` is the namespace as the step left it."""
    following = steps[index + 1]

    def replay(alternative: Any = None, *, unfiltered: int = -1) -> Any:
        space = copied(after)
        if unfiltered < 0:
            space["answer"] = space[f"answer_{index}"] = alternative
        return rounded(run_steps(space, steps, index + 1, guarded=False, unfiltered=unfiltered)[-1]["answer"])

    if following["wire"] == "filter":
        with contextlib.suppress(Exception):
            if replay(unfiltered=index + 1) == rounded(final):
                return False
    for alternative in alternatives(after, steps[index], following):
        with contextlib.suppress(Exception):
            if replay(alternative) != rounded(final):
                return True
    return False


def run_sql(draft: dict[str, Any]) -> dict[str, Any] | None:
    """The draft's SQL over its database, read-only: column names and rows as they are."""
    if draft["sql"] is None:
        return None
    if draft["dialect"] == "sqlite":
        connection: Any = sqlite3.connect(f"file:{draft['database']}?mode=ro", uri=True)
    else:
        import duckdb

        connection = duckdb.connect(draft["database"], read_only=True)
    with contextlib.closing(connection):
        cursor = connection.execute(draft["sql"])
        columns = [str(part[0]) for part in cursor.description]
        rows = [[plain(cell) if cell is not None else None for cell in row] for row in cursor.fetchmany(1001)]
    if not rows:
        raise Unfit("the SQL gives no row")
    if len(rows) > 1000:
        raise Unfit("the SQL gives more than 1,000 rows")
    return {"columns": columns, "rows": rows}


def run_draft(draft: dict[str, Any]) -> dict[str, Any]:
    """One draft: `steps` and `sql`, or why it is unfit (`unfit`), or how its code failed (`error`)."""
    try:
        after: list[dict[str, Any]] = []
        results = run_steps(load(draft["view"]), draft["steps"], after=after)
        final = results[-1]["answer"]
        for index in range(len(results) - 1):
            if not depends(draft["steps"], index, after[index], final):
                raise Unfit(f"degenerate: the last answer does not depend on hop {index + 1}")
        return {"steps": results, "sql": run_sql(draft)}
    except Unfit as error:
        return {"unfit": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def run_drafts(text: str, *, stop_at_first: bool) -> str:
    """The drafts' results as JSON text, in order; ending with the first good one where asked to."""
    found = []
    for draft in json.loads(text):
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            found.append(run_draft(draft))
        if stop_at_first and "steps" in found[-1]:
            break
    return json.dumps(found, ensure_ascii=True, allow_nan=False)
