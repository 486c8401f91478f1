"""The run directory: what lies where."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.rows import hash_text


@dataclass(frozen=True, slots=True)
class RunFolder:
    root: Path

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def scratch_prefix(self) -> str:
        """How the temporary directories of runs in this folder begin."""
        return f"datamind-run-{hash_text(str(self.root.resolve()))[:10]}-"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def funnel(self) -> Path:
        return self.root / "funnel.json"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def preview(self) -> Path:
        """What `preview` and `plan --measure` saw of a few queries."""
        return self.root / "preview.json"

    @property
    def stop(self) -> Path:
        """Somebody wrote it to have the run drain; the engine looks for it, and removes it."""
        return self.root / "stop"

    @property
    def log(self) -> Path:
        return self.root / "run.log"

    def node_log(self, node: str) -> Path:
        """What the engine on another node of a Ray cluster says."""
        return self.root / f"run.{node}.log"

    @property
    def sources(self) -> Path:
        """Files that the engine built from bundled tables."""
        return self.root / "sources"

    @property
    def holds_run(self) -> bool:
        return self.ledger.is_dir() and any(self.ledger.glob("*.segment"))


def clear_scratch(folder: RunFolder, mine: Path) -> None:
    """Removes the temporary directories of runs here that were killed: those beside this run's own. Call it
    with the ledger's lock held."""
    for left in mine.parent.glob(f"{folder.scratch_prefix}*"):
        if left != mine:
            shutil.rmtree(left, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    """Writes beside and renames, so that a reader never sees half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def write_json(path: Path, value: object) -> None:
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
