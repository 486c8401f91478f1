"""Curves of one or more runs: a PNG a measure, and all of them on one HTML page that needs nothing else.

python -m trainers plot runs/training/tiny/rl --out runs/training/curves
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from trainers.errors import TrainerError
from trainers.tracking import read_jsonl

Curves = dict[str, list[list[dict[str, Any]]]]
"""Rows of metrics.jsonl by setting, one list a seed."""

PAGE = Path(__file__).parent / "templates" / "curves.html.jinja"

MEASURES = {
    "eval/accuracy": "accuracy on held-out tasks",
    "reward": "mean reward of the rollouts",
    "accuracy": "share of right rollouts",
    "gamma": "γ, the weight of the SFT term",
    "loss": "loss",
    "sft/nll": "expert negative log-likelihood (nats a token)",
    "rl/entropy": "entropy (nats a token)",
    "sampled_entropy": "entropy, from the rollouts' log-probabilities",
    "void": "share of void rollouts",
    "rl/clip_fraction": "share of clipped tokens",
    "groups/filtered_share": "share of groups without a difference",
    "response_tokens": "tokens of a response",
    "turns": "turns of an episode",
    "code_errors": "share of failed code turns",
    "rl/engine_gap": "|trainer - engine| (nats a token)",
    "grad_norm": "gradient norm",
    "lr": "learning rate",
    "tokens_per_second": "trained tokens a second",
}


def plot_runs(runs: Sequence[Path], out: Path) -> Path:
    """Writes the curves of the runs' metrics.jsonl; returns the page."""
    found = {_label(run): read_jsonl(run / "metrics.jsonl") for run in runs}
    empty = [str(run) for run in runs if not found[_label(run)]]
    if empty:
        raise TrainerError(f"no metrics.jsonl with a row in {', '.join(empty)}")
    return plot_series({label: [rows] for label, rows in found.items()}, out, title="Training curves")


def plot_series(curves: Curves, out: Path, *, title: str) -> Path:
    """A PNG a measure and one page of all of them. Several seeds give a mean and their range."""
    out.mkdir(parents=True, exist_ok=True)
    figures = []
    for measure, caption in MEASURES.items():
        if any(measure in row for seeds in curves.values() for rows in seeds for row in rows):
            picture = draw(curves, [measure], out / f"{measure.replace('/', '-')}.png")
            figures.append((caption, base64.b64encode(picture.read_bytes()).decode()))
    page = out / "index.html"
    template = Environment(autoescape=True).from_string(PAGE.read_text(encoding="utf-8"))
    page.write_text(template.render(title=title, labels=list(curves), figures=figures), encoding="utf-8")
    return page


def draw(curves: Curves, measures: Sequence[str], path: Path) -> Path:
    """One PNG with the measures side by side, two a row."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = min(len(measures), 2)
    rows = math.ceil(len(measures) / 2)
    figure, panels = plt.subplots(
        rows, columns, figsize=(5.2 * columns, 3.2 * rows), dpi=120, squeeze=False, layout="constrained"
    )
    for measure, axes in zip(measures, panels.flat, strict=False):
        for label, seeds in curves.items():
            _draw_line(axes, label, [row for rows in seeds for row in rows if measure in row], measure)
        axes.set_title(MEASURES[measure], fontsize=10, loc="left")
        axes.set_xlabel("step", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    if len(curves) > 1:
        handles, labels = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9, frameon=False)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    return path


def _draw_line(axes: Any, label: str, rows: Sequence[dict[str, Any]], measure: str) -> None:
    points: dict[int, list[float]] = {}
    for row in rows:
        points.setdefault(row["step"], []).append(row[measure])
    steps = sorted(points)
    values = [points[step] for step in steps]
    marker = "o" if len(steps) < 20 else ""
    means = [sum(seeds) / len(seeds) for seeds in values]
    (line,) = axes.plot(steps, means, label=label, linewidth=1.6, marker=marker, markersize=3)
    axes.fill_between(
        steps, list(map(min, values)), list(map(max, values)), alpha=0.15, color=line.get_color(), linewidth=0
    )


def _label(run: Path) -> str:
    return "/".join(run.resolve().parts[-2:])
