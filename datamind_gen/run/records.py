"""What the engine writes to the ledger beside stages' results: replies, and how each start went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datamind_gen.ledger import Ledger, RecordKind
from datamind_gen.models.base import ChatReply
from datamind_gen.rows import Stage, decode, encode, hash_text
from datamind_gen.run.keys import Fingerprint
from datamind_gen.spec.loader import LoadedPipeline
from datamind_gen.spec.pipeline import resolved_yaml

if TYPE_CHECKING:
    from datamind_gen.run.engine import Engine


class LedgerRecorder:
    """Keeps replies in the ledger; implements models.recorder.Recorder."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def find(self, key: str) -> ChatReply | None:
        text = self._ledger.get(RecordKind.REPLY, key)
        return decode(ChatReply, text) if text is not None else None

    async def record(self, key: str, reply: ChatReply) -> None:
        self._ledger.put(RecordKind.REPLY, key, encode(reply))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One start of the run."""

    number: int
    started: float
    """Seconds since the epoch."""
    pipeline: str
    """The resolved pipeline, as YAML."""
    fingerprints: tuple[Fingerprint, ...]
    limit: int | None
    origin: str = ""
    """Where the pipeline's file lay; empty in records of earlier versions."""
    overrides: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, engine: Engine, loaded: LoadedPipeline, started: float, *, overrides: tuple[str, ...] = ()
    ) -> RunRecord:
        return cls(
            number=engine.ledger.count(RecordKind.RUN) + 1,
            started=started,
            pipeline=resolved_yaml(loaded.spec),
            fingerprints=tuple(engine.fingerprints.values()),
            limit=engine.waves.limit,
            origin=str(loaded.origin.absolute()),
            overrides=overrides,
        )


def record_run(ledger: Ledger, record: RunRecord) -> None:
    ledger.put(RecordKind.RUN, hash_text("run", str(record.number)), encode(record))


def last_run(ledger: Ledger) -> RunRecord | None:
    """The latest start before this one, if any."""
    records = [decode(RunRecord, text) for text in ledger.payloads(RecordKind.RUN)]
    return max(records, key=lambda record: record.number, default=None)


def describe_redo(earlier: RunRecord | None, now: Mapping[Stage, Fingerprint]) -> list[str]:
    """What this start does again and why, one sentence a line; empty for a first start."""
    if earlier is None:
        return []
    before = {fingerprint.stage: fingerprint for fingerprint in earlier.fingerprints}
    lines = []
    for stage, fingerprint in now.items():
        if stage in before and (changes := fingerprint.changes_from(before[stage])):
            lines.append(f"{stage} runs again: {'; '.join(changes)}")
    if not lines:
        return [f"resuming: start {earlier.number + 1}, nothing that a result depends on has changed"]
    first = next(stage for stage in now if any(line.startswith(f"{stage} ") for line in lines))
    before_it = list(now)[: list(now).index(first)]
    if before_it:
        lines.append(f"kept as recorded: {', '.join(before_it)}; later stages follow what changes")
    return lines
