"""What a person said of published rows: kept in RUN/marks.json, one mark a row, over all sittings.

Which rows are shown is drawn from a seed, those already marked left out; so marks are an unbiased sample
of the dataset as long as every row that is shown is marked.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from datamind_gen.rows import seed_from
from datamind_gen.trust.measures import Measure, measure
from datamind_gen.trust.published import PublishedRow

NAME = "marks.json"


class Mark(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"


class BadMarks(Exception):
    """The file of marks cannot be read. Exit code 2."""


def read_marks(run: Path) -> dict[str, Mark]:
    """The marks of a run by row id. Raises BadMarks."""
    path = run / NAME
    if not path.is_file():
        return {}
    try:
        return {id: Mark(mark) for id, mark in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise BadMarks(f"{path}: {error}; mend it, or remove it to start marking anew") from error


def write_marks(run: Path, marks: Mapping[str, Mark]) -> None:
    path = run / NAME
    beside = path.with_name(f".{NAME}")
    beside.write_text(json.dumps(dict(sorted(marks.items())), indent=2) + "\n", "utf-8")
    beside.replace(path)


def draw_unmarked(
    rows: Sequence[PublishedRow], marks: Mapping[str, Mark], *, count: int, seed: int
) -> list[PublishedRow]:
    """The next rows to show: the first `count` of a seeded order that have no mark."""
    shuffled = sorted(rows, key=lambda row: row.id)
    random.Random(seed_from("marks", str(seed))).shuffle(shuffled)
    return [row for row in shuffled if row.id not in marks][:count]


def measure_marks(rows: Sequence[PublishedRow], marks: Mapping[str, Mark]) -> Measure | None:
    """The share of marked rows that are right; None where none that is still published was marked."""
    said = [marks[row.id] is Mark.RIGHT for row in rows if row.id in marks]
    if not said:
        return None
    found = [(True, right, right) for right in said]
    counted = measure("published rows, marked by a person", found, "rows that a person found right")
    return replace(counted, recall=None)
