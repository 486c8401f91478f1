"""`doctor [PIPELINE]`: says whether this machine can run the engine, by trying."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datamind_gen.models.reach import Reached
    from datamind_gen.sandbox import Probe

PACKAGES = ("distilabel", "pydantic", "datasets", "pandas", "polars", "duckdb", "openai")
EXTRAS = {"train": "accelerate", "vllm": "vllm", "ray": "ray"}


@dataclass(frozen=True)
class _Machine:
    python: str
    versions: dict[str, str | None]
    extras: dict[str, str | None]
    free_gb: float


def doctor_command(
    pipeline: Annotated[
        Path | None, typer.Argument(help="A pipeline, or a bundled one's name: are its models reachable?")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tries what the sandbox must forbid, looks at packages and disk, and asks a pipeline's models.

    Exits 1 if code cannot be confined or a model cannot be reached.

    Examples:

      python -m datamind_gen doctor

      python -m datamind_gen doctor my.yaml
    """
    import json

    from datamind_gen.sandbox import Isolation, probe

    found = probe()
    machine = _look_at_machine()
    models = _reach(pipeline) if pipeline is not None else []
    if as_json:
        typer.echo(json.dumps(_plain(found, machine, models), indent=2))
    else:
        _show(found, machine, models)
    if found.isolation is Isolation.NONE or not all(model.reached for model in models):
        raise typer.Exit(1)


def _look_at_machine() -> _Machine:
    import platform
    import shutil
    from importlib.metadata import PackageNotFoundError, version

    def installed(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return _Machine(
        python=platform.python_version(),
        versions={package: installed(package) for package in PACKAGES},
        extras={extra: installed(package) for extra, package in EXTRAS.items()},
        free_gb=shutil.disk_usage(".").free / 1e9,
    )


def _reach(pipeline: Path) -> list[Reached]:
    from datamind_gen.cli.validate import load_or_exit
    from datamind_gen.models.base import Role
    from datamind_gen.models.reach import reach_models

    spec = load_or_exit(pipeline, ()).spec
    return list(reach_models({role: spec.models.of(role) for role in Role}))


def _plain(found: Probe, machine: _Machine, models: list[Reached]) -> dict[str, Any]:
    return {
        "isolation": found.isolation.value,
        "system": found.system,
        "python": machine.python,
        "landlock": found.landlock,
        "attempts": [
            {"name": attempt.name, "denied": attempt.denied, "detail": attempt.detail}
            for attempt in found.attempts
        ],
        "missing": list(found.missing),
        "packages": machine.versions,
        "extras": machine.extras,
        "models": [
            {
                "roles": [role.value for role in model.roles],
                "model": model.name,
                "endpoint": model.endpoint,
                "reached": model.reached,
                "detail": model.detail,
            }
            for model in models
        ],
        "free_gb": round(machine.free_gb, 1),
        "fix": found.fix,
    }


def _show(found: Probe, machine: _Machine, models: list[Reached]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("forbidden act, tried in the sandbox", "outcome", "answer", box=box.SIMPLE_HEAD)
    for attempt in found.attempts:
        outcome = "[green]denied[/]" if attempt.denied else "[red]POSSIBLE[/]"
        table.add_row(attempt.name, outcome, attempt.detail)
    console.print(table)
    color = "red" if found.fix else "green"
    console.print(f"isolation  [{color}]{found.isolation.value}[/]")
    console.print(
        f"system     {found.system}, Python {machine.python}, Landlock {found.landlock or 'absent'}"
    )
    console.print(f"packages   {_name_versions(machine.versions)}")
    console.print(f"extras     {_name_versions(machine.extras)}")
    if found.missing:
        console.print(f"[red]missing for the model's code: {', '.join(found.missing)}[/]")
    console.print(f"disk       {machine.free_gb:.1f} GB free here")
    for model in models:
        roles = ", ".join(role.value for role in model.roles)
        mark = "[green]reached[/]" if model.reached else "[red]NOT REACHED[/]"
        console.print(f"model      {model.name} ({roles}) at {model.endpoint}: {mark}, {model.detail}")
    if found.fix:
        console.print(f"[red]{found.fix}[/]")


def _name_versions(versions: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version or 'not installed'}" for name, version in versions.items())
