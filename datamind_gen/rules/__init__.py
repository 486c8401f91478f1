"""Filter rules: small, named, in any order, each with known-good and known-bad examples beside it.

    rules = make_rules(spec.rules)
    for rule in rules:
        if isinstance(rule, RowRule) and (finding := rule.check(candidate, RuleContext(profile=profile))):
            print(rule.name, rule.reason, finding.detail)

To add one: a file here with a class, a YAML file of examples beside it, a line in registry.BUILT_IN. One of
your own needs no change here: name it `my_package.rules:MyRule` in the pipeline.
"""

from datamind_gen.rules.base import (
    AsyncRowRule,
    RowRule,
    Rule,
    RuleContext,
    RuleFinding,
    RuleParams,
    SetRule,
)
from datamind_gen.rules.contamination_list import build_contamination_list
from datamind_gen.rules.examples import ExampleOutcome, validate_rules
from datamind_gen.rules.registry import BUILT_IN, RuleError, load_rule, make_rules

__all__ = [
    "BUILT_IN",
    "AsyncRowRule",
    "ExampleOutcome",
    "RowRule",
    "Rule",
    "RuleContext",
    "RuleError",
    "RuleFinding",
    "RuleParams",
    "SetRule",
    "build_contamination_list",
    "load_rule",
    "make_rules",
    "validate_rules",
]
