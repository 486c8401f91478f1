"""`exec` and `doctor`, through their command lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from datamind_gen.cli.doctor import doctor_command
from datamind_gen.cli.exec import exec_command


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    built = typer.Typer()
    built.command("exec")(exec_command)
    built.command("doctor")(doctor_command)
    return built


def test_exec_prints_one_object_a_turn_and_exits_0(app: typer.Typer, table: Path, tmp_path: Path) -> None:
    codes = (
        "import pandas as pd\ndf = pd.read_csv('data/files/sales.csv')\ndf.shape",
        "df['nope']",
        "print(len(df))",
    )
    turns = []
    for number, code in enumerate(codes):
        path = tmp_path / f"{number}.py"
        path.write_text(code)
        turns += ["--turn", str(path)]
    done = CliRunner().invoke(app, ["exec", "--data", str(table), *turns, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [turn["status"] for turn in found] == ["ok", "error", "ok"]
    assert found[0]["echo"] == "(3, 2)"
    assert found[2]["stdout"] == "3\n"
    assert set(found[0]) == {"status", "stdout", "echo", "error", "wall_s", "cpu_s", "peak_mb", "truncated"}


def test_exec_names_a_file_that_is_not_there(app: typer.Typer, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["exec", "--turn", str(tmp_path / "gone.py")])
    assert done.exit_code == 2
    assert "gone.py" in done.output


def test_doctor_lists_what_it_tried(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == (1 if found["isolation"] == "none" else 0)
    assert all(attempt["denied"] for attempt in found["attempts"]) == (found["isolation"] == "full")
