"""Every rule against its own known-good and known-bad examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamind_gen.rules import BUILT_IN, BadExamples, ExampleOutcome, load_rule, validate_rules
from datamind_gen.rules.base import Rule
from datamind_gen.rules.examples import load_examples

OUTCOMES = validate_rules()


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda one: f"{one.rule}: {one.why}")
def test_the_example_is_judged_as_written(outcome: ExampleOutcome) -> None:
    assert outcome.right, outcome.found


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_rule_is_described_and_has_examples_of_both_kinds(name: str) -> None:
    rule = load_rule(name)
    examples = load_examples(rule)
    assert rule.name == name
    assert examples.good
    assert examples.bad
    assert issubclass(rule, Rule)


def test_a_rule_that_finds_nothing_is_shown_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lenient_rule.py").write_text(
        "from datamind_gen.rules import RowRule\n"
        "class Lenient(RowRule):\n"
        "    name = 'lenient'\n"
        "    def check(self, candidate, context):\n"
        "        return None\n"
    )
    (tmp_path / "lenient_rule.yaml").write_text(
        "good: [{why: fine}]\nbad: [{why: should be found}]\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    outcomes = validate_rules(["lenient_rule:Lenient"])
    assert [outcome.right for outcome in outcomes] == [True, False]


def test_a_rule_without_examples_is_told_where_to_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare_rule.py").write_text(
        "from datamind_gen.rules import RowRule\nclass Bare(RowRule): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadExamples, match=r"Bare has no examples: .*bare_rule\.yaml"):
        validate_rules(["bare_rule:Bare"])
