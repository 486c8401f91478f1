"""Filter rules against their known-good and known-bad examples: what `validate --rules` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from datamind_gen.cli.output import fail

if TYPE_CHECKING:
    from datamind_gen.rules import ExampleOutcome


def validate_examples(names: Sequence[str] | None, *, as_json: bool) -> bool:
    """Runs the examples of these rules (None: of all built-in ones), shows them; whether all came out right.

    Ends the verb with exit code 2 where a rule has no examples.
    """
    from datamind_gen.rules import BUILT_IN, BadExamples, validate_rules

    try:
        outcomes = validate_rules(tuple(dict.fromkeys(names)) if names is not None else tuple(BUILT_IN))
    except BadExamples as error:
        fail(str(error))
    if as_json:
        _print_json(outcomes)
    else:
        _print_table(outcomes)
    return all(outcome.right for outcome in outcomes)


def _print_json(outcomes: Sequence[ExampleOutcome]) -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps([asdict(outcome) for outcome in outcomes], ensure_ascii=False))


def _print_table(outcomes: Sequence[ExampleOutcome]) -> None:
    from rich.table import Table

    from datamind_gen.run.tables import open_console

    console = open_console()
    table = Table(header_style="dim", box=None, padding=(0, 2))
    table.add_column("rule", no_wrap=True)
    table.add_column("good, passed", justify="right")
    table.add_column("bad, found", justify="right")
    for rule in dict.fromkeys(outcome.rule for outcome in outcomes):
        counts = []
        for expected in (False, True):
            group = [one for one in outcomes if one.rule == rule and one.expected is expected]
            counts.append(f"{sum(one.right for one in group)} of {len(group)}")
        table.add_row(rule, *counts)
    console.print(table)
    for outcome in outcomes:
        if not outcome.right:
            said = "was passed" if outcome.expected else f"was found: {'; '.join(outcome.found)}"
            line = f"{outcome.rule}: a known-{'bad' if outcome.expected else 'good'} example {said}"
            console.print(f"{line} ({outcome.why})", markup=False, style="red", soft_wrap=True)
