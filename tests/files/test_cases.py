"""Every labelled case comes out in its exact shape, and its plan's code loads that shape again."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamind_gen.files import ReadSettings, check_plan, find_file, profile_file
from tests.files.cases import Case, all_cases
from tests.files.portals import portal_cases
from tests.files.portals_more import more_portal_cases

CASES = [*all_cases(), *portal_cases(), *more_portal_cases()]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_exact_table_is_found(case: Case, tmp_path: Path) -> None:
    path = tmp_path / (case.name + case.suffix)
    path.write_bytes(case.content)
    table = profile_file(find_file(path), ReadSettings.accept_all()).tables[0]
    assert (table.rows, table.column_count) == (case.rows, case.columns)
    if case.names is not None:
        assert tuple(column.name for column in table.columns) == case.names[: len(table.columns)]
    assert check_plan(table.plan, {path.name: path}, rows=case.rows, columns=case.columns) is None


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 270
