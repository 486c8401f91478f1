"""The card's pictures: the funnel, the coverage matrix, the distributions. The same rows, the same bytes.

Drawn on matplotlib's Agg canvas directly: no global state, so that a run's process can draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.publish.statistics import Coverage, RowCounts
from datamind_gen.rows import Level

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "plots"
_KEPT, _REJECTED, _FAILED = "#2f7d5b", "#d9a441", "#b5483a"
_INK, _PALE = "#24292f", "#e7ebee"


def draw_plots(folder: Path, funnel: Funnel, counts: RowCounts) -> tuple[str, ...]:
    """Writes folder/plots/*.png and returns their paths relative to the folder."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    (folder / FOLDER).mkdir()
    pictures: dict[str, Callable[[], Figure]] = {}
    if funnel.stages:
        pictures["funnel"] = lambda: _draw_funnel(funnel)
    if counts.rows:
        pictures["coverage"] = lambda: _draw_coverage(counts.cover(funnel.cells))
        pictures["distributions"] = lambda: _draw_distributions(counts)
    for name, draw in pictures.items():
        figure = draw()
        FigureCanvasAgg(figure)
        figure.savefig(folder / FOLDER / f"{name}.png", dpi=110, metadata={"Software": None})
    return tuple(f"{FOLDER}/{name}.png" for name in pictures)


def _draw_funnel(funnel: Funnel) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.42 * len(funnel.stages) + 1.1), layout="constrained")
    axes = figure.subplots()
    stages = list(reversed(funnel.stages))
    for row, count in enumerate(stages):
        start = 0.0
        total = max(1, count.kept + count.rejected_total + count.failed_total)
        for value, colour in (
            (count.kept, _KEPT),
            (count.rejected_total, _REJECTED),
            (count.failed_total, _FAILED),
        ):
            share = 100 * value / total
            axes.barh(row, share, left=start, color=colour, height=0.62)
            if share >= 7:
                axes.text(
                    start + share / 2, row, f"{value:,}", ha="center", va="center", color="white", size=8
                )
            start += share
    labels = [f"{count.stage.value}  ({count.unit})" for count in stages]
    axes.set_yticks(range(len(stages)), labels, size=8.5)
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the stage's rows, %", size=8.5)
    for label, colour in (("kept", _KEPT), ("rejected", _REJECTED), ("failed", _FAILED)):
        axes.barh(0, 0, color=colour, label=label)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
    _quiet(axes)
    return figure


def _draw_coverage(coverage: Coverage) -> Figure:
    from matplotlib.figure import Figure

    rows, columns = len(coverage.categories), len(coverage.formats)
    figure = Figure(figsize=(max(4.5, 2.6 + 0.75 * columns), 0.3 * rows + 1.0), layout="constrained")
    axes = figure.subplots()
    grid = [
        [coverage.kept.get((category, kind), 0) for kind in coverage.formats]
        for category in coverage.categories
    ]
    most = max(1, max(max(row) for row in grid))
    axes.imshow(grid, cmap="YlGn", vmin=0, vmax=most, aspect="auto")
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            axes.text(
                x, y, f"{value:,}", ha="center", va="center", size=8,
                color="white" if value > 0.6 * most else _INK,
            )  # fmt: skip
    axes.set_xticks(range(columns), [kind.value for kind in coverage.formats], size=8.5)
    axes.set_yticks(range(rows), [name.replace("_", " ") for name in coverage.categories], size=8.5)
    axes.xaxis.tick_top()
    _quiet(axes)
    return figure


def _draw_distributions(counts: RowCounts) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 4.6), layout="constrained")
    grid = figure.subplots(2, 2)
    panels: tuple[tuple[str, Sequence[tuple[object, int]]], ...] = (
        ("turns of a trajectory", sorted(counts.turns.items())),
        ("hops of a question", sorted(counts.hops.items())),
        ("level", [(level.value, counts.levels[level]) for level in Level if counts.levels[level]]),
        ("type of answer", sorted(counts.answer_types.items(), key=lambda pair: (-pair[1], pair[0]))),
    )
    for axes, (title, bars) in zip(grid.flat, panels, strict=True):
        axes.bar(range(len(bars)), [count for _, count in bars], color=_KEPT, width=0.7)
        axes.set_xticks(range(len(bars)), [str(value).replace("_", " ") for value, _ in bars], size=8)
        axes.set_title(title, size=9.5, loc="left")
        axes.tick_params(axis="y", labelsize=8)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.set_axisbelow(True)
        axes.grid(axis="y", color=_PALE)
        _quiet(axes)
    return figure


def _quiet(axes: Any) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
