"""Filter rules as `validate` sees them: what a pipeline says of them, and their own examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_validate import run_verb

MINE = """\
from datamind_gen.rules import RowRule, RuleFinding, RuleParams

class NoWord(RowRule):
    name = "no_word"

    class Params(RuleParams):
        word: str = "mean"

    def check(self, candidate, context):
        if self.params.word in (candidate.trajectory.answer or ""):
            return RuleFinding(self.params.word)
        return None
"""
EXAMPLES = """\
good:
  - {why: another word, turns: [{think: done, answer: "4"}]}
bad:
  - {why: the word itself, turns: [{think: done, answer: the mean is 4}]}
"""


@pytest.mark.parametrize(
    ("written", "line", "nearest", "said"),
    [
        ("[formt]", 2, "format", "no rule named 'formt'"),
        ("\n  - format\n  - answer_length: {max_token: 7}", 4, "max_tokens", "has no setting `max_token`"),
        ("\n  - language:\n      max_foreign_share: 3", 4, None, "less than or equal to 1"),
        ("\n  - format\n  - nowhere:Rule", 4, None, "No module named 'nowhere'"),
        ("['pathlib:Path']", 2, None, "is no RowRule"),
        ("\n  - contamination: {lists: [missing.json]}", 3, None, "missing.json"),
    ],
    ids=["name", "setting", "value", "module", "class", "file"],
)
def test_a_mistaken_rule_is_told_with_line_and_nearest_name(
    tmp_path: Path, written: str, line: int, nearest: str | None, said: str
) -> None:
    (tmp_path / "mine.yaml").write_text(f"extends: quickstart\nrules: {written}\n")
    done = run_verb(tmp_path, "validate", "mine.yaml", "--json")
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["file"], problem["line"], problem["nearest"]) == ("mine.yaml", line, nearest)
    assert said in problem["message"]


def test_a_rule_of_ones_own_is_found_checked_and_tried(tmp_path: Path) -> None:
    (tmp_path / "my_rules.py").write_text(MINE)
    (tmp_path / "mine.yaml").write_text(
        "extends: quickstart\nrules: [format, {'my_rules:NoWord': {word: median}}]\n"
    )
    assert run_verb(tmp_path, "validate", "mine.yaml").returncode == 0
    untried = run_verb(tmp_path, "validate", "mine.yaml", "--rules")
    assert untried.returncode == 2
    assert "NoWord has no examples" in untried.stderr
    (tmp_path / "my_rules.yaml").write_text(EXAMPLES)
    assert run_verb(tmp_path, "validate", "mine.yaml", "--rules").returncode == 0
    (tmp_path / "my_rules.yaml").write_text(EXAMPLES.replace("the mean is 4", "the median is 4"))
    wrong = run_verb(tmp_path, "validate", "mine.yaml", "--rules")
    assert wrong.returncode == 1
    assert "a known-bad example was passed (the word itself)" in wrong.stdout


def test_built_in_rules_are_right_about_their_examples(tmp_path: Path) -> None:
    done = run_verb(tmp_path, "validate", "--rules", "--json")
    assert done.returncode == 0, done.stdout
    assert len(json.loads(done.stdout)) > 60
    assert run_verb(tmp_path, "validate").returncode == 2
