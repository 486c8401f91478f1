"""Curves of one or more runs: a PNG a measure, and all of them on one HTML page that needs nothing else.

python -m trainers plot runs/training/tiny/rl --out runs/training/curves
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainers.errors import TrainerError
from trainers.tracking import read_jsonl

MEASURES = {
    "eval/accuracy": "accuracy on held-out tasks",
    "reward": "mean reward of the rollouts",
    "accuracy": "share of right rollouts",
    "gamma": "γ, the weight of the SFT term",
    "loss": "loss",
    "sft/nll": "expert negative log-likelihood (nats a token)",
    "rl/entropy": "entropy (nats a token)",
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


def plot_series(settings: dict[str, list[list[dict[str, Any]]]], out: Path, *, title: str) -> Path:
    """Curves by setting: each has one list of rows a seed. Several seeds give a mean and their range."""
    out.mkdir(parents=True, exist_ok=True)
    figures = []
    for measure, caption in MEASURES.items():
        picture = _draw(settings, measure, caption)
        if picture is not None:
            (out / f"{measure.replace('/', '-')}.png").write_bytes(picture)
            figures.append((caption, picture))
    page = out / "index.html"
    page.write_text(_page(title, list(settings), figures), encoding="utf-8")
    return page


def _draw(settings: dict[str, list[list[dict[str, Any]]]], measure: str, caption: str) -> bytes | None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.2, 3.2), dpi=120)
    for label, seeds in settings.items():
        points: dict[int, list[float]] = {}
        for rows in seeds:
            for row in rows:
                if row.get(measure) is not None:
                    points.setdefault(row["step"], []).append(row[measure])
        steps = sorted(points)
        if not steps:
            continue
        means = [sum(points[step]) / len(points[step]) for step in steps]
        marker = "o" if len(steps) < 20 else ""
        (line,) = axes.plot(steps, means, label=label, linewidth=1.6, marker=marker, markersize=3)
        if len(seeds) > 1:
            low, high = [min(points[s]) for s in steps], [max(points[s]) for s in steps]
            axes.fill_between(steps, low, high, alpha=0.15, color=line.get_color(), linewidth=0)
    drawn = bool(axes.lines)
    axes.set_title(caption, fontsize=10, loc="left")
    axes.set_xlabel("step", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    if len(settings) > 1 and drawn:
        axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue() if drawn else None


def _page(title: str, labels: list[str], figures: list[tuple[str, bytes]]) -> str:
    pictures = "\n".join(
        f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,'
        f'{base64.b64encode(picture).decode()}"></figure>'
        for caption, picture in figures
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1240px; padding: 0 1rem }}
main {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(360px, 1fr)) }}
figure {{ margin: 0 }} img {{ width: 100%; height: auto }} p {{ color: #666 }}
</style>
<h1>{html.escape(title)}</h1>
<p>{html.escape(" · ".join(labels))}</p>
<main>
{pictures}
</main>
</html>
"""


def _label(run: Path) -> str:
    return "/".join(run.resolve().parts[-2:])
