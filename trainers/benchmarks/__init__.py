"""Benchmarks: local copies of public ones, and the recipe's own held-out tasks, behind one protocol.

Each is one file that reads its questions into tasks and scores attempts, by the official rules and by the
paper's where those differ. None is downloaded: give `evaluate.path` a copy.
"""

from __future__ import annotations

from pathlib import Path

from trainers.benchmarks.base import Benchmark, FolderBenchmark
from trainers.benchmarks.bird import Bird
from trainers.benchmarks.dabench import DABench
from trainers.benchmarks.holdout import Holdout
from trainers.benchmarks.qrdata import QRData
from trainers.benchmarks.tablebench import TableBench
from trainers.config import Recipe
from trainers.errors import TrainerError

__all__ = ["Benchmark", "open_benchmark"]

READERS: dict[str, type[FolderBenchmark]] = {
    "dabench": DABench,
    "tablebench": TableBench,
    "bird": Bird,
    "qrdata": QRData,
}


def open_benchmark(recipe: Recipe) -> Benchmark:
    """The recipe's benchmark. Raises TrainerError where its copy is missing or incomplete."""
    config = recipe.evaluate
    if config.benchmark == "holdout":
        return Holdout(recipe)
    reader = READERS[config.benchmark]
    folder = Path(config.path) if config.path else None
    if folder is None or not folder.is_dir():
        raise TrainerError(f"evaluate.path: give a local copy of {config.benchmark}; {reader.expects}")
    missing = [name for name in reader.needs if not (folder / name).exists()]
    if missing:
        raise TrainerError(f"{folder}: {', '.join(missing)} not there; {reader.expects}")
    return reader(folder, config)
