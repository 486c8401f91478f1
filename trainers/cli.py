"""The command line.

    python -m trainers sft      --config tiny [key=value …] [--check]   # a file, or a shipped recipe's name
    python -m trainers rl       --config …
    python -m trainers evaluate --config …
    python -m trainers export   --config … [rl.start=DIR]     # a LoRA adapter folded into whole weights
    python -m trainers plot     RUN [RUN …] [--out DIR]       # curves as PNG and one HTML page

Exit codes: 0 done, 1 failed, 2 a mistake in the recipe, the arguments or the dataset.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from trainers.config import Recipe, load_recipe
from trainers.errors import TrainerError

VERBS = {
    "sft": "fine-tune on the kept trajectories: the cold start",
    "rl": "go on with SFT and RL in one objective, with rollouts in the sandbox",
    "evaluate": "try held-out tasks or a benchmark, with confidence intervals",
    "export": "fold a LoRA adapter into whole weights",
}
NEEDS = ("torch", "transformers", "accelerate", "peft")
"""What the verbs import of the extra `train`."""


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
        _check_installed()
        if parsed.check:
            from trainers.check import check

            return check(recipe, parsed.verb)
        _run(recipe, parsed.verb, console)
        _print_next(recipe, parsed, console)
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


def _check_installed() -> None:
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        raise TrainerError(
            f"{', '.join(missing)}: not installed for {sys.executable}; "
            'pip install -c constraints.txt -e ".[train]" (docs/training.md says how to do without CUDA)'
        )


def _print_next(recipe: Recipe, parsed: argparse.Namespace, console: Console) -> None:
    """What to type after training. Other processes than the first say nothing."""
    if parsed.verb in ("sft", "rl") and os.environ.get("RANK", "0") == "0":
        same = shlex.join(["--config", parsed.config, *parsed.overrides])
        console.print(
            f"next:  python -m trainers plot {recipe.directory / parsed.verb}\n"
            f"       python -m trainers evaluate {same}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trainers", description="Trains and evaluates data-analytic agents."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, purpose in VERBS.items():
        sub = verbs.add_parser(verb, help=purpose, description=purpose)
        sub.add_argument("--config", required=True, help="a recipe's file, or a shipped one's name: tiny")
        sub.add_argument("overrides", nargs="*", metavar="key=value", help="such as rl.gamma.peak=0.5")
        sub.add_argument(
            "--check", action="store_true", help="show three tokenized rows, run one step, write nothing"
        )
    purpose = "draw the curves of runs: a PNG a measure, and one HTML page"
    plot = verbs.add_parser("plot", help=purpose, description=purpose)
    plot.add_argument("runs", nargs="+", help="run directories, such as runs/training/tiny/rl")
    plot.add_argument("--out", default="runs/training/curves", help="where they go; default: %(default)s")
    return parser
