"""The demonstration: joint training beside RL alone and SFT alone, from one cold start, with both teachers.

    python -m tests.bench.trainer_curves --setting good      # the experts are right
    python -m tests.bench.trainer_curves --setting noisy     # six of ten experts are wrong
    options: --seeds 3  --sft-steps 1200  --cold-steps N  --rl-steps 40  --limit N  --out runs/curves
             and key=value of the recipe, such as model.scratch.width=128

Each setting makes its dataset with the real engine (pipelines/tiny.yaml or tiny-noisy.yaml). A seed is one
whole SFT run (good teacher only), one cold start, and three ways on from it (five with the noisy teacher:
fixed γ of 0.2 and 0.8 as well). The table and the pictures are written anew after every run, seed after
seed. Nothing done is done again: run it again after a stop, also with more seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from trainers.config import RECIPES
from trainers.plots import Curves, draw, plot_series
from trainers.tracking import read_jsonl

COLD_STEPS = {"good": 500, "noisy": 1000}
"""What wrong experts teach takes longer to learn."""
PIPELINES = {"good": "pipelines/tiny.yaml", "noisy": "pipelines/tiny-noisy.yaml"}
RECIPE = str(RECIPES / "tiny.yaml")
WAYS = {"joint": (0.9, 0.05), "RL only": (0.0, 0.0), "SFT only": (1.0, 1.0)}
FIXED = {"γ 0.2": (0.2, 0.2), "γ 0.8": (0.8, 0.8)}
"""γ's peak and valley."""
SIDE_BY_SIDE = ("eval/accuracy", "reward", "void", "sampled_entropy")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--setting", choices=list(PIPELINES), required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sft-steps", type=int, default=1200, help="of the whole SFT run: is to reach 95 %%")
    parser.add_argument("--cold-steps", type=int, help="of the cold start; 500 if good, 1000 if noisy")
    parser.add_argument("--rl-steps", type=int, default=40)
    parser.add_argument("--limit", type=int, help="questions, for a quick look")
    parser.add_argument("--out", type=Path, default=Path("runs/curves"))
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    arguments = parser.parse_args()
    folder = arguments.out / arguments.setting
    dataset = folder / "data" / "dataset"
    if not dataset.is_dir():
        limit = ["--limit", str(arguments.limit)] if arguments.limit else []
        pipeline = PIPELINES[arguments.setting]
        run("datamind_gen", "run", pipeline, "--out", str(folder / "data"), *limit)
    good = arguments.setting == "good"
    cold_steps = arguments.cold_steps or COLD_STEPS[arguments.setting]
    for seed in range(arguments.seeds):
        place = folder / f"seed{seed}"
        common = (f"seed={seed}", f"data.dataset={dataset}", "device=cpu", *arguments.overrides)
        cold = train("sft", place / "cold", *common, *steps("sft", cold_steps))
        for way, (peak, valley) in (WAYS if good else WAYS | FIXED).items():
            decay = max(arguments.rl_steps * 3 // 4, 1)
            gamma = f"rl.gamma={{peak: {peak}, valley: {valley}, decay: {decay}}}"
            start = f"rl.start={cold / 'model'}"
            train("rl", place / way, *common, *steps("rl", arguments.rl_steps), start, gamma)
            report(folder, arguments.setting)
        if good:
            train("sft", place / "whole", *common, *steps("sft", arguments.sft_steps))
            measure(place / "whole", *common)
            report(folder, arguments.setting)


def steps(verb: str, count: int) -> tuple[str, ...]:
    return (f"{verb}.max_steps={count}", *(("sft.epochs=10000",) if verb == "sft" else ()))


def train(verb: str, out: Path, *overrides: str) -> Path:
    """Trains unless its model is there already; goes on where a stop left it."""
    if not (out / verb / "model").is_dir():
        run("trainers", verb, "--config", RECIPE, f"out={out}", "checkpoints.every=10", *overrides)
    return out / verb


def measure(out: Path, *overrides: str) -> None:
    """Held-out accuracy by `trainers evaluate`, which goes on where it stopped."""
    run("trainers", "evaluate", "--config", RECIPE, f"out={out}", *overrides)


def run(*arguments: str) -> None:
    command = [sys.executable, "-m", *arguments]
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True, env={"OMP_NUM_THREADS": "1", **os.environ})


def report(folder: Path, setting: str) -> None:
    """The table and the pictures of whatever is there."""
    curves: Curves = {}
    for way in WAYS | FIXED:
        seeds = [read_jsonl(path) for path in sorted(folder.glob(f"seed*/{way}/rl/metrics.jsonl"))]
        if seeds:
            curves[way] = seeds
    show(curves)
    reports = sorted(folder.glob("seed*/whole/evaluate/holdout-*/report.json"))
    accuracies = [json.loads(path.read_text(encoding="utf-8"))["pass@1"]["value"] for path in reports]
    if accuracies:
        print(f"whole SFT run: held-out accuracy {spread(accuracies)} over {len(accuracies)} seeds")
    page = plot_series(curves, folder / "curves", title=f"From one cold start, {setting} teacher")
    print(f"curves: {page}, {draw(curves, SIDE_BY_SIDE, folder / f'curves-{setting}.png')}", flush=True)


def show(curves: Curves) -> None:
    """Held-out accuracy by step: mean (least-most) over the seeds."""
    points: dict[tuple[str, int], list[float]] = {}
    for way, seeds in curves.items():
        for row in (row for rows in seeds for row in rows if "eval/accuracy" in row):
            points.setdefault((way, row["step"]), []).append(row["eval/accuracy"])
    columns = sorted({step for _, step in points})
    print(f"{'seeds':12}" + "".join(f"{f'step {step}':>22}" for step in columns))
    for way, seeds in curves.items():
        cells = [spread(points[way, step]) if (way, step) in points else "" for step in columns]
        print(f"{way:10}{len(seeds):2}" + "".join(f"{cell:>22}" for cell in cells))


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    main()
