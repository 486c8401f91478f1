"""The profile verb's contract: one JSON object a line, errors beside tables, exit 1 after all were tried."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import typer
from typer.testing import CliRunner

from datamind_gen.cli.profile import profile_command

app = typer.Typer()
app.command()(profile_command)


def _table(path: Path) -> Path:
    pd.DataFrame({"town": ["A", "B"] * 15, "n": range(30)}).to_csv(path, index=False)
    return path


def test_json_lines_for_tables_and_errors(tmp_path: Path) -> None:
    good, bad = _table(tmp_path / "good.csv"), tmp_path / "bad.csv"
    bad.write_bytes(b"")
    result = CliRunner().invoke(app, [str(bad), str(tmp_path / "gone.csv"), str(good), "--json"])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [line.get("reason") for line in lines] == ["empty", "unreadable", None]
    table = lines[2]
    assert {"path", "table", "rows", "columns", "plan", "issues", "confidence", "license"} <= set(table)
    assert (table["rows"], table["columns"][0]) == (30, {"name": "town", "type": "category"})


def test_a_table_for_people_and_exit_zero(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(_table(tmp_path / "good.csv")), "--code"])
    assert result.exit_code == 0
    assert "30 rows × 2 columns" in result.stdout
    assert "pd.read_csv" in result.stdout


def test_a_folder_means_its_data_files(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        _table(tmp_path / name)
    (tmp_path / "notes.md").write_text("no data")
    result = CliRunner().invoke(app, [str(tmp_path), "--json"])
    assert [Path(json.loads(line)["path"]).name for line in result.stdout.splitlines()] == ["a.csv", "b.csv"]
