"""Pipelines written for one test, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from datamind_gen.spec.loader import LoadedPipeline, read_pipeline, validate_pipeline
from datamind_gen.spec.problems import Problem

Write = Callable[[str, str], Path]
Check = Callable[..., list[Problem]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with one data file and one small taxonomy in it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sales.csv").write_text("city,amount\nRome,3\n")
    (tmp_path / "asking").mkdir()
    (tmp_path / "asking" / "taxonomy.yaml").write_text("name: asking\n")
    for name in ("ranking", "counting"):
        (tmp_path / "asking" / f"{name}.yaml").write_text(f"name: {name}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Write:
    """Writes a file below the working directory."""

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
        return path

    return write


@pytest.fixture
def load(write: Write) -> Callable[..., LoadedPipeline]:
    """Reads a pipeline's text, mistakes and all. Gives it a source and a taxonomy unless told otherwise."""

    def load(text: str, overrides: Sequence[str] = (), *, whole: bool = False) -> LoadedPipeline:
        body = dedent(text).lstrip("\n")
        tail = "" if whole else "sources: [{path: data/sales.csv}]\ntaxonomy: ./asking\n"
        return read_pipeline(write("mine.yaml", body + tail), overrides=overrides)

    return load


@pytest.fixture
def check(load: Callable[..., LoadedPipeline]) -> Check:
    """All that is wrong with a pipeline's text."""

    def check(text: str, overrides: Sequence[str] = (), *, whole: bool = False) -> list[Problem]:
        return validate_pipeline(load(text, overrides, whole=whole))

    return check
