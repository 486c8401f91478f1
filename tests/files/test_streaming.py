"""Streaming says what reading says: the same shape, counts and ranges, and estimates within their error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datamind_gen.files import ReadSettings, delimited, find_file, parquet, profile_file
from datamind_gen.rows import Table

ALL = ReadSettings.accept_all()


def _frame(rows: int = 30_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "day": pd.to_datetime("2015-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "city": rng.choice(["Oslo", "Rome", "Lima", "Quito"], rows),
            "price": rng.gamma(2, 50, rows).round(2),
            "stock": rng.integers(-3, 40, rows),
            "maybe": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows).round(6)),
        }
    )


def _both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Table, Table]:
    whole = profile_file(find_file(path), ALL).tables[0]
    monkeypatch.setattr(delimited, "STREAMED", 100_000)
    monkeypatch.setattr(parquet, "MOST_VALUES", 1000)
    return whole, profile_file(find_file(path), ALL).tables[0]


def _agree(whole: Table, streamed: Table) -> None:
    assert (streamed.rows, streamed.column_count, streamed.primary_key) == (
        whole.rows,
        whole.column_count,
        whole.primary_key,
    )
    assert "streamed" in {issue.kind for issue in streamed.issues}
    for one, other in zip(whole.columns, streamed.columns, strict=True):
        assert (other.name, other.dtype, other.kind, other.count, other.nulls) == (
            one.name,
            one.dtype,
            one.kind,
            one.count,
            one.nulls,
        )
        assert (other.minimum, other.maximum, other.zeros, other.negatives) == (
            one.minimum,
            one.maximum,
            one.zeros,
            one.negatives,
        )
        assert other.distinct == pytest.approx(one.distinct, rel=0.15)
        if one.mean is not None:
            assert other.mean == pytest.approx(one.mean)
            assert other.std == pytest.approx(one.std)
            assert other.quantiles == pytest.approx(one.quantiles, rel=0.1, abs=0.1)
        if other.distinct_exact and other.top:
            assert other.top == one.top


def test_a_long_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _frame().to_csv(tmp_path / "long.csv", index=False)
    _agree(*_both(tmp_path / "long.csv", monkeypatch))


def test_a_long_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _frame().to_parquet(tmp_path / "long.parquet", index=False)
    _agree(*_both(tmp_path / "long.parquet", monkeypatch))


def test_preamble_footer_semicolons_decimal_commas_and_cp1252(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = _frame().drop(columns="day").assign(ort="Köln").to_csv(index=False, sep=";", decimal=",")
    text = f"Auszug für die Stadt\n\n{body}\nQuelle: Amt für Statistik\n"
    (tmp_path / "long.csv").write_bytes(text.encode("cp1252"))
    whole, streamed = _both(tmp_path / "long.csv", monkeypatch)
    assert (whole.rows, whole.column_count) == (30_000, 6)
    _agree(whole, streamed)


def test_a_word_far_behind_the_sample_is_an_issue_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = _frame(150_000)
    text = frame.to_csv(index=False)
    place = text.rfind("\n", 0, len(text) * 2 // 3)
    (tmp_path / "long.csv").write_text(
        text[:place] + "\n149999,2015-01-01,Oslo,unknown,many,0.5" + text[place:]
    )
    monkeypatch.setattr(delimited, "STREAMED", 100_000)
    table = profile_file(find_file(tmp_path / "long.csv"), ALL).tables[0]
    assert table.rows == 150_001
    assert table.column("price").count == 150_000
    assert "bad_values" in {issue.kind for issue in table.issues}
