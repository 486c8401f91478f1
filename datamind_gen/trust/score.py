"""Score: judge and filter a run's saved trajectories under other settings, generating nothing.

    job = prepare_score(run, out, overrides=("judge.require=majority",))
    supervise(job, ...)

It is the same pipeline on a copy of the run's ledger: what is not touched by the new settings is taken from
there, and author and expert may only say what they said. A row that needs more (a reflection on samples
that agreed before) fails with that message; `reflect.rounds=0` leaves reflection out.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from datamind_gen.ledger import Ledger
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.job import Job
from datamind_gen.run.records import last_run

UNENDING = ("run.salvage_rounds=0", "run.error_rate=null", "run.retries.stop_error_rate=null")
"""Rows that are not recorded fail at once and for good; that must not stop the run."""


class CannotScore(Exception):
    """The run cannot be scored like this. Exit code 2."""


def prepare_score(
    run: Path, out: Path, *, overrides: tuple[str, ...] = (), pipeline: Path | None = None
) -> Job:
    """Copies the ledger to `out`, and says what to run there. Raises CannotScore.

    `pipeline` is the pipeline's file where it moved since. New overrides come after those of the run.
    """
    source, folder = RunFolder(run.absolute()), RunFolder(out.absolute())
    if not source.holds_run:
        raise CannotScore(f"{run} holds no run (it has no ledger); give a run directory")
    if folder.root == source.root or folder.holds_run or folder.dataset.exists():
        raise CannotScore(f"{out} holds a run already; give another --out")
    ledger = Ledger.read(source.ledger)
    try:
        record = last_run(ledger)
    finally:
        ledger.close()
    if record is None:
        raise CannotScore(f"{run} was never started to its first row; run it first")
    origin = str(pipeline or record.origin)
    if not origin or not Path(origin).is_file():
        where = f"{origin} is gone" if origin else "the run does not say where its pipeline lies"
        raise CannotScore(f"{where}; give the file with --pipeline")
    _copy_ledger(source.ledger, folder.ledger)
    return Job(
        pipeline=origin,
        overrides=(*record.overrides, *overrides, *UNENDING),
        out=str(folder.root),
        limit=record.limit,
        recorded_only=True,
    )


def _copy_ledger(source: Path, target: Path) -> None:
    """Segments are only ever appended to by who made them, so a link is as good as a copy."""
    target.mkdir(parents=True)
    for segment in sorted(source.glob("*.segment")):
        try:
            os.link(segment, target / segment.name)
        except OSError:
            shutil.copy2(segment, target / segment.name)
