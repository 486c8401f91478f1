"""Every command of the README is run, in its order, where a newcomer would stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import statsmodels.api as sm

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [shlex.split(line, comments=True) for block in SHELL for line in block.splitlines()]
SMALLER = {
    "pipelines/quickstart.yaml": ["--limit", "8"],
    "pipelines/full.yaml": ["--limit", "4", "--set", "sources=[{bundled: csv}]"],
    "tiny": ["--limit", "30"],
}
"""What the test adds to a run so that it ends soon; the rest stands as it is written."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone's folders, a data file of the reader's own, and what `make run` leaves behind."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("pipelines", "taxonomies", "trainers", "Makefile", "pyproject.toml", "constraints.txt"):
        (folder / name).symlink_to(ROOT / name)
    table = sm.datasets.statecrime.load_pandas().data.reset_index()
    table.to_csv(folder / "sales.csv", index=False)
    done = run(["python", "-m", "datamind_gen", "run", "pipelines/quickstart.yaml"], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command as it is written, with this Python, and smaller where it is a run."""
    words = [sys.executable if word == "python" else word for word in command]
    if "run" in command:
        words += [word for name in command for word in SMALLER.get(name, [])]
    if command[:3] == ["python", "-m", "trainers"] and "--check" not in command:
        words += ["sft.max_steps=2", "out=out"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=500)


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("command", [found for found in COMMANDS if found[0] == "python"], ids=" ".join)
def test_a_command_of_the_readme(command: list[str], place: Path) -> None:
    done = run(command, place)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("command", [found for found in COMMANDS if found[0] == "make"], ids=" ".join)
def test_make_knows_the_readmes_words(command: list[str]) -> None:
    """Only looked up: this suite is what `make test` runs, and `place` what `make run` does."""
    done = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "-m" in done.stdout


def test_what_is_not_python_or_make_activates_the_environment_that_make_makes() -> None:
    others = [found for found in COMMANDS if found[0] not in ("python", "make")]
    assert others == [[".", ".venv/bin/activate"]]
    assert "VENV := .venv\n" in (ROOT / "Makefile").read_text("utf-8")


def test_the_pages_that_the_readme_names_are_there() -> None:
    named = re.findall(r"\]\(([^)#]+)\)", README)
    gone = [name for name in named if "://" not in name and not (ROOT / name).exists()]
    assert gone == []
