from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules import BUILT_IN, RowRule, RuleContext, RuleError, RuleFinding, build_rules
from datamind_gen.rules.answer_length import AnswerLengthRule
from datamind_gen.rules.examples import WrittenCandidate, make_candidate
from datamind_gen.spec.rules import RuleUse


def uses(text: str) -> list[RuleUse]:
    return TypeAdapter(list[RuleUse]).validate_python(yaml.safe_load(text))


def test_rules_come_in_the_order_named_with_their_settings() -> None:
    rules = build_rules(uses("[unresolved_error, format, {answer_length: {max_tokens: 7}}]"))
    assert [rule.name for rule in rules] == ["unresolved_error", "format", "answer_length"]
    assert isinstance(rules[2].params, AnswerLengthRule.Params)
    assert rules[2].params.max_tokens == 7


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RuleError) as caught:
        build_rules(
            uses(
                "[formt, {answer_length: {max_token: 7}}, {language: {max_foreign_share: 3}}, nowhere:Rule,"
                " 'pathlib:Path', {contamination: {lists: [missing.json]}}]"
            )
        )
    told = str(caught.value)
    assert "did you mean 'format'" in told
    assert "max_token" in told
    assert "did you mean 'max_tokens'?" in told
    assert "settings: max_tokens, min_tokens" in told
    assert "max_foreign_share" in told
    assert "'nowhere:Rule' cannot be imported" in told
    assert "'pathlib:Path' is no RowRule" in told
    assert "missing.json" in told
    assert {problem.index for problem in caught.value.problems} == set(range(6))


def test_a_module_that_breaks_while_it_is_imported_is_a_problem_of_that_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_rules.py").write_text("LIMITS = {}\nLIMIT = LIMITS['turns']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuleError, match="cannot be imported: KeyError: 'turns'"):
        build_rules(uses("['broken_rules:Rule']"))


def test_a_rule_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_rules.py").write_text(
        "from datamind_gen.rules import RowRule, RuleFinding, RuleParams\n"
        "class NoWord(RowRule):\n"
        "    name = 'no_word'\n"
        "    class Params(RuleParams):\n"
        "        word: str\n"
        "    def check(self, candidate, context):\n"
        "        if self.params.word in candidate.trajectory.answer:\n"
        "            return RuleFinding(self.params.word)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (rule,) = build_rules(uses("[{'my_rules:NoWord': {word: mean}}]"))
    candidate, _ = make_candidate(WrittenCandidate.model_validate({"turns": [{"answer": "the mean is 4"}]}))
    assert isinstance(rule, RowRule)
    assert rule.reason is Reason.CUSTOM_RULE
    assert rule.check(candidate, RuleContext()) == RuleFinding("mean")


def test_the_tokenizer_is_pluggable() -> None:
    (rule,) = build_rules(uses("[{answer_length: {max_tokens: 3}}]"))
    candidate, _ = make_candidate(WrittenCandidate.model_validate({"turns": [{"answer": "one two"}]}))
    assert isinstance(rule, RowRule)
    assert rule.check(candidate, RuleContext()) is None
    assert rule.check(candidate, RuleContext(count_tokens=len)) == RuleFinding("7 tokens, more than 3")


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in ("contamination",)])
def test_no_rule_looks_at_planted_faults(name: str) -> None:
    source = Path(__import__(BUILT_IN[name].partition(":")[0], fromlist=["x"]).__file__).read_text()
    assert ".faults" not in source
    assert ".misread" not in source


def test_rules_do_not_change_a_candidate() -> None:
    candidate, profile = make_candidate(WrittenCandidate())
    before: Candidate = candidate
    for rule in build_rules(uses("[format, language, secrets, supported_answer, instruction_in_data]")):
        assert isinstance(rule, RowRule)
        rule.check(candidate, RuleContext(profile=profile))
    assert candidate == before
