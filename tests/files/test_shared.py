"""The shared real files: right, or refused for a reason that was written down before the first run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from datamind_gen.files import FileError, ReadSettings, check_plan, find_file, profile_in_limits
from datamind_gen.rows import Profile, Reason, SemanticType

EXPECTED_REFUSALS = {
    "nasty/empty.csv": Reason.EMPTY,  # a single newline
    "nasty/ARROW-GH-41321.parquet": Reason.CORRUPT,
    "nasty/PARQUET-1481.parquet": Reason.CORRUPT,
    "nasty/xfd1048576.xlsx": Reason.NO_TABLE,  # one cell, the last possible one
    "nasty/merged-cells.xlsx": Reason.NO_TABLE,  # one cell
    "nasty/multilineods.ods": Reason.NO_TABLE,  # one cell, and two empty sheets
}

TRUTH = {
    # Where default readers go wrong: the table that is really there, counted by eye.
    "csv/love_actually_appearances.csv": (71, 15),
    "csv/bachelorette.csv": (920, 23),
    "csv/steak-risk-survey.csv": (550, 15),
    "nasty/Datagov_FY10_EDU_recp_by_State.csv": (53, 9),
    "nasty/FY09_EDU_Recipients_by_State.csv": (52, 10),
    "nasty/begrotingsanalyse-2011.csv": (36, 20),
    "nasty/weird_head_padding.csv": (60, 11),
    "nasty/spanish_chars.csv": (114, 8),
    "nasty/titanic.xlsx": (8, 7),
    "nasty/shipping_tables.xlsx": (9, 9),
    "nasty/Ekaterinburg_IP_9.xlsx": (2191, 11),
    "nasty/EvaluacionCensal_Secundaria_SEGUNDO_14112018_160622.xlsx": (745, 8),
}


def _profile(path: Path) -> Profile:
    return profile_in_limits(find_file(path), ReadSettings.accept_all())


def _listed(folder: Path) -> list[dict[str, str]]:
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_only_the_expected_files_are_refused(shared_data: Path) -> None:
    refusals: dict[str, FileError] = {}
    for row in _listed(shared_data):
        try:
            _profile(shared_data / row["path"])
        except FileError as refusal:
            refusals[row["path"]] = refusal
    assert {path: refusal.reason for path, refusal in refusals.items()} == EXPECTED_REFUSALS
    assert [path for path, refusal in refusals.items() if Path(path).name not in refusal.detail] == []
    assert [refusal.detail for refusal in refusals.values() if "its reader" in refusal.detail] == []


def test_shapes_are_the_manifests_or_the_counted_truth(shared_data: Path) -> None:
    wrong = []
    for row in _listed(shared_data):
        name = row["path"]
        if name in EXPECTED_REFUSALS or name.startswith("sqlite/"):
            continue
        shapes = [(table.rows, table.column_count) for table in _profile(shared_data / name).tables]
        expected = TRUTH.get(name, (int(row["rows"]), int(row["cols"])))
        if expected not in shapes:
            wrong.append((name, expected, shapes[:4]))
    assert wrong == []


def test_databases_hold_the_rows_that_the_manifest_counts(shared_data: Path) -> None:
    for row in _listed(shared_data):
        if row["path"].startswith("sqlite/") and "spatialite" not in row["path"]:
            assert sum(table.rows for table in _profile(shared_data / row["path"]).tables) == int(row["rows"])


def test_every_plan_loads_its_table_again(shared_data: Path) -> None:
    wrong = []
    for row in _listed(shared_data):
        if row["path"] in EXPECTED_REFUSALS or "Evaluacion" in row["path"] or "purpose" in row["path"]:
            continue  # the two slow workbooks are proven when they are read
        path = shared_data / row["path"]
        for table in _profile(path).tables:
            found = check_plan(table.plan, {path.name: path}, rows=table.rows, columns=table.column_count)
            if found:
                wrong.append((row["path"], table.name, found))
    # Years that pandas' dates cannot hold: no plain call of pandas loads this file.
    assert [name for name, _, _ in wrong] in ([], ["parquet/nested_structs.rust.parquet"])


def test_the_twins_have_equal_profiles(shared_data: Path) -> None:
    old, new = (_profile(shared_data / "xlsx" / name) for name in ("datasets.xls", "datasets.xlsx"))
    for one, other in zip(old.tables, new.tables, strict=True):
        assert (one.name, one.rows, one.columns, one.head) == (
            other.name,
            other.rows,
            other.columns,
            other.head,
        )
        assert (one.primary_key, one.description, one.confidence) == (
            other.primary_key,
            other.description,
            other.confidence,
        )


def test_licences_come_from_the_manifest(shared_data: Path) -> None:
    assert find_file(shared_data / "csv" / "penguins_raw.csv").file.license == "CC0-1.0"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nasty/avengers.csv", "cp1252"),
        ("nasty/spanish_chars.csv", "cp1252"),
        ("nasty/test_utf16_big.csv", "utf-16"),
    ],
)
def test_encodings_are_found(shared_data: Path, name: str, text: str) -> None:
    plan = _profile(shared_data / name).tables[0].plan
    assert text in {decision.value for decision in plan.decisions if decision.what == "encoding"}


def test_what_the_values_mean(shared_data: Path) -> None:
    penguins = _profile(shared_data / "csv" / "penguins_raw.csv").tables[0]
    assert penguins.column("Species").kind is SemanticType.CATEGORY
    assert penguins.column("Date Egg").kind is SemanticType.DATE
    assert penguins.column("Body Mass (g)").kind is SemanticType.NUMBER
    circulation = _profile(shared_data / "csv" / "pulitzer-circulation-data.csv").tables[0]
    assert circulation.column("Change in Daily Circulation, 2004-2013").kind is SemanticType.PERCENT
    assert circulation.column("Daily Circulation, 2004").maximum == 2_192_098
    librarians = _profile(shared_data / "csv" / "librarians-by-msa.csv").tables[0]
    assert librarians.column("tot_emp").kind is SemanticType.NUMBER
    assert librarians.column("tot_emp").nulls == 2
    codes = _profile(shared_data / "nasty" / "FY09_EDU_Recipients_by_State.csv").tables[0].column("Code")
    assert (codes.dtype, codes.minimum) == ("string", "01")
    orders = _profile(shared_data / "csv" / "global_super_store_orders.tsv").tables[0]
    assert orders.column("Sales").dtype == "float"


def test_joins_of_chinook_and_of_a_database_without_keys(shared_data: Path) -> None:
    chinook = _profile(shared_data / "sqlite" / "Chinook_Sqlite.sqlite")
    declared = {(one.child, one.parent) for one in chinook.relationships if one.declared}
    assert {("Album", "Artist"), ("InvoiceLine", "Track"), ("Employee", "Employee")} <= declared
    assert all(one.coverage == 1 for one in chinook.relationships)
    survey = _profile(shared_data / "sqlite" / "survey.db")
    inferred = {(one.child, one.child_columns, one.parent) for one in survey.relationships}
    assert {
        ("Survey", ("person",), "Person"),
        ("Survey", ("taken",), "Visited"),
        ("Visited", ("site",), "Site"),
    } <= inferred


def test_a_wide_table_gives_a_profile_that_a_prompt_holds(shared_data: Path) -> None:
    table = _profile(shared_data / "nasty" / "wide.csv").tables[0]
    assert table.column_count == 9074
    assert len(table.columns) <= 120
    assert any(issue.kind == "wide" for issue in table.issues)
