"""A data file that is not there: one line that names it once, with its neighbour, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from datamind_gen import __version__
from datamind_gen.cli import app


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "stats.csv", "1"],
        ["init", "new", "--data", "stats.csv"],
        ["exec", "-t", "-", "-d", "stats.csv"],
    ],
    ids=["ask", "init", "exec"],
)
def test_a_missing_file_is_named_with_the_one_beside_it(
    arguments: list[str], table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(table.parent)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr == "error: stats.csv: no such file; did you mean states.csv?\n"


def test_profile_says_it_beside_what_it_found(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table.parent)
    done = CliRunner().invoke(app, ["profile", "stats.csv"])
    assert done.exit_code == 1
    assert done.stderr == "✗ stats.csv  unreadable: no such file; did you mean states.csv?\n"


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"datamind-gen {__version__}\n"
