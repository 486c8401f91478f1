"""Rows of the published configs, made of what a run kept and dropped.

One `sft` record a kept trajectory, one `rl` task a query (with its best trajectory), one `rejected` row a
dropped row. Everything is sorted by id, so that the order in which rows arrived does not show.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from datamind_gen.ledger.shelf import Lazy, at_hand, choose
from datamind_gen.publish.finished import Dropped, Finished
from datamind_gen.publish.lineage import lineage_json
from datamind_gen.publish.schema import SCHEMA_VERSION, SCHEMAS, Config
from datamind_gen.publish.train_files import TrainFile
from datamind_gen.publish.verified import is_verified
from datamind_gen.rows import (
    Answer,
    Candidate,
    Message,
    Profile,
    Query,
    Record,
    Scalar,
    Trajectory,
    encode,
    hash_text,
)


@dataclass(frozen=True, slots=True)
class Task:
    """A row of `rl`: a query to be answered, and how an answer is judged."""

    query: Query
    profile: Profile
    files: tuple[TrainFile, ...]
    messages: tuple[Message, ...]
    prompt: tuple[Message, ...]
    ground_truth: str

    @property
    def is_database(self) -> bool:
        return self.profile.file.format.is_database

    @property
    def task_id(self) -> str | None:
        """Names the gold CSV and the schema entry; tables have neither."""
        return self.query.id if self.is_database else None

    @property
    def db_id(self) -> str | None:
        return self.files[0].place if self.is_database else None


def messages_of(trajectory: Trajectory) -> tuple[Message, ...]:
    """A trajectory in the released format: observations are user messages, knowledge is left out."""
    messages = list(trajectory.prompt)
    for turn in trajectory.turns:
        messages.append(Message("assistant", turn.text))
        if turn.observation is not None:
            messages.append(Message("user", turn.observation))
    return tuple(messages)


def make_records(
    kept: Sequence[Candidate], placed: Mapping[str, tuple[TrainFile, ...]], finished: Finished
) -> Sequence[Record]:
    """The rows of `sft`, sorted by id."""

    def make(at: int) -> Record:
        row = kept[at]
        format = finished.profiles[row.query.file_id].file.format
        return Record(
            id=row.id,
            question=row.query.question,
            messages=messages_of(row.trajectory),
            files=tuple(file.place for file in placed[row.query.file_id]),
            format=format,
            category=row.query.category,
            hops=len(row.query.hops),
            level=row.query.level,
            answer=row.trajectory.answer or "",
            origin=row.query.origin,
            verified=is_verified(row, is_database=format.is_database),
            lineage=lineage_json(row, placed[row.query.file_id], finished),
        )

    ids = [row.id for row in kept]
    return at_hand(Lazy(sorted(range(len(ids)), key=ids.__getitem__), make))


def make_tasks(
    kept: Sequence[Candidate],
    placed: Mapping[str, tuple[TrainFile, ...]],
    profiles: Mapping[str, Profile],
) -> tuple[Sequence[Task], list[str]]:
    """The rows of `rl`, sorted by id, and the ids of queries that have nothing to be judged by.

    A database query without a reference needs the result CSV of its best trajectory; where that is
    missing too, no reward could be given, so there is no task.
    """

    def truth(row: Candidate) -> str | None:
        return _ground_truth(row, is_database=profiles[row.query.file_id].file.format.is_database)

    best: dict[str, tuple[tuple[int, int, str], int, bool]] = {}
    for at, row in enumerate(kept):
        found = _preference(row), at, truth(row) is not None
        best[row.query.id] = min(best.get(row.query.id, found), found)

    def make(query_id: str) -> Task:
        row = kept[best[query_id][1]]
        ground_truth = truth(row)
        assert ground_truth is not None
        return Task(
            query=row.query,
            profile=profiles[row.query.file_id],
            files=placed[row.query.file_id],
            messages=messages_of(row.trajectory),
            prompt=row.trajectory.prompt,
            ground_truth=ground_truth,
        )

    with_gold = [id for id in sorted(best) if best[id][2]]
    return at_hand(Lazy(with_gold, make)), sorted(best.keys() - set(with_gold))


def _preference(row: Candidate) -> tuple[int, int, str]:
    """The judge's order of the samples, then the shorter one, then the id."""
    rank = len(row.verdict.agreeing) if row.rank is None else row.rank
    return rank, len(row.trajectory.turns), row.id


def _ground_truth(row: Candidate, *, is_database: bool) -> str | None:
    reference = row.query.reference
    if not is_database:
        return reference.text if reference else row.trajectory.answer
    return answer_csv(reference) if reference else row.trajectory.result_csv


def answer_csv(answer: Answer) -> str:
    """A typed answer as the CSV that a database trajectory would have written."""
    columns: Sequence[str]
    rows: list[tuple[Scalar, ...]]
    if isinstance(answer.value, tuple):
        rows = [row if isinstance(row, tuple) else (row,) for row in answer.value]
    else:
        rows = [(answer.value,)]
    width = len(rows[0]) if rows else 1
    columns = answer.columns or (("answer",) if width == 1 else [f"column_{i + 1}" for i in range(width)])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


# --- tables -------------------------------------------------------------------------------------


def sft_table(records: Sequence[Record]) -> pa.Table:
    return _table(
        Config.SFT,
        [
            {
                "id": record.id,
                "question": record.question,
                "messages": _plain(record.messages),
                "files": list(record.files),
                "format": record.format.value,
                "category": record.category,
                "hops": record.hops,
                "level": record.level.value,
                "answer": record.answer,
                "origin": record.origin.value,
                "verified": record.verified,
                "lineage": record.lineage,
            }
            for record in records
        ],
    )


def rl_table(tasks: Sequence[Task], *, first_index: int = 0) -> pa.Table:
    return _table(
        Config.RL,
        [
            {
                "id": task.query.id,
                "data_source": "darl/sql" if task.is_database else "darl/python",
                "db_id": task.db_id,
                "task_id": task.task_id,
                "trajectory": _plain(task.messages),
                "prompt": _plain(task.prompt),
                "ability": "data_analysis",
                "reward_model": {
                    "ground_truth": {"ground_truth": task.ground_truth, "task_id": task.task_id},
                    "style": "rule" if task.is_database or task.query.verified else "model",
                },
                "extra_info": _extra_info(task, index),
            }
            for index, task in enumerate(tasks, start=first_index)
        ],
    )


def _extra_info(task: Task, index: int) -> dict[str, object]:
    query = task.query
    return {
        "index": index,
        "question": query.question,
        "split": "train",
        "files": [{"name": file.name, "path": file.path, "sha256": file.part.sha256} for file in task.files],
        "format": task.profile.file.format.value,
        "category": query.category,
        "hops": len(query.hops),
        "level": query.level.value,
        "origin": query.origin.value,
        "verified": query.verified,
        "answer_type": query.answer_type.value,
        "reference": encode(query.reference) if query.reference else None,
    }


def rejected_table(dropped: Sequence[Dropped]) -> pa.Table:
    return _table(
        Config.REJECTED,
        [
            {
                "id": row.id,
                "stage": row.stage.value,
                "status": row.status.value,
                "reason": row.reason.value,
                "detail": row.detail,
                "payload": row.payload,
            }
            for row in dropped
        ],
    )


def sort_dropped(dropped: Sequence[Dropped]) -> Sequence[Dropped]:
    keys = [(row.id, row.stage, row.reason, hash_text(row.detail, row.payload)) for row in dropped]
    return choose(dropped, sorted(range(len(keys)), key=keys.__getitem__))


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _table(config: Config, rows: list[dict[str, object]]) -> pa.Table:
    versioned = [_clean(row | {"schema_version": SCHEMA_VERSION}) for row in rows]
    return pa.Table.from_pylist(versioned, schema=SCHEMAS[config])


def _clean(value: object) -> object:
    """Model text may hold lone surrogates, which no UTF-8 file can: they become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return value
