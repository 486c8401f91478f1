"""All that a run sampled, read back from its dataset: each query with its trajectories and their ends.

    cases = read_cases(run)

`sft` and `rejected` together hold every trajectory, so a dataset alone can be audited, without its ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from datamind_gen.rows import (
    Candidate,
    FileFormat,
    Group,
    Query,
    Reason,
    Stage,
    Trajectory,
    decode,
    dump_json,
)
from datamind_gen.trust.published import PublishedRow, find_dataset, parse_row, read_schemas

SCRIPTED = "scripted"
"""What the embedded model calls itself: only its faults are known."""

Plain = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Said:
    """What the last verdict on a query was."""

    agree: bool
    method: str
    round: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One trajectory, and how it ended."""

    id: str
    round: int
    answer: str | None
    result_csv: str | None
    """None also of a published row, whose result must be made again."""
    faults: tuple[str, ...]
    is_scripted: bool
    """Whether `faults` is all that is wrong with it; of another model nothing is known."""
    stage: Stage
    reason: Reason | None
    """None of a published row."""
    detail: str
    row: PublishedRow | None

    @property
    def is_published(self) -> bool:
        return self.reason is None

    @property
    def was_agreed(self) -> bool:
        """Whether it is one of the samples that the judge believed."""
        if self.is_published:
            return True
        late = self.stage in (Stage.FILTER, Stage.PUBLISH)
        return late and self.reason not in (Reason.INCONSISTENT, Reason.NO_ANSWER)


@dataclass(slots=True)
class Case:
    """A query with all that was sampled for it."""

    query: Query
    samples: list[Sample] = field(default_factory=list)
    said: Said | None = None
    """None where no verdict came about."""
    format: FileFormat | None = None
    """None, as `files` is empty, where no row about the file was published."""
    files: tuple[tuple[str, Path], ...] = ()

    @property
    def is_database(self) -> bool:
        code = self.query.hops[-1].code
        return self.format.is_database if self.format else code is not None and code.sql is not None


def read_cases(run: Path) -> list[Case]:
    """Every query that was sampled, sorted by id. Raises NotPublished."""
    folder = find_dataset(run)
    cases: dict[str, Case] = {}
    files: dict[str, tuple[FileFormat, tuple[tuple[str, Path], ...]]] = {}
    schemas = read_schemas(folder)
    for plain in _read(folder / "sft"):
        row = parse_row(plain, folder, schemas)
        lineage = json.loads(str(plain["lineage"]))
        case = cases.setdefault(row.query_id, Case(_query_of(plain, lineage)))
        case.samples.append(_published_sample(row, lineage))
        verdict = lineage["verdict"]
        case.said = Said(verdict["agree"], verdict["method"], verdict["round"])
        files[case.query.file_id] = (row.format, row.files)
    for plain in _read(folder / "rejected"):
        _add_rejected(cases, plain)
    for case in cases.values():
        case.format, case.files = files.get(case.query.file_id, (None, ()))
        case.samples.sort(key=lambda sample: (sample.round, sample.id))
    return [cases[id] for id in sorted(cases)]


def _read(folder: Path) -> Iterator[Plain]:
    for path in sorted(folder.rglob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=500):
                yield from batch.to_pylist()


def _query_of(plain: Plain, lineage: Mapping[str, dict[str, object]]) -> Query:
    written = lineage["query"]
    planted = lineage["planted"] or {}
    reference = written["reference"]
    hops = json.loads(dump_json(written["hops"]))
    return decode(
        Query,
        dump_json(
            {
                "id": written["id"],
                "file_id": written["file_id"],
                "question": plain["question"],
                "category": plain["category"],
                "hops": hops,
                "level": plain["level"],
                "origin": plain["origin"],
                "tables": written["tables"],
                "answer_type": written["answer_type"],
                "reference": reference,
                "parents": written["parents"],
                "misread": planted.get("misread"),
                "template": written["template"],
                "wave": written["wave"],
            }
        ),
    )


def _published_sample(row: PublishedRow, lineage: Mapping[str, dict[str, object]]) -> Sample:
    made = lineage["trajectory"]
    faults = (lineage["planted"] or {}).get("faults", [])
    assert isinstance(faults, list)
    return Sample(
        id=row.id,
        round=int(str(made["round"])),
        answer=row.answer,
        result_csv=None,
        faults=tuple(faults),
        is_scripted=made["served_model"] == SCRIPTED,
        stage=Stage.PUBLISH,
        reason=None,
        detail="",
        row=row,
    )


def _add_rejected(cases: dict[str, Case], plain: Plain) -> None:
    stage, reason = Stage(str(plain["stage"])), Reason(str(plain["reason"]))
    id, detail, payload = str(plain["id"]), str(plain["detail"]), str(plain["payload"])
    if stage in (Stage.FILTER, Stage.PUBLISH) and id.startswith("candidate-"):
        candidate = decode(Candidate, payload)
        case = cases.setdefault(candidate.query.id, Case(candidate.query))
        case.samples.append(_rejected_sample(id, candidate.trajectory, stage, reason, detail))
        verdict = candidate.verdict
        case.said = Said(verdict.agree, verdict.method, verdict.round)
    elif stage in (Stage.SAMPLE, Stage.JUDGE, Stage.REFLECT) and id.startswith("group-"):
        group = decode(Group, payload)
        case = cases.setdefault(group.query.id, Case(group.query))
        case.samples += [
            _rejected_sample(made.id, made, stage, reason, detail) for made in group.trajectories
        ]
        if group.verdict is not None and group.verdict.error is None:
            case.said = Said(group.verdict.agree, group.verdict.method, group.verdict.round)


def _rejected_sample(id: str, made: Trajectory, stage: Stage, reason: Reason, detail: str) -> Sample:
    return Sample(
        id=id,
        round=made.round,
        answer=made.answer,
        result_csv=made.result_csv,
        faults=made.faults,
        is_scripted=made.served_model == SCRIPTED,
        stage=stage,
        reason=reason,
        detail=detail,
        row=None,
    )
