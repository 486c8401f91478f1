"""What the terminal shows at the end of a run fits it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from datamind_gen.ledger.funnel import Cell, Funnel
from datamind_gen.rows import FileFormat, Level
from datamind_gen.run.tables import LOG_WIDTH, coverage_table, describe_gaps
from datamind_gen.stages.matrix import Gap, GapCause


@pytest.mark.parametrize("kept", [7, 1_234])
def test_the_coverage_table_shows_every_header_whole(kept: int) -> None:
    cells = tuple(
        Cell("multi_hop_numerical_reasoning", format, hops, Level.EASY, queries=kept, kept=kept)
        for format in (FileFormat.CSV, FileFormat.JSON, FileFormat.JSONL, FileFormat.PARQUET,
                       FileFormat.SQLITE, FileFormat.XLSX)
        for hops in range(1, 6)
    )  # fmt: skip
    console = Console(width=LOG_WIDTH, file=io.StringIO())
    console.print(coverage_table(Funnel(stages=(), cells=cells)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    header = text.splitlines()[1].split()
    assert header == [
        *("category", "csv", "json", "jsonl", "parquet", "sqlite", "xlsx"),
        *("hops", "1", "2", "3", "4", "5", "all"),
    ]
    assert "…" not in text
    assert f"{30 * kept:,}" in text


def test_empty_cells_are_named_with_why() -> None:
    gaps = [
        *(Gap("ranking", "jsonl", hops, GapCause.NOT_ALLOWED) for hops in (4, 5)),
        Gap("counting", "csv", 5, GapCause.NOT_REACHED),
    ]
    assert describe_gaps(gaps) == [
        "1 empty cell, not reached: counting x csv x 5",
        "2 empty cells, the data do not allow them: ranking x jsonl x 4,5",
    ]
    assert describe_gaps([]) == []
    many = [Gap(f"category_{number}", "csv", 1, GapCause.NOT_REACHED) for number in range(9)]
    (line,) = describe_gaps(many)
    assert line.startswith("9 empty cells, not reached: ")
    assert line.endswith("category_2 x csv x 1; … (all are in manifest.json)")
