"""Does a question's level order what solving it took? Counted on the trajectories of a finished run.

    python -m tests.bench.levels RUN

The level is computed from the reference's hops, operations and joins before anybody answers. What an expert
then needed is counted here from what it wrote: its turns, and the calls, comparisons and arithmetic in its
Python or the clauses and functions in its SQL.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.schema import Config
from datamind_gen.rows import FileFormat, Level
from datamind_gen.taxonomy.level import count_operations

_CODE = re.compile(r"<code>\s*```python\n(.*?)```\s*</code>", re.DOTALL)
_SQL = re.compile(r"\b(?:select|where|join|group|having|order|limit|over|case|with)\b|\w+\(", re.IGNORECASE)


@dataclass(frozen=True)
class Effort:
    """What one trajectory took."""

    level: Level
    turns: int
    operations: int
    hops: int
    in_sql: bool
    """SQL is counted by another yardstick than Python."""


def read_efforts(run: Path) -> list[Effort]:
    """One for every kept trajectory of a run."""
    return [
        Effort(
            Level(row["level"]),
            sum(message["role"] == "assistant" for message in row["messages"]),
            sum(_count(message["content"]) for message in row["messages"] if message["role"] == "assistant"),
            row["hops"],
            FileFormat(row["format"]).is_database,
        )
        for row in PublishedRun.open(run).rows(Config.SFT)
    ]


def _count(text: str) -> int:
    codes = _CODE.findall(text)
    return sum(
        len(_SQL.findall(code)) if "execute_sql(" in code else count_operations(code) for code in codes
    )


def mean(values: Iterable[int]) -> float:
    """The mean; 0 of nothing."""
    found = tuple(values)
    return sum(found) / len(found) if found else 0.0


def show(efforts: Sequence[Effort], console: Console) -> None:
    by_level: dict[Level, list[Effort]] = defaultdict(list)
    for effort in efforts:
        by_level[effort.level].append(effort)
    table = Table(title="What solving took", title_justify="left", box=None, padding=(0, 2))
    for name in ("level", "trajectories", "turns", "operations", "hops"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for level in Level:
        found = by_level[level]
        if found:
            means = (mean(getattr(one, name) for one in found) for name in ("turns", "operations", "hops"))
            table.add_row(level.value, f"{len(found):,}", *(f"{value:.2f}" for value in means))
    console.print(table)


if __name__ == "__main__":
    show(read_efforts(Path(sys.argv[1])), Console())
