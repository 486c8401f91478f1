"""The command line starts light: what `--help` imports is a set, not a time; and it shows what to type."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from datamind_gen.cli import FAMILIES, app

HEAVY = {"pandas", "numpy", "polars", "duckdb", "distilabel", "datasets", "openai", "torch", "jinja2", "yaml"}
VERBS = [name for verbs in FAMILIES.values() for name in verbs]
SILENT = {"init", "run", "preview", "stop", "schema", "push", "export", "score"}
"""Verbs that list nothing; `schema` prints JSON anyway, and what `score` changed `diff --json` says."""

HELP_OF_ALL = """
import sys
from typer.testing import CliRunner
from datamind_gen.cli import FAMILIES, app
for arguments in [["--help"], *([verb, "--help"] for verbs in FAMILIES.values() for verb in verbs)]:
    assert CliRunner().invoke(app, arguments).exit_code == 0, arguments
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_no_help_imports_an_engine_room() -> None:
    told = subprocess.run([sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True)
    found = set(told.stdout.split())
    assert "typer" in found
    assert found & HEAVY == set()


@pytest.mark.parametrize("verb", VERBS)
def test_each_help_shows_how_to_call_it(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"]).stdout
    assert f"datamind_gen {verb}" in told.partition("Example")[2]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in SILENT])
def test_verbs_that_list_also_speak_json(verb: str) -> None:
    assert "--json" in CliRunner().invoke(app, [verb, "--help"]).stdout


def test_the_shell_completes_verbs() -> None:
    script = os.path.join(os.path.dirname(sys.executable), "datamind-gen")
    asked = {"_DATAMIND_GEN_COMPLETE": "complete_bash", "COMP_WORDS": "datamind-gen pro", "COMP_CWORD": "1"}
    told = subprocess.run([script], env=os.environ | asked, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["profile"]
