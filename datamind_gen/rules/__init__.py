"""Filter rules: small, named, in any order, each with known-good and known-bad examples beside it.

    rules = build_rules(spec.rules)
    rejection = await check_candidate(candidate, rules, RuleContext(profile=profile))
    if rejection is not None:
        print(rejection.rule, rejection.reason, rejection.detail)
    for rule in rules:
        dropped = check_set(rule, candidates)               # duplicates: what only the whole set shows

To add one: a file here with a class, a YAML file of examples beside it, a line in registry.BUILT_IN. One of
your own needs no change here: name it `my_package.rules:MyRule` in the pipeline.
"""

from datamind_gen.rules.apply import Rejection, check_candidate, check_set
from datamind_gen.rules.base import (
    AsyncRowRule,
    ReplayOutcome,
    RowRule,
    Rule,
    RuleContext,
    RuleFailed,
    RuleFinding,
    RuleParams,
    SetRule,
)
from datamind_gen.rules.contamination_list import build_contamination_list
from datamind_gen.rules.examples import BadExamples, ExampleOutcome, validate_rules
from datamind_gen.rules.registry import BUILT_IN, RuleError, RuleProblem, build_rules, load_rule

__all__ = [
    "BUILT_IN",
    "AsyncRowRule",
    "BadExamples",
    "ExampleOutcome",
    "Rejection",
    "ReplayOutcome",
    "RowRule",
    "Rule",
    "RuleContext",
    "RuleError",
    "RuleFailed",
    "RuleFinding",
    "RuleParams",
    "RuleProblem",
    "SetRule",
    "build_contamination_list",
    "build_rules",
    "check_candidate",
    "check_set",
    "load_rule",
    "validate_rules",
]
