"""From what a pipeline names to rules that run, with every problem told at once."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from pydantic import ValidationError

from datamind_gen.rules.base import AsyncRowRule, RowRule, Rule, SetRule
from datamind_gen.spec.rules import RuleUse

BUILT_IN = {
    "format": "datamind_gen.rules.format:FormatRule",
    "answer_length": "datamind_gen.rules.answer_length:AnswerLengthRule",
    "language": "datamind_gen.rules.language:LanguageRule",
    "unresolved_error": "datamind_gen.rules.unresolved_error:UnresolvedErrorRule",
    "supported_answer": "datamind_gen.rules.supported_answer:SupportedAnswerRule",
    "reference": "datamind_gen.rules.reference:ReferenceRule",
    "replay": "datamind_gen.rules.replay:ReplayRule",
    "duplicates": "datamind_gen.rules.duplicates:DuplicatesRule",
    "contamination": "datamind_gen.rules.contamination:ContaminationRule",
    "license": "datamind_gen.rules.license:LicenseRule",
    "secrets": "datamind_gen.rules.secrets:SecretsRule",
    "instruction_in_data": "datamind_gen.rules.instruction_in_data:InstructionInDataRule",
}


class RuleError(Exception):
    """One or more rules that cannot be made; `problems` has (index in the list, message) for each."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__("\n".join(message for _, message in problems))
        self.problems = tuple(problems)


def build_rules(uses: Sequence[RuleUse]) -> list[Rule]:
    """The rules in the order named. Raises RuleError with every problem at once."""
    rules: list[Rule] = []
    problems: list[tuple[int, str]] = []
    for index, use in enumerate(uses):
        try:
            rules.append(_make(use))
        except ValueError as error:
            problems += [(index, line) for line in str(error).splitlines()]
    if problems:
        raise RuleError(problems)
    return rules


def load_rule(name: str) -> type[Rule]:
    """The class of a rule, by its name or as `package.module:Class`. Raises ValueError."""
    target = BUILT_IN.get(name, name)
    module_name, colon, class_name = target.partition(":")
    if not colon:
        near = get_close_matches(name, BUILT_IN, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"rules: no rule named {name!r}{hint}; there are {', '.join(BUILT_IN)}, and `module:Class`"
        )
    try:
        found = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"rules: {name!r} cannot be imported: {error}") from error
    kinds = (RowRule, AsyncRowRule, SetRule)
    if not (isinstance(found, type) and issubclass(found, kinds)):
        raise ValueError(f"rules: {name!r} is no RowRule, AsyncRowRule or SetRule (datamind_gen.rules)")
    return found


def _make(use: RuleUse) -> Rule:
    rule = load_rule(use.name)
    try:
        params = rule.Params.model_validate(use.settings)
    except ValidationError as error:
        known = ", ".join(rule.Params.model_fields) or "none"
        raise ValueError(
            "\n".join(
                f"rules: {use.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}, got {one['input']!r} "
                f"(settings: {known})"
                for one in error.errors()
            )
        ) from error
    return rule(params)
