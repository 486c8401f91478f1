"""Published rows, read back from a run's dataset: what audits and verification start from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from datamind_gen.rows import FileFormat, Message, Scalar


class NotPublished(Exception):
    """There is no dataset where one was looked for. Exit code 2."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A row of `sft`, with what its lineage says of how it ran."""

    id: str
    question: str
    messages: tuple[Message, ...]
    format: FileFormat
    category: str
    answer: str
    verified: bool
    files: tuple[tuple[str, Path], ...]
    """The name under data/files/, and where the file lies in the dataset."""
    query_id: str
    seed: int
    sampling: tuple[tuple[str, Scalar], ...]
    schema: str | None
    """What get_db_info() shows, for a database."""

    def setting(self, name: str, default: Scalar) -> Scalar:
        return dict(self.sampling).get(name, default)


def find_dataset(run: Path) -> Path:
    """The dataset of a run directory, or of a dataset's own folder. Raises NotPublished."""
    for folder in (run / "dataset", run):
        if (folder / "sft").is_dir():
            return folder
    raise NotPublished(f"{run} holds no dataset; give a run directory or the dataset in it")


def read_rows(run: Path) -> Iterator[PublishedRow]:
    """Every row of `sft`, in order."""
    folder = find_dataset(run)
    schemas = read_schemas(folder)
    for path in sorted((folder / "sft").rglob("*.parquet")):
        for plain in pq.read_table(path).to_pylist():
            yield parse_row(plain, folder, schemas)


def parse_row(plain: Mapping[str, Any], folder: Path, schemas: Mapping[str, str]) -> PublishedRow:
    """One row of a dataset in `folder`; `schemas` are those that `read_schemas` gives."""
    lineage = json.loads(plain["lineage"])
    query_id = lineage["query"]["id"]
    return PublishedRow(
        id=plain["id"],
        question=plain["question"],
        messages=tuple(Message(found["role"], found["content"]) for found in plain["messages"]),
        format=FileFormat(plain["format"]),
        category=plain["category"],
        answer=plain["answer"],
        verified=plain["verified"],
        files=tuple((file["name"], folder / file["path"]) for file in lineage["files"]),
        query_id=query_id,
        seed=lineage["trajectory"]["seed"],
        sampling=tuple(lineage["trajectory"]["sampling"].items()),
        schema=schemas.get(query_id),
    )


def read_schemas(folder: Path) -> dict[str, str]:
    """What get_db_info() shows for each database query of a dataset, by id."""
    path = folder / "db_schema.json"
    if not path.is_file():
        return {}
    return {entry["id"]: entry["omni_db_ddl"] for entry in json.loads(path.read_text("utf-8"))}
