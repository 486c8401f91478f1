"""Formats beside plain delimited text: packed files, JSON, databases, folders, and what must be refused."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from datamind_gen.files import (
    FileError,
    FoundFile,
    ReadSettings,
    SourceSpec,
    check_plan,
    find_file,
    find_sources,
    profile_file,
    profile_in_limits,
)
from datamind_gen.files.proof import run_code
from datamind_gen.rows import FileFormat, Profile, Reason, SemanticType

ALL = ReadSettings.accept_all()
FRAME = pd.DataFrame(
    {
        "city": [f"City {i}" for i in range(30)],
        "kind": ["port", "inland", "border"] * 10,
        "opened": pd.date_range("2001-01-01", periods=30, freq="D"),
        "visits": range(100, 130),
        "depth": [i / 8 for i in range(30)],
    }
)


def _profile(path: Path) -> Profile:
    return profile_file(find_file(path), ALL)


def _columns(profile: Profile) -> list[tuple[object, ...]]:
    return [
        (
            c.name,
            c.dtype,
            c.kind,
            c.count,
            c.distinct,
            c.minimum,
            c.maximum,
            c.mean,
            c.quantiles,
            c.top,
            c.granularity,
        )
        for c in profile.tables[0].columns
    ]


def test_the_same_table_in_six_formats_gives_the_same_columns(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_csv(tmp_path / "b.tsv", index=False, sep="\t")
    FRAME.to_excel(tmp_path / "c.xlsx", index=False)
    FRAME.to_excel(tmp_path / "d.ods", index=False)
    FRAME.to_parquet(tmp_path / "e.parquet", index=False)
    FRAME.to_csv(tmp_path / "f.csv.gz", index=False)
    profiles = [_profile(path) for path in sorted(tmp_path.iterdir())]
    for profile in profiles[1:]:
        assert _columns(profile) == _columns(profiles[0])
    assert [c[2] for c in _columns(profiles[0])] == [
        SemanticType.NAME, SemanticType.CATEGORY, SemanticType.DATE, SemanticType.IDENTIFIER,
        SemanticType.NUMBER,
    ]  # fmt: skip


@pytest.mark.parametrize("inner", ["t.csv", "t.xlsx", "t.json", "t.db"])
@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_packed_files_are_read_and_their_code_runs(
    tmp_path: Path, inner: str, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / inner
    match plain.suffix:
        case ".csv":
            FRAME.to_csv(plain, index=False)
        case ".xlsx":
            FRAME.to_excel(plain, index=False)
        case ".json":
            FRAME.to_json(plain, orient="records", date_format="iso")
        case _:
            with sqlite3.connect(plain) as connection:
                FRAME.to_sql("cities", connection, index=False)
    packed = tmp_path / f"{inner}.{packing}"
    if packing == "gz":
        packed.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(plain, inner)
    table = _profile(packed).tables[0]
    assert (table.rows, table.column_count) == (30, 5)
    monkeypatch.chdir(tmp_path)  # the code unpacks beside itself
    assert run_code(table.plan.pandas, {packed.name: packed}).shape == (30, 5)


@pytest.mark.parametrize(
    ("name", "document", "shape"),
    [
        ("records.json", [{"a": i, "b": {"c": i}} for i in range(5)], (5, 2)),
        ("inside.json", {"meta": {"n": 5}, "data": [{"a": i, "b": "x"} for i in range(5)]}, (5, 2)),
        ("columns.json", {"a": [1, 2, 3], "b": ["x", "y", "z"]}, (3, 2)),
        ("index.json", {"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 4}}, (2, 3)),
        ("rows.json", [["a", "b"], [1, "x"], [2, "y"]], (2, 2)),
        (
            "geo.json",
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "properties": {"n": i}, "geometry": None} for i in range(4)],
            },
            (4, 3),
        ),
    ],
)
def test_json_in_its_forms(tmp_path: Path, name: str, document: object, shape: tuple[int, int]) -> None:
    (tmp_path / name).write_text(json.dumps(document))
    table = _profile(tmp_path / name).tables[0]
    assert (table.rows, table.column_count) == shape


def test_json_strings_that_are_codes_stay_codes(tmp_path: Path) -> None:
    (tmp_path / "codes.json").write_text(
        json.dumps([{"zip": f"0{i}", "n": str(i * 1000)} for i in range(1000, 1030)])
    )
    table = _profile(tmp_path / "codes.json").tables[0]
    assert (table.column("zip").dtype, table.column("zip").minimum) == ("string", "01000")
    assert table.column("n").dtype == "int"


def test_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"a": i, "b": f"v{i % 3}"}) for i in range(25)))
    assert (_profile(tmp_path / "a.jsonl").tables[0].rows, find_file(tmp_path / "a.jsonl").file.format) == (
        25,
        FileFormat.JSONL,
    )


def test_duckdb_with_keys(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.execute("CREATE TABLE firm (id INTEGER PRIMARY KEY, name VARCHAR)")
        connection.execute("INSERT INTO firm SELECT range, 'Firm ' || range FROM range(5)")
        connection.execute("CREATE TABLE sale (firm_id INTEGER REFERENCES firm (id), amount DOUBLE)")
        connection.execute("INSERT INTO sale SELECT range % 5, range * 1.5 FROM range(40)")
    profile = _profile(tmp_path / "shop.duckdb")
    assert profile.table("firm").primary_key == ("id",)
    assert [(one.child, one.parent, one.declared) for one in profile.relationships] == [
        ("sale", "firm", True)
    ]


def test_odd_names_in_a_database(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "odd.sqlite") as connection:
        connection.execute('CREATE TABLE "order by" ("select" INTEGER, "Größe in m" REAL, "a""b" TEXT)')
        connection.executemany(
            'INSERT INTO "order by" VALUES (?, ?, ?)', [(i, i / 3, "x") for i in range(25)]
        )
        connection.execute("CREATE TABLE empty (a INTEGER)")
    profile = _profile(tmp_path / "odd.sqlite")
    assert [c.name for c in profile.table("order by").columns] == ["select", "Größe in m", 'a"b']
    assert [issue.kind for issue in profile.issues] == ["empty_table"]
    frame = run_code(profile.tables[0].plan.pandas, {"odd.sqlite": tmp_path / "odd.sqlite"})
    assert frame.shape == (25, 3)


def test_a_folder_as_one_source_finds_joins_across_files(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    pd.DataFrame({"code": [f"C-{i}" for i in range(25)], "town": ["A", "B", "C", "D", "E"] * 5}).to_csv(
        folder / "customers.csv", index=False
    )
    pd.DataFrame({"customer": [f"C-{i % 20}" for i in range(60)], "amount": range(60)}).to_parquet(
        folder / "orders.parquet"
    )
    (found,) = find_sources([SourceSpec(folder="shop", as_one=True)], tmp_path, tmp_path / "work")
    assert found.file.format is FileFormat.FOLDER
    profile = profile_file(found)
    assert {table.name for table in profile.tables} == {"customers", "orders"}
    joins = {(one.child, one.child_columns, one.parent, one.parent_columns) for one in profile.relationships}
    assert ("orders", ("customer",), "customers", ("code",)) in joins


def test_two_sheets_and_a_readme(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "book.xlsx") as writer:
        pd.DataFrame({"About": ["This book", "has notes"]}).to_excel(writer, sheet_name="README", index=False)
        FRAME.to_excel(writer, sheet_name="North", index=False, startrow=4, startcol=2)
        FRAME.to_excel(writer, sheet_name="South", index=False)
        pd.DataFrame().to_excel(writer, sheet_name="Empty")
    profile = _profile(tmp_path / "book.xlsx")
    assert [(table.name, table.rows, table.column_count) for table in profile.tables] == [
        ("North", 30, 5),
        ("South", 30, 5),
    ]
    assert {issue.kind for issue in profile.issues} == {"sheet_left_out"}


def _write(path: Path, content: bytes) -> FoundFile:
    path.write_bytes(content)
    return find_file(path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nothing.csv", b"", Reason.EMPTY),
        ("newlines.csv", b"\n\r\n \n", Reason.EMPTY),
        ("paper.pdf", b"%PDF-1.4 ...", Reason.UNSUPPORTED_FORMAT),
        ("page.csv", b"<!DOCTYPE html><html><body>404</body></html>", Reason.UNSUPPORTED_FORMAT),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), Reason.UNSUPPORTED_FORMAT),
        ("cut.parquet", b"PAR1" + b"\x15\x00" * 40, Reason.CORRUPT),
        ("no.parquet", b"a,b\n1,2\n", Reason.CORRUPT),
        ("cut.sqlite", b"SQLite format 3\x00" + b"\x10" * 300, Reason.CORRUPT),
        ("cut.xlsx", b"PK\x03\x04" + b"\x00" * 50, Reason.CORRUPT),
        ("broken.json", b'[{"a": 1}, {"a": ', Reason.CORRUPT),
        ("deep.json", b"[" * 100_000 + b"]" * 100_000, Reason.CORRUPT),
        ("scalar.json", b'{"a": 1}', Reason.NO_TABLE),
        ("cut.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:-20], Reason.CORRUPT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_holds_no_table_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, reason: Reason
) -> None:
    with pytest.raises(FileError) as caught:
        profile_file(_write(tmp_path / name, content), ALL)
    assert caught.value.reason is reason
    assert name in caught.value.detail
    assert "\n" not in caught.value.detail


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        find_file(tmp_path / "gone.csv")
    assert caught.value.reason is Reason.UNREADABLE


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_each_table_of_a_zip_is_read_and_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shops = pd.DataFrame({"shop_id": range(1, 31), "town": [f"Town {i}" for i in range(30)]})
    sales = pd.DataFrame({"sale": range(200), "shop_id": [1 + i % 30 for i in range(200)], "sum": range(200)})
    sheet = tmp_path / "prices.xlsx"
    FRAME.to_excel(sheet, index=False)
    packed = _zip(
        tmp_path / "shop.zip",
        {
            "data/shops.csv": shops.to_csv(index=False).encode(),
            "data/sales.csv": sales.to_csv(index=False, sep=";").encode(),
            "prices.xlsx": sheet.read_bytes(),
            "broken.json": b'[{"a": 1}, {"a": ',
            "about.md": b"what this is",
            "__MACOSX/data/._shops.csv": b"\x00\x05\x16\x07",
        },
    )
    profile = _profile(packed)
    shapes = {table.name: (table.rows, table.column_count) for table in profile.tables}
    assert shapes == {"shops": (30, 2), "sales": (200, 3), "Sheet1": (30, 5)}
    assert profile.file.format is FileFormat.FOLDER
    assert [issue.kind for issue in profile.issues] == ["unreadable_part"]
    assert [(one.child, one.parent) for one in profile.relationships] == [("sales", "shops")]
    monkeypatch.chdir(tmp_path)
    for table in profile.tables:
        assert run_code(table.plan.pandas, {"shop.zip": packed}).shape == shapes[table.name]


def test_a_table_beside_a_readme_in_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = _zip(tmp_path / "a.zip", {"t.csv": FRAME.to_csv(index=False).encode(), "README.md": b"words"})
    (table,) = _profile(packed).tables
    monkeypatch.chdir(tmp_path)
    assert run_code(table.plan.pandas, {"a.zip": packed}).shape == (30, 5) == (table.rows, table.column_count)


def test_a_bomb_in_a_zip_of_several_is_left_out(tmp_path: Path) -> None:
    packed = _zip(
        tmp_path / "b.zip", {"t.csv": FRAME.to_csv(index=False).encode(), "bomb.csv": b"0" * (90 << 20)}
    )
    profile = _profile(packed)
    assert [table.name for table in profile.tables] == ["t"]
    assert "a bomb" in profile.issues[0].detail


def test_tables_side_by_side_on_a_sheet_are_two(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    assert book.active is not None
    for row in [["Region", "Sales", None, "Product", "Units", "Price"]] + [
        [f"R{i}", i * 10, None, *([f"P{i}", i, i / 4] if i < 12 else [None] * 3)] for i in range(30)
    ]:
        book.active.append(row)
    again = book.create_sheet("again")
    again.append(["Two years"])
    for row in [["Town", "n", None, "Town", "n"]] + [[f"T{i}", i, None, f"U{i}", i * 2] for i in range(25)]:
        again.append(row)
    spaced = book.create_sheet("spaced")
    for row in [["Ward", None, "Male", "Female", None, "Male", "Female"]] + [
        [f"W{i}", None, i, i + 1, None, i + 2, i + 3] for i in range(25)
    ]:
        spaced.append(row)
    path = tmp_path / "beside.xlsx"
    book.save(path)
    profile = _profile(path)
    assert {table.name: (table.rows, tuple(c.name for c in table.columns)) for table in profile.tables} == {
        "Sheet": (30, ("Region", "Sales")),
        "Sheet_2": (12, ("Product", "Units", "Price")),
        "again": (25, ("Town", "n")),
        "again_2": (25, ("Town", "n")),
        "spaced": (25, ("Ward", "Unnamed: 1", "Male", "Female", "Unnamed: 4", "Male.1", "Female.1")),
    }
    for table in profile.tables:
        assert check_plan(table.plan, {path.name: path}, rows=table.rows, columns=table.column_count) is None


def test_tables_side_by_side_in_a_text_are_doubted(tmp_path: Path) -> None:
    lines = ["Region,Sales,,Product,Units"]
    lines += [f"R{i},{i}," + (f",P{i},{i}" if i < 12 else ",,") for i in range(30)]
    found = _write(tmp_path / "beside.csv", "\n".join(lines).encode())
    with pytest.raises(FileError) as caught:
        profile_file(found, ReadSettings())
    assert caught.value.reason is Reason.LOW_CONFIDENCE
    assert "side by side" in caught.value.detail


@pytest.mark.parametrize("suffix", [".xlsx", ".xls"])
def test_an_encrypted_workbook_is_refused_with_the_fix(tmp_path: Path, suffix: str) -> None:
    from msoffcrypto.format.ooxml import OOXMLFile

    plain = tmp_path / "plain.xlsx"
    FRAME.to_excel(plain, index=False)
    path = tmp_path / f"secret{suffix}"
    with plain.open("rb") as source, path.open("wb") as target:
        OOXMLFile(source).encrypt("open sesame", target)
    with pytest.raises(FileError) as caught:
        profile_in_limits(find_file(path), ALL)
    assert caught.value.reason is Reason.ENCRYPTED
    assert caught.value.detail.startswith(path.name)
    assert "without its password" in caught.value.detail
    assert "\n" not in caught.value.detail


def test_an_encrypted_member_of_a_zip_is_refused_with_the_fix(tmp_path: Path) -> None:
    path = _zip(tmp_path / "secret.zip", {"t.csv": FRAME.to_csv(index=False).encode()})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # the flag of encryption, in both of the member's headers
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(FileError) as caught:
        _profile(path)
    assert caught.value.reason is Reason.ENCRYPTED
    assert "password" in caught.value.detail
