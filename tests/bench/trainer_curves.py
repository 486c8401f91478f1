"""The demonstration: joint training beside RL alone and SFT alone, from one cold start, with both teachers.

    python -m tests.bench.trainer_curves --setting good      # the experts are right
    python -m tests.bench.trainer_curves --setting noisy     # six of ten experts are wrong
    options: --seeds 3  --sft-steps 1200  --cold-steps 400  --rl-steps 40  --limit N  --out runs/curves

Each setting makes its dataset with the real engine (pipelines/tiny.yaml or tiny-noisy.yaml), trains the cold
start, and then goes on from it three ways (five with the noisy teacher: fixed γ of 0.2 and 0.8 as well), for
each seed. It prints held-out accuracy by step and writes the curves as PNG and one HTML page. Everything is
resumable: run it again after a stop.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from trainers.config import RECIPES
from trainers.plots import plot_series
from trainers.tracking import read_jsonl

PIPELINES = {"good": "pipelines/tiny.yaml", "noisy": "pipelines/tiny-noisy.yaml"}
WAYS = {
    "joint": {"peak": 0.9, "valley": 0.05},
    "rl only": {"peak": 0.0, "valley": 0.0},
    "sft only": {"peak": 1.0, "valley": 1.0},
}
FIXED = {"γ 0.2": {"peak": 0.2, "valley": 0.2}, "γ 0.8": {"peak": 0.8, "valley": 0.8}}


def run(*command: str) -> None:
    print("$", " ".join(command), flush=True)
    subprocess.run(
        command, check=True, env={**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    )


def train(verb: str, out: Path, *overrides: str) -> Path:
    """Trains unless its model is there already."""
    if not (out / verb / "model").is_dir():
        recipe = str(RECIPES / "tiny.yaml")
        run(sys.executable, "-m", "trainers", verb, "--config", recipe, f"out={out}", *overrides)
    return out / verb


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--setting", choices=list(PIPELINES), required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--sft-steps", type=int, default=1200, help="of the full SFT run, which is to reach 95 %%"
    )
    parser.add_argument("--cold-steps", type=int, default=400, help="of the cold start")
    parser.add_argument("--rl-steps", type=int, default=40)
    parser.add_argument("--limit", type=int, help="questions, for a quick look")
    parser.add_argument("--out", type=Path, default=Path("runs/curves"))
    arguments = parser.parse_args()
    folder = arguments.out / arguments.setting
    dataset = folder / "data" / "dataset"
    if not dataset.is_dir():
        limit = ["--limit", str(arguments.limit)] if arguments.limit else []
        pipeline = PIPELINES[arguments.setting]
        run(sys.executable, "-m", "datamind_gen", "run", pipeline, "--out", str(folder / "data"), *limit)
    ways = WAYS | (FIXED if arguments.setting == "noisy" else {})
    curves: dict[str, list[list[dict[str, float]]]] = {way: [] for way in ways}
    finals: dict[str, list[float]] = {"full SFT": []}
    for seed in range(arguments.seeds):
        common = (f"seed={seed}", f"data.dataset={dataset}", "device=cpu")
        place = folder / f"seed{seed}"
        full = place / "full"
        train("sft", full, *common, f"sft.max_steps={arguments.sft_steps}", "sft.epochs=10000")
        finals["full SFT"].append(held_out(full, common))
        cold = train(
            "sft", place / "cold", *common, f"sft.max_steps={arguments.cold_steps}", "sft.epochs=10000"
        )
        for way, gamma in ways.items():
            out = train(
                "rl",
                place / way.replace(" ", "-"),
                *common,
                f"rl.start={cold / 'model'}",
                f"rl.max_steps={arguments.rl_steps}",
                *(f"rl.gamma.{name}={value}" for name, value in gamma.items()),
                f"rl.gamma.decay={max(arguments.rl_steps * 3 // 4, 1)}",
            )
            curves[way].append(read_jsonl(out / "metrics.jsonl"))
    page = plot_series(curves, folder / "curves", title=f"From one cold start, {arguments.setting} teacher")
    show(curves, finals)
    print(f"curves: {page}")


def held_out(out: Path, common: tuple[str, ...]) -> float:
    """Held-out accuracy of a whole SFT run, by `trainers evaluate`."""
    import json

    recipe = str(RECIPES / "tiny.yaml")
    run(sys.executable, "-m", "trainers", "evaluate", "--config", recipe, f"out={out}", *common)
    (report,) = sorted((out / "evaluate").glob("holdout-*/report.json"))[-1:]
    return float(json.loads(report.read_text(encoding="utf-8"))["pass@1"]["value"])


def show(curves: dict[str, list[list[dict[str, float]]]], finals: dict[str, list[float]]) -> None:
    for label, values in finals.items():
        print(f"{label}: held-out accuracy {spread(values)}")
    steps = sorted(
        {
            int(row["step"])
            for seeds in curves.values()
            for rows in seeds
            for row in rows
            if "eval/accuracy" in row
        }
    )
    print(f"{'':10}" + "".join(f"{step:>22}" for step in steps))
    for way, seeds in curves.items():
        cells = []
        for step in steps:
            values = [
                row["eval/accuracy"]
                for rows in seeds
                for row in rows
                if row["step"] == step and "eval/accuracy" in row
            ]
            cells.append(spread(values) if values else "")
        print(f"{way:10}" + "".join(f"{cell:>22}" for cell in cells))


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    main()
