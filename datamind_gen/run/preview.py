"""A preview: a few queries run for real, nothing published, and what became of each in RUN/preview.json.

`preview` shows them; `plan --measure` reckons from them. What was asked is recorded like any other reply, so
the run itself asks none of it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from datamind_gen.rows import Stage, decode, encode
from datamind_gen.run.engine import Engine
from datamind_gen.run.events import Ended
from datamind_gen.run.finish import sort_rows
from datamind_gen.run.folder import RunFolder, write_atomically
from datamind_gen.run.stopping import ExitCode, StopKind
from datamind_gen.run.traffic import Traffic
from datamind_gen.run.watching import Case, End, Watcher


@dataclass(frozen=True, slots=True)
class Preview:
    """What a few queries of a pipeline came to."""

    cases: tuple[Case, ...]
    turn_seconds: float
    """How long their code ran, all turns together, waiting for a core not counted."""
    replies: int
    """Replies that were asked for now."""
    found: int
    """Replies that were recorded already."""


async def finish_preview(engine: Engine, watcher: Watcher, traffic: Traffic, folder: RunFolder) -> Ended:
    """Writes RUN/preview.json, unless the run stopped before it was through."""
    if engine.stop is not None:
        code = ExitCode.FAILED if engine.stop.kind is StopKind.BUG else ExitCode.STOPPED
        return Ended(code, f"stopped: {engine.stop.message}", "run the same command again to go on")
    plan = await engine.waves.plan(1)
    if not plan:
        return Ended(ExitCode.FAILED, "no query can be planned: no file is usable, or none fits a category")
    rows = sort_rows(traffic.delivered, engine)
    late = [
        End(row.id, row.stage, row.status, row.reason, row.detail)
        for row in rows.dropped
        if row.stage is Stage.PUBLISH
    ]
    formats = {id: profile.file.format.value for id, profile in engine.profiles.items()}
    usage = engine.models.usage()
    preview = Preview(
        cases=watcher.cases(plan, formats, kept=[row.id for row in rows.kept], late=late),
        turn_seconds=round(engine.sandbox.stats().turn_seconds, 3),
        replies=sum(model.calls for model in usage),
        found=sum(model.replayed for model in usage),
    )
    write_atomically(folder.preview, encode(preview) + "\n")
    return Ended(ExitCode.DONE, f"{len(preview.cases)} queries were run")


def read_preview(folder: RunFolder) -> Preview:
    """What the last preview wrote."""
    return decode(Preview, folder.preview.read_text(encoding="utf-8"))
