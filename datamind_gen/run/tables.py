"""The funnel and the coverage matrix as terminal tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.publish.manifest import NAME as MANIFEST
from datamind_gen.rows import Reason
from datamind_gen.stages.diversity import Diversity
from datamind_gen.stages.matrix import Gap

LOG_WIDTH = 120
"""Columns for tables where there is no terminal to ask."""


SHOWN_GAPS = 3
"""Rows of empty cells that are named."""


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
    """Kept trajectories by category and format, and by category and hops."""
    kept: dict[str, Counter[str]] = defaultdict(Counter)
    hops: dict[str, Counter[int]] = defaultdict(Counter)
    for cell in funnel.cells:
        kept[cell.category][cell.format.value] += cell.kept
        hops[cell.category][cell.hops] += cell.kept
    formats = sorted({format for row in kept.values() for format in row})
    depths = sorted({depth for row in hops.values() for depth in row})
    table = Table(
        title="Kept (· is none)", title_justify="left", header_style="dim", box=None, padding=(0, 1)
    )
    table.add_column("category", no_wrap=True)
    for name in formats:
        table.add_column(name, justify="right", no_wrap=True)
    for depth in depths:
        title = "hops " if depth == depths[0] else ""
        table.add_column(f"{title}{depth}", justify="right", no_wrap=True)
    table.add_column("all", justify="right", no_wrap=True)
    for category in sorted(kept):
        numbers = [kept[category][format] for format in formats]
        by_hops = [hops[category][depth] for depth in depths]
        table.add_row(
            category, *(f"{number:,}" if number else "·" for number in (*numbers, *by_hops, sum(numbers)))
        )
    return table


def describe_gaps(gaps: Sequence[Gap]) -> list[str]:
    """Empty cells of category x format x hops in a few lines, those alike together."""
    alike: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for gap in gaps:
        alike[gap.cause.value, gap.category, gap.format].append(gap.hops)
    by_cause: dict[str, list[str]] = defaultdict(list)
    for (cause, category, format), depths in alike.items():
        by_cause[cause].append(f"{category} x {format} x {','.join(map(str, sorted(depths)))}")
    counts = Counter(gap.cause.value for gap in gaps)
    return [
        f"{counts[cause]:,} empty {'cell' if counts[cause] == 1 else 'cells'}, "
        f"{cause}: {'; '.join(found[:SHOWN_GAPS])}"
        + (f"; … (all are in {MANIFEST})" if len(found) > SHOWN_GAPS else "")
        for cause, found in sorted(by_cause.items())
    ]


def diversity_table(diversity: Diversity) -> Table:
    """How different the kept questions are."""
    table = Table(title="Questions", title_justify="left", show_header=False, box=None, padding=(0, 1))
    for line in diversity.lines():
        table.add_row(*line)
    return table


def _say_reasons(reasons: tuple[tuple[Reason, int], ...]) -> str:
    ordered = sorted(reasons, key=lambda pair: -pair[1])
    return ", ".join(f"{reason.value} {count:,}" for reason, count in ordered)
