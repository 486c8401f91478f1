"""How values are written: what loading makes of them, and what stays as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from datamind_gen.files import ReadSettings, find_file, profile_file
from datamind_gen.files.notation import find_notation
from datamind_gen.files.proof import run_code
from datamind_gen.rows import Table

ALL = ReadSettings.accept_all()


def _load(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[Table, pd.DataFrame]:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    table = profile_file(find_file(path), ALL).tables[0]
    return table, run_code(table.plan.pandas, {"t.csv": path})


def _column(tmp_path: Path, values: list[str]) -> pd.Series:
    lines = "".join(f'town {i},"{value}"\n' for i, value in enumerate(values))
    return _load(tmp_path, "place,value\n" + lines)[1]["value"]


@pytest.mark.parametrize(
    ("written", "loaded"),
    [
        (["1,234", "5,678", "12"], [1234, 5678, 12]),
        (["$1,000.00", "$5.50", "$12"], [1000, 5.5, 12]),
        (["45,06", "1,5", "2,25"], [45.06, 1.5, 2.25]),
        (["1.234,50", "3,20", "10,00"], [1234.5, 3.2, 10]),
        (["12.5%", "3%", "100%"], [12.5, 3, 100]),
        (["(1,234)", "56", "(7)"], [-1234, 56, -7]),
        (["1 234", "5 678", "12"], [1234, 5678, 12]),
        (["€ 5,20", "€ 1.000,00", "€ 3,00"], [5.2, 1000, 3]),
        (["1'234", "5'678'901", "12"], [1234, 5678901, 12]),
        (["12,34,567", "1,23,456", "99"], [1234567, 123456, 99]),
        (["-1 414", "566,216", "- 1"], [-1414, 566216, -1]),
        (["1e3", "2.5e-1", "7"], [1000, 0.25, 7]),
    ],
    ids=["thousands", "dollars", "decimal-comma", "both-german", "percent", "parentheses", "blanks",
    "euros", "swiss",
         "indian", "blank-and-comma", "exponents"],
)  # fmt: skip
def test_numbers_written_for_people(tmp_path: Path, written: list[str], loaded: list[float]) -> None:
    assert _column(tmp_path, written * 4).tolist() == pytest.approx(loaded * 4)


@pytest.mark.parametrize(
    "values",
    [
        ["01", "02", "10"],
        ["00501", "90210", "10001"],
        ["$5", "€5", "£5"],
        ["1-2", "3-4", "5+"],
        ["192.168.0.1", "10.0.0.1", "10.0.0.2"],
    ],
    ids=["codes", "zip-codes", "several-currencies", "ranges", "addresses"],
)
def test_what_is_no_number_stays_text(tmp_path: Path, values: list[str]) -> None:
    assert _column(tmp_path, values * 4).tolist() == values * 4


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["2014-01-31", "2014-02-01"], "2014-01-31"), (["31/01/2014", "13/02/2014"], "2014-01-31"),
        (["1/31/14", "2/13/14"], "2014-01-31"), (["31.01.2014", "01.02.2014"], "2014-01-31"),
        (["31-Jan-2014", "01-Feb-2014"], "2014-01-31"), (["January 31, 2014", "February 1, 2014"],
        "2014-01-31"),
        (["2014-01-31T10:00:00", "2014-02-01T11:30:00"], "2014-01-31 10:00:00"),
    ],
)  # fmt: skip
def test_dates_of_one_format(tmp_path: Path, values: list[str], first: str) -> None:
    assert _column(tmp_path, values * 6).iloc[0] == pd.Timestamp(first)


def test_day_and_month_that_cannot_be_told_apart_are_an_issue(tmp_path: Path) -> None:
    table, _ = _load(tmp_path, "a,d\n" + "".join(f"{i},0{i % 9 + 1}/0{i % 7 + 1}/2014\n" for i in range(30)))
    assert "ambiguous_dates" in {issue.kind for issue in table.issues}


def test_namibia_is_no_null_and_a_missing_value_is(tmp_path: Path) -> None:
    codes = ["DE", "FR", "NA", "US", "GB", "IT", "ES", "NL"] * 3
    text = "iso,n,remark\n" + "".join(
        f"{code},{'n/a' if i == 5 else i},{'' if i == 4 else 'x'}\n" for i, code in enumerate(codes)
    )
    table, frame = _load(tmp_path, text)
    assert frame["iso"].tolist() == codes
    assert frame["n"].isna().sum() == 1
    assert frame["remark"].isna().sum() == 1
    assert not table.plan.raw_works


def test_null_tokens_are_found_by_column(tmp_path: Path) -> None:
    text = "place,count,grade\n" + "".join(
        f"p{i},{'-' if i % 6 == 0 else i},{'ABC-'[i % 4]}\n" for i in range(36)
    )
    table, frame = _load(tmp_path, text)
    assert frame["count"].isna().sum() == 6
    issue = next(issue for issue in table.issues if issue.kind == "null_tokens" and issue.column == "count")
    assert (issue.rows, issue.example) == (6, "-")


def test_a_rare_word_among_numbers_is_lost_and_said_so(tmp_path: Path) -> None:
    text = "place,count\n" + "".join(f"p{i},{'about five' if i == 77 else i}\n" for i in range(200))
    table, frame = _load(tmp_path, text)
    assert frame["count"].notna().sum() == 199
    issue = next(issue for issue in table.issues if issue.kind == "bad_values")
    assert (issue.column, issue.rows, issue.example) == ("count", 1, "about five")


def test_many_words_among_numbers_keep_the_column_text(tmp_path: Path) -> None:
    text = "place,games\n" + "".join(f"p{i},{'Indef.' if i % 10 == 0 else i}\n" for i in range(60))
    table, _ = _load(tmp_path, text)
    assert table.column("games").dtype == "string"
    assert "mixed_numbers" in {issue.kind for issue in table.issues}


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "utf-16", "utf-8-sig"])
def test_accents_survive(tmp_path: Path, encoding: str) -> None:
    towns = ["Málaga", "Coruña", "Cádiz", "León", "Ávila"] * 5
    text = "provincia,año\n" + "".join(f"{town},{2000 + i}\n" for i, town in enumerate(towns))
    _, frame = _load(tmp_path, text, encoding)
    assert frame["provincia"].tolist() == towns
    assert list(frame.columns) == ["provincia", "año"]


def test_a_decimal_comma_elsewhere_settles_the_doubtful_column() -> None:
    doubtful = Counter(["1.234", "5.678"])
    assert find_notation(doubtful).kind == "float"
    assert find_notation(doubtful, decimal_comma=True).thousands == "."


def test_two_digit_years_are_set_right_by_a_column_of_years(tmp_path: Path) -> None:
    lines = "".join(
        f"{i % 12 + 1}/15/{year % 100:02d},{year},{i}\n" for i, year in enumerate(range(1906, 2018))
    )
    table, frame = _load(tmp_path, "day,year,n\n" + lines)
    assert (frame["day"].dt.year == frame["year"]).all()
    assert "two_digit_years" in {issue.kind for issue in table.issues}
    assert table.column("day").minimum == "1906-01-15"


def test_a_survey_code_among_counts_is_an_issue(tmp_path: Path) -> None:
    lines = "".join(f"{i},{-9 if i % 7 == 0 else i % 5}\n" for i in range(70))
    table, _ = _load(tmp_path, "id,children\n" + lines)
    issue = next(issue for issue in table.issues if issue.kind == "sentinel")
    assert (issue.column, issue.rows, issue.example) == ("children", 10, "-9")
