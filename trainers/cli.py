"""The command line.

    python -m trainers sft      --config trainers/recipes/tiny.yaml [key=value …] [--check]
    python -m trainers rl       --config …
    python -m trainers evaluate --config …
    python -m trainers export   --config … [rl.start=DIR]     # a LoRA adapter folded into whole weights
    python -m trainers plot     RUN [RUN …] [--out DIR]       # curves as PNG and one HTML page

Exit codes: 0 done, 1 failed, 2 a mistake in the recipe, the arguments or the dataset.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

from rich.console import Console

from trainers.config import Recipe, load_recipe
from trainers.errors import TrainerError

VERBS = ("sft", "rl", "evaluate", "export")


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; a user's mistake becomes a message and exit code 2."""
    parsed = _parser().parse_args(arguments)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=FutureWarning)
    console = Console(stderr=True)
    try:
        if parsed.verb == "plot":
            from trainers.plots import plot_runs

            console.print(f"curves: {plot_runs([Path(run) for run in parsed.runs], Path(parsed.out))}")
            return 0
        recipe = load_recipe(Path(parsed.config), parsed.overrides)
        if parsed.check:
            from trainers.check import check

            return check(recipe, parsed.verb)
        _run(recipe, parsed.verb, console)
    except TrainerError as error:
        console.print("[red]error:[/] ", end="")
        console.print(str(error).strip(), markup=False, highlight=False)
        return 2
    return 0


def _run(recipe: Recipe, verb: str, console: Console) -> None:
    match verb:
        case "sft":
            from trainers.sft import train_sft

            console.print(f"model: {train_sft(recipe)}")
        case "rl":
            from trainers.rl import train_rl

            console.print(f"model: {train_rl(recipe)}")
        case "evaluate":
            from trainers.evaluate import evaluate

            evaluate(recipe)
        case "export":
            from trainers.runtime import export_merged

            console.print(f"model: {export_merged(recipe)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trainers", description="Trains and evaluates data-analytic agents."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in VERBS:
        sub = verbs.add_parser(verb)
        sub.add_argument("--config", required=True, help="a recipe, such as trainers/recipes/tiny.yaml")
        sub.add_argument("overrides", nargs="*", metavar="key=value", help="such as rl.gamma.peak=0.5")
        sub.add_argument(
            "--check", action="store_true", help="show three tokenized rows, run one step, write nothing"
        )
    plot = verbs.add_parser("plot")
    plot.add_argument("runs", nargs="+", help="run directories, such as runs/training/tiny/rl")
    plot.add_argument("--out", default="runs/training/curves")
    return parser
