"""`taxonomy.check`: what it says before anything is run, and why a run gave no answer."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from datamind_gen.rows import Profile
from datamind_gen.taxonomy import Fate, Run, draw, load_taxonomy
from datamind_gen.taxonomy.check import main
from datamind_gen.taxonomy.load import shipped_taxonomies
from datamind_gen.taxonomy.reach import say_why

RANKING = shipped_taxonomies() / "data_analysis" / "ranking.yaml"


@pytest.mark.parametrize(
    ("written", "instead", "options", "told"),
    [
        pytest.param("{{ group }}", "{{ group }", (), "ranking.yaml:", id="yaml-mistake"),
        pytest.param("", "", ("--program", "nth"), "it has ", id="unknown-program"),
    ],
)
def test_mistakes_are_told_before_anything_is_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    written: str,
    instead: str,
    options: tuple[str, ...],
    told: str,
) -> None:
    path = tmp_path / "ranking.yaml"
    path.write_text(RANKING.read_text().replace(written, instead, 1))
    monkeypatch.setattr(sys, "argv", ["check", str(path), *options])
    assert main() == 2
    assert told in capsys.readouterr().out


def test_a_guard_is_named_once(bundled: Callable[[str], tuple[Profile, object]]) -> None:
    profile, _ = bundled("firm_investment.csv")
    chain = next(draw(load_taxonomy("data_analysis").category("ranking"), profile, random.Random(1)))
    assert say_why(Run(chain, Fate.GUARD, "guard: x > 1")) == "guard: x > 1"
    assert say_why(Run(chain, Fate.ERROR, "KeyError")) == "error: KeyError"
