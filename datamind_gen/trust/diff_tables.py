"""A diff as terminal tables: only what is different, but for the funnel and the cost."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from datamind_gen.trust.diff import CountChange, Diff

MOST = 20
"""Ids that are listed; --json has all."""


def print_diff(console: Console, diff: Diff) -> None:
    if diff.settings:
        table = _table("Settings", "setting", "before", "after", numbers=False)
        for change in diff.settings:
            table.add_row(change.key, change.before or "·", change.after or "·")
        console.print(table)
    else:
        console.print("the settings are the same")
    console.print()
    console.print(_funnel_table(diff))
    console.print()
    console.print(_spread_table(diff))
    console.print()
    for counts in diff.counts:
        if any(before != after for _, before, after in counts.counts):
            console.print(_count_table(counts))
            console.print()
    console.print(_cost_table(diff))
    console.print()
    console.print(
        f"{diff.same:,} rows are the same, {len(diff.changed):,} changed, {len(diff.gained):,} gained, "
        f"{len(diff.lost):,} lost",
        highlight=False,
    )
    for sign, ids in (("+", diff.gained), ("-", diff.lost), ("~", diff.changed)):
        for id in ids[:MOST]:
            console.print(f"{sign} {id}", highlight=False)
        if len(ids) > MOST:
            console.print(f"{sign} … {len(ids) - MOST:,} more; --json lists all", highlight=False)


def _funnel_table(diff: Diff) -> Table:
    table = _table("Funnel", "stage", "in", "", "kept", "")
    table.add_column("why, where different", overflow="fold")
    for stage in diff.funnel:
        whys = [f"{reason} {one:,} → {other:,}" for reason, one, other in stage.reasons if one != other]
        table.add_row(
            stage.stage,
            *(f"{number:,}" for number in (*stage.taken, *stage.kept)),
            ", ".join(whys),
        )
    return table


def _spread_table(diff: Diff) -> Table:
    table = _table("Rows", "of a row", "mean", "", "median", "", "90 %", "")
    for change in diff.spreads:
        one, other = change.before, change.after
        numbers = (one.mean, other.mean, one.median, other.median, one.p90, other.p90)
        table.add_row(change.name, *("·" if number is None else f"{number:,.1f}" for number in numbers))
    return table


def _count_table(change: CountChange) -> Table:
    table = _table(f"Rows by {change.name}", "", "before", "after")
    for value, before, after in change.counts:
        table.add_row(value, f"{before:,}", f"{after:,}")
    return table


def _cost_table(diff: Diff) -> Table:
    table = _table("Cost", "", "before", "after")
    one, other = diff.cost
    for name, mine, theirs in (
        ("rows", one.rows, other.rows),
        ("model calls", one.calls, other.calls),
        ("tokens a row", one.tokens_per_row, other.tokens_per_row),
        ("USD a row", one.usd_per_row, other.usd_per_row),
        ("seconds a row", one.wall_s_per_row, other.wall_s_per_row),
    ):
        table.add_row(name, _number(mine), _number(theirs))
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _table(title: str, first: str, *others: str, numbers: bool = True) -> Table:
    table = Table(title=title, title_justify="left", header_style="dim", box=None, padding=(0, 1))
    table.add_column(first, no_wrap=numbers)
    for name in others:
        table.add_column(name, justify="right" if numbers else "left", no_wrap=numbers)
    return table
