"""A wide table: a profile that a prompt can hold, and every column for those who ask for all."""

from __future__ import annotations

from pathlib import Path

from datamind_gen.files import ReadSettings, find_file, profile_in_limits
from datamind_gen.files.tables import MOST_COLUMNS

ALL = ReadSettings.accept_all()


def test_a_wide_table_is_described_as_far_as_a_prompt_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    names = [f"measure {number}" for number in range(900)]
    lines = [",".join(names), *(",".join(str(row + column) for column in range(900)) for row in range(25))]
    path.write_text("\n".join(lines), encoding="utf-8")
    (bounded,) = profile_in_limits(find_file(path), ALL).tables
    (whole,) = profile_in_limits(find_file(path), ALL, all_columns=True).tables
    assert (len(bounded.columns), bounded.column_count) == (MOST_COLUMNS, 900)
    assert "wide" in {issue.kind for issue in bounded.issues}
    assert [column.name for column in whole.columns] == names
    assert whole.columns[:MOST_COLUMNS] == bounded.columns
