"""What we depend on is chosen and bounded: distilabel above all, which nobody maintains any more."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
UNDECLARED = ("requests", "pillow")
"""What distilabel 1.5.3 imports and does not declare."""


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def distilabel_needs() -> list[str]:
    names = []
    for text in requires("distilabel") or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.append(canonicalize_name(requirement.name))
    return sorted({*names, *UNDECLARED})


@pytest.mark.parametrize("name", distilabel_needs())
def test_what_distilabel_imports_is_declared_with_an_upper_bound(name: str) -> None:
    requirement = declared().get(name)
    assert requirement is not None, f"{name} is imported by distilabel and not declared"
    assert any(found.operator in ("<", "<=", "==") for found in requirement.specifier), str(requirement)


def test_every_dependency_has_an_upper_bound() -> None:
    loose = [
        str(requirement)
        for requirement in declared().values()
        if not any(found.operator in ("<", "<=", "==") for found in requirement.specifier)
    ]
    assert loose == []


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line}
    assert set(declared()) - pinned == set()


def test_distilabel_imports_in_a_fresh_interpreter() -> None:
    code = "import distilabel.pipeline, distilabel.steps, distilabel.models"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
