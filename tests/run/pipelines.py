"""Small real pipelines for tests of whole runs."""

from __future__ import annotations

from pathlib import Path

SMALL = """\
name: small
seed: 11
sources:
  - bundled: csv
  - bundled: sqlite
taxonomy: data_analysis
queries:
  hops: {1: 0.7, 2: 0.3}
coverage: {target: 12, per_file: 4, waves: 2}
sample: {samples: 2, turns: 8}
"""


def write_small_pipeline(path: Path, text: str = SMALL) -> Path:
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
