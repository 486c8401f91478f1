"""Small real pipelines for tests of whole runs: a few categories over two bundled files."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.run.folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent.parent
CATEGORIES = ("taxonomy", "aggregation", "counting", "ranking")

SMALL = """\
name: small
seed: 11
sources:
  - bundled: state_crime_2009.csv
  - bundled: company_investment.sqlite
taxonomy: taxonomy
queries:
  hops: {1: 0.7, 2: 0.3}
coverage: {target: 12, per_file: 8, waves: 2}
sample: {samples: 2, turns: 8}
"""

PATIENT = "sandbox: {wall_s: 300, sql_timeout_s: 300}\n"
"""For tests that compare two runs: a time limit met on a busy machine is a different row."""


@dataclass(frozen=True)
class Undisturbed:
    """A pipeline, and the dataset that it makes when nobody disturbs it."""

    pipeline: Path
    run: Path
    dataset: dict[str, bytes]


def write_small_pipeline(path: Path, text: str = SMALL) -> Path:
    """Writes the pipeline, with a taxonomy of its own beside it."""
    taxonomy = path.parent / "taxonomy"
    taxonomy.mkdir(exist_ok=True)
    for name in CATEGORIES:
        shutil.copy(ROOT / "taxonomies" / "data_analysis" / f"{name}.yaml", taxonomy)
    path.write_text(text, encoding="utf-8")
    return path


def dataset_bytes(run: Path) -> dict[str, bytes]:
    """Every file of a run's dataset, by name."""
    folder = run / "dataset"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def wait_for_share(undisturbed: Undisturbed, run: subprocess.Popen[str], out: Path, share: float) -> None:
    """Waits until a run has written that share of what the undisturbed one wrote to its ledger.

    Not a share of its time: a busy machine makes either of the two last twice as long.
    """
    wanted = share * _ledger_bytes(undisturbed.run)
    while _ledger_bytes(out) < wanted:
        assert run.poll() is None, "the run ended before the moment to disturb it"
        time.sleep(0.02)


def _ledger_bytes(run: Path) -> int:
    return sum(path.stat().st_size for path in RunFolder(run).ledger.glob("*"))
