"""Answers by another route than a program's Python: its SQL in DuckDB, or another library where it has none.

`answer_again(chain, tables)` gives the result rows that the program's answer must agree with. What a program
computes with pandas, numpy and scipy is computed here with DuckDB, polars, statsmodels or from the formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import statsmodels.api as sm
from statsmodels.stats.oneway import anova_oneway
from statsmodels.stats.weightstats import DescrStatsW, ttest_ind

from datamind_gen.rows import FileFormat
from datamind_gen.taxonomy.chain import Chain
from datamind_gen.taxonomy.code import reference_sql
from datamind_gen.taxonomy.harness import plain
from datamind_gen.taxonomy.render import quote_identifier as q

Rows = list[list[Any]]
Slots = Mapping[str, Any]
Route = Callable[[pd.DataFrame, Slots], Rows]


def run_sql(sql: str, tables: Mapping[str, pd.DataFrame]) -> Rows:
    """The rows that a statement gives in DuckDB over these tables."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    for name, frame in tables.items():
        connection.register(name, frame)
    return [[_cell(cell) for cell in row] for row in connection.execute(sql).fetchall()]


def _cell(cell: Any) -> Any:
    return None if cell is None else plain(float(cell) if type(cell).__name__ == "Decimal" else cell)


def answer_again(chain: Chain, tables: Mapping[str, pd.DataFrame]) -> tuple[str, Rows] | None:
    """The route's name and its rows; None where there is no second route."""
    sql = reference_sql(chain, FileFormat.DUCKDB)
    if sql is not None:
        return "SQL in DuckDB", run_sql(sql, tables)
    route = ROUTES.get(chain.last.program.name)
    if route is None or len(chain.links) > 1 or chain.view.joins:
        return None
    slots = {
        slot.name: slot.column if _is_column(chain, slot.name) else slot.value for slot in chain.last.slots
    }
    return "another library", route(tables[chain.view.tables[0]], slots)


def _is_column(chain: Chain, name: str) -> bool:
    return chain.last.program.slots[name].column is not None


# --- one route a program that has no SQL -----------------------------------------------------------


def _group_medians(df: pd.DataFrame, s: Slots) -> Rows:
    group, value = q(s["group"]), q(s["value"])
    sql = f"SELECT {group}, MEDIAN({value}) AS m FROM df WHERE {group} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"
    return run_sql(sql, {"df": df})


def _typical_group_median(df: pd.DataFrame, s: Slots) -> Rows:
    medians = [row[1] for row in _group_medians(df, s) if row[1] is not None]
    return [[math.fsum(medians) / len(medians)]]


def _order_of_groups(df: pd.DataFrame, s: Slots) -> Rows:
    return [[row[0]] for row in _group_medians(df, s)]


def _strongest_of_three(df: pd.DataFrame, s: Slots) -> Rows:
    names = [s["first"], s["second"], s["third"]]
    known = " AND ".join(f"{q(name)} IS NOT NULL" for name in (s["target"], *names))
    cells = ", ".join(f"ABS(CORR({q(name)}, {q(s['target'])}))" for name in names)
    (found,) = run_sql(f"SELECT {cells} FROM df WHERE {known}", {"df": df})
    return [[max(zip(found, names, strict=True))[1]]]


def _correlation_with_test(df: pd.DataFrame, s: Slots) -> Rows:
    pairs = df[[s["one"], s["other"]]].dropna().astype(float).to_numpy()
    fit = sm.OLS(pairs[:, 1], sm.add_constant(pairs[:, 0])).fit()
    r = math.copysign(math.sqrt(fit.rsquared), fit.params[1])
    return [["positive" if r > 0 else "negative", r, "Yes" if fit.pvalues[1] < 0.05 else "No"]]


def _size_and_gaps(df: pd.DataFrame, s: Slots) -> Rows:
    frame = pl.from_pandas(df)
    gaps = sum(frame[name].null_count() > 0 for name in frame.columns)
    return [[frame.height, frame.width, frame[s["unit"]].drop_nulls().n_unique(), gaps]]


def _gappy_columns(df: pd.DataFrame, s: Slots) -> Rows:
    frame = pl.from_pandas(df)
    names = [name for name in frame.columns if 100 * frame[name].null_count() > s["share"] * frame.height]
    return [[name] for name in names]


def _most_varied_column(df: pd.DataFrame, s: Slots) -> Rows:
    frame = pl.from_pandas(df)
    names = [s["first"], s["second"], s["third"]]
    return [[max(names, key=lambda name: frame[name].drop_nulls().n_unique())]]


def _pick(df: pd.DataFrame, s: Slots, side: str) -> np.ndarray[Any, Any]:
    label = s[side]
    rows = [value for key, value in zip(df[s["group"]], df[s["value"]], strict=True) if key == label]
    return np.array([float(value) for value in rows if not pd.isna(value)])


def _normality_of_label(df: pd.DataFrame, s: Slots) -> Rows:
    """Royston (1995), algorithm AS R94, for 12 values or more."""
    x = np.sort(_pick(df, s, "level"))
    n = len(x)
    m = np.array([NormalDist().inv_cdf((i - 0.375) / (n + 0.25)) for i in range(1, n + 1)])
    u, norm = 1 / math.sqrt(n), float(m @ m)
    last = np.polyval([-2.706056, 4.434685, -2.07119, -0.147981, 0.221157, m[-1] / math.sqrt(norm)], u)
    next_ = np.polyval([-3.582633, 5.682633, -1.752461, -0.293762, 0.042981, m[-2] / math.sqrt(norm)], u)
    phi = (norm - 2 * m[-1] ** 2 - 2 * m[-2] ** 2) / (1 - 2 * last**2 - 2 * next_**2)
    a = m / math.sqrt(phi)
    a[-1], a[-2], a[0], a[1] = last, next_, -last, -next_
    w = float(a @ x) ** 2 / float(((x - x.mean()) ** 2).sum())
    log_n = math.log(n)
    mu = np.polyval([0.0038915, -0.083751, -0.31082, -1.5861], log_n)
    sigma = math.exp(np.polyval([0.0030302, -0.082676, -0.4803], log_n))
    p = 1 - NormalDist(mu, sigma).cdf(math.log(1 - w))
    tail = "right" if float(((x - x.mean()) ** 3).sum()) > 0 else "left"
    return [[w, "Yes" if p >= 0.05 else "No", tail]]


def _mann_whitney(df: pd.DataFrame, s: Slots) -> Rows:
    one, other = _pick(df, s, "one"), _pick(df, s, "other")
    n, k = len(one), len(other)
    both = pl.Series(np.concatenate([one, other]))
    ranks = both.rank("average").to_numpy()
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    ties = both.value_counts()["count"].to_numpy().astype(float)
    spread = math.sqrt(n * k / 12 * (n + k + 1 - float((ties**3 - ties).sum()) / ((n + k) * (n + k - 1))))
    z = max(abs(u - n * k / 2) - 0.5, 0) / spread
    higher = s["one"] if u > n * k / 2 else s["other"]
    return [[u, higher, "Yes" if 2 * (1 - NormalDist().cdf(z)) < 0.05 else "No"]]


def _strongest_of_three_factors(df: pd.DataFrame, s: Slots) -> Rows:
    names = [s["first"], s["second"], s["third"]]
    known = df[[s["outcome"], *names]].dropna().astype(float)
    fit = sm.OLS(known[s["outcome"]].to_numpy(), sm.add_constant(known[names].to_numpy())).fit()
    scale = [float(known[name].std() / known[s["outcome"]].std()) for name in names]
    betas = {name: beta * by for name, beta, by in zip(names, fit.params[1:], scale, strict=True)}
    strongest = max(names, key=lambda name: abs(betas[name]))
    return [[strongest, betas[strongest], 100 * fit.rsquared]]


def _upper_against_lower_tail(df: pd.DataFrame, s: Slots) -> Rows:
    order, value, end = q(s["order"]), q(s["value"]), s["end"]
    bound = "(SELECT QUANTILE_CONT({order}, {end}) FROM df)"
    high, low = (bound.format(order=order, end=share) for share in (end, 1 - end))
    mean = "(SELECT AVG({value}) FROM df WHERE {order} {side} {bound})"
    upper = mean.format(value=value, order=order, side=">=", bound=high)
    lower = mean.format(value=value, order=order, side="<=", bound=low)
    return run_sql(f"SELECT {upper} - {lower}", {"df": df})


def _confidence_interval(df: pd.DataFrame, s: Slots) -> Rows:
    return [list(map(float, DescrStatsW(_pick(df, s, "level")).tconfint_mean(0.05)))]


def _welch_test(df: pd.DataFrame, s: Slots) -> Rows:
    one, other = _pick(df, s, "one"), _pick(df, s, "other")
    t, p, _ = ttest_ind(one, other, usevar="unequal")
    return [[s["one"] if one.mean() > other.mean() else s["other"], float(t), "Yes" if p < 0.05 else "No"]]


def _equal_variances(df: pd.DataFrame, s: Slots) -> Rows:
    known = df[[s["group"], s["value"]]].dropna()
    parts = [part.to_numpy(dtype=float) for _, part in known.groupby(s["group"], observed=True)[s["value"]]]
    distances = [np.abs(part - np.median(part)) for part in parts]
    return [["Yes" if anova_oneway(distances, use_var="equal").pvalue < 0.05 else "No"]]


ROUTES: dict[str, Route] = {
    "typical_group_median": _typical_group_median,
    "order_of_groups": _order_of_groups,
    "strongest_of_three": _strongest_of_three,
    "correlation_with_test": _correlation_with_test,
    "size_and_gaps": _size_and_gaps,
    "gappy_columns": _gappy_columns,
    "most_varied_column": _most_varied_column,
    "normality_of_label": _normality_of_label,
    "mann_whitney": _mann_whitney,
    "strongest_of_three_factors": _strongest_of_three_factors,
    "upper_against_lower_tail": _upper_against_lower_tail,
    "confidence_interval": _confidence_interval,
    "welch_test": _welch_test,
    "equal_variances": _equal_variances,
}
