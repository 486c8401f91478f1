"""From what a pipeline names to rules that run, with every problem told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

from pydantic import ValidationError

from datamind_gen.rules.base import AsyncRowRule, RowRule, Rule, SetRule
from datamind_gen.spec.problems import find_nearest
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


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing wrong with what a pipeline says of its rules."""

    index: int
    """Which rule of the list."""
    message: str
    setting: str = ""
    """Which of its settings; none where the rule itself cannot be had."""
    value: str = ""
    nearest: str | None = None
    fix: str = ""

    def __str__(self) -> str:
        meant = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"rules: {self.message}{meant}{f' ({self.fix})' if self.fix else ''}"


class RuleError(Exception):
    """One or more rules that cannot be made, with all their problems."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def build_rules(uses: Sequence[RuleUse]) -> list[Rule]:
    """The rules in the order named. Raises RuleError with every problem at once."""
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    for index, use in enumerate(uses):
        try:
            kind = load_rule(use.name)
            rules.append(kind(kind.Params.model_validate(use.settings)))
        except ValidationError as error:
            problems += _explain_settings(index, use, kind, error)
        except RuleError as error:
            problems += [replace(problem, index=index) for problem in error.problems]
        except ValueError as error:
            problems.append(RuleProblem(index, f"{use.name}: {error}"))
    if problems:
        raise RuleError(problems)
    return rules


def load_rule(name: str) -> type[Rule]:
    """The class of a rule, by its name or as `package.module:Class`. Raises RuleError."""
    target = BUILT_IN.get(name, name)
    module_name, colon, class_name = target.partition(":")
    if not colon:
        fix = f"there are {', '.join(BUILT_IN)}, and your own as `package.module:Class`"
        raise RuleError(
            [RuleProblem(0, f"no rule named {name!r}", "", name, find_nearest(name, BUILT_IN), fix)]
        )
    try:
        found = getattr(import_module(module_name), class_name)
    except Exception as error:  # a user's module may raise anything while it is imported
        told = f"{name!r} cannot be imported: {type(error).__name__}: {error}"
        fix = "its module must be installed, or lie in the folder that you start from"
        raise RuleError([RuleProblem(0, told, value=name, fix=fix)]) from error
    kinds = (RowRule, AsyncRowRule, SetRule)
    if not (isinstance(found, type) and issubclass(found, kinds)):
        told = f"{name!r} is no RowRule, AsyncRowRule or SetRule"
        raise RuleError([RuleProblem(0, told, value=name, fix="derive it from one in datamind_gen.rules")])
    return found


def _explain_settings(
    index: int, use: RuleUse, kind: type[Rule], error: ValidationError
) -> Iterator[RuleProblem]:
    known = list(kind.Params.model_fields)
    for one in error.errors():
        setting = ".".join(map(str, one["loc"]))
        unknown = one["type"] == "extra_forbidden"
        yield RuleProblem(
            index,
            f"`{use.name}` has no setting `{setting}`" if unknown else f"{use.name}: {setting}: {one['msg']}",
            setting,
            "" if one["type"] == "missing" else str(one["input"]),
            find_nearest(setting, known) if unknown else None,
            f"settings: {', '.join(known) or 'none'}",
        )
