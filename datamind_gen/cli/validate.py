"""`validate PIPELINE`: everything that is wrong with it, at once, before anything is spent.

`validate --rules` runs the known-good and known-bad examples of all built-in filter rules, with a pipeline
those of the rules that it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamind_gen.cli.output import fail
from datamind_gen.cli.rules import validate_examples

if TYPE_CHECKING:
    from datamind_gen.spec.loader import LoadedPipeline
    from datamind_gen.spec.problems import Problem


def validate_command(
    pipeline: Annotated[
        Path | None, typer.Argument(help="A pipeline's YAML file, or the name of a bundled one.")
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="Run the rules' known-good and known-bad examples.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value; repeatable.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Checks a pipeline with all that it extends and names, and lists every mistake with its fix.

    Exit code 0 when it can be run (there may be warnings), 2 when not; 1 when a rule is wrong about an
    example.

    Examples:

      python -m datamind_gen validate full

      python -m datamind_gen validate my.yaml --set models.expert.model=deepseek-chat --json

      python -m datamind_gen validate --rules
    """
    if pipeline is None:
        if not rules:
            fail("which pipeline? give its file or name, or --rules alone for the built-in rules")
        raise typer.Exit(0 if validate_examples(None, as_json=json_) else 1)
    loaded, problems = _read_and_check(pipeline, tuple(set_ or ()))
    is_valid = not any(problem.is_error for problem in problems)
    if json_ and not rules:
        _print_json(pipeline, problems, is_valid)
    elif not is_valid or not json_:
        print_problems(problems, to_error=json_)
    if not is_valid or loaded is None:
        raise typer.Exit(2)
    if rules:
        names = [use.name for use in loaded.spec.rules]
        raise typer.Exit(0 if validate_examples(names, as_json=json_) else 1)
    if not json_:
        typer.echo(f"{pipeline} is valid; next: python -m datamind_gen run {pipeline}")


def load_or_exit(pipeline: Path, overrides: Sequence[str]) -> LoadedPipeline:
    """The pipeline of a verb that goes on to use it. Shows all its problems on standard error; with a mistake
    among them the verb ends, exit code 2.
    """
    loaded, problems = _read_and_check(pipeline, overrides)
    if problems:
        print_problems(problems, to_error=True)
    if loaded is None or any(problem.is_error for problem in problems):
        raise typer.Exit(2)
    return loaded


def print_problems(problems: Sequence[Problem], *, to_error: bool = False) -> None:
    """All problems, coloured where the terminal can."""
    from rich.console import Console

    from datamind_gen.spec.problems import render_problems

    if problems:
        Console(stderr=to_error, soft_wrap=True, highlight=False).print(render_problems(problems), end="")


def _read_and_check(
    pipeline: Path, overrides: Sequence[str]
) -> tuple[LoadedPipeline | None, Sequence[Problem]]:
    from datamind_gen.cli.checks import ROOM_CHECKS
    from datamind_gen.spec.loader import read_pipeline, validate_pipeline
    from datamind_gen.spec.problems import InvalidPipeline

    try:
        loaded = read_pipeline(pipeline, overrides=overrides)
    except InvalidPipeline as error:
        return None, error.problems
    return loaded, validate_pipeline(loaded, checks=ROOM_CHECKS)


def _print_json(pipeline: Path, problems: Sequence[Problem], is_valid: bool) -> None:
    import json

    report = {
        "pipeline": str(pipeline),
        "valid": is_valid,
        "problems": [problem.as_json() for problem in problems],
    }
    typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
