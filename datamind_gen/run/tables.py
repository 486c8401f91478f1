"""The funnel and the coverage matrix as terminal tables."""

from __future__ import annotations

from collections import defaultdict

from rich.console import Console
from rich.table import Table

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.rows import Reason

LOG_WIDTH = 120
"""Columns for tables where there is no terminal to ask."""


def open_console() -> Console:
    """Standard output, wide enough for the tables when it is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=LOG_WIDTH)


def funnel_table(funnel: Funnel) -> Table:
    """A line a stage: what came in, what became of it, and why."""
    table = Table(title="Funnel", title_justify="left", header_style="dim", box=None, padding=(0, 2))
    for name in ("stage", "unit", "in", "kept", "rejected", "failed", "why"):
        table.add_column(
            name, justify="left" if name in ("stage", "unit", "why") else "right", no_wrap=name != "why"
        )
    for count in funnel.stages:
        table.add_row(
            count.stage.value,
            count.unit,
            f"{count.taken + count.made:,}",
            f"{count.kept:,}",
            f"{count.rejected_total:,}",
            f"{count.failed_total:,}",
            _say_reasons((*count.rejected, *count.failed)),
        )
    return table


def coverage_table(funnel: Funnel) -> Table:
    """Kept trajectories by category and format, with the hops of their queries."""
    kept: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    hops: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for cell in funnel.cells:
        kept[cell.category][cell.format.value] += cell.kept
        hops[cell.category][cell.hops] += cell.kept
    formats = sorted({format for row in kept.values() for format in row})
    depths = sorted({depth for row in hops.values() for depth in row})
    table = Table(title="Kept", title_justify="left", header_style="dim", box=None, padding=(0, 2))
    table.add_column("category", no_wrap=True)
    for name in (*formats, *(f"{depth} hop{'s' * (depth > 1)}" for depth in depths), "all"):
        table.add_column(name, justify="right")
    for category in sorted(kept):
        numbers = [kept[category][format] for format in formats]
        by_hops = [hops[category][depth] for depth in depths]
        table.add_row(category, *(str(number or "·") for number in (*numbers, *by_hops, sum(numbers))))
    return table


def _say_reasons(reasons: tuple[tuple[Reason, int], ...]) -> str:
    ordered = sorted(reasons, key=lambda pair: -pair[1])
    return ", ".join(f"{reason.value} {count:,}" for reason, count in ordered)
