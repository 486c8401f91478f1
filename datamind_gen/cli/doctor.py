"""`doctor`: says whether this machine can run the engine, by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datamind_gen.sandbox import Probe


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Try what the sandbox must forbid, and check packages and disk. Exits 1 if code cannot be confined."""
    import json
    import platform
    import shutil

    from datamind_gen.sandbox import Isolation, probe

    found = probe()
    free_gb = shutil.disk_usage(".").free / 1e9
    if as_json:
        typer.echo(json.dumps(_plain(found, platform.python_version(), free_gb), indent=2))
    else:
        _show(found, platform.python_version(), free_gb)
    if found.isolation is Isolation.NONE:
        raise typer.Exit(1)


def _plain(found: Probe, python: str, free_gb: float) -> dict[str, Any]:
    return {
        "isolation": found.isolation.value,
        "system": found.system,
        "python": python,
        "landlock": found.landlock,
        "attempts": [
            {"name": attempt.name, "denied": attempt.denied, "detail": attempt.detail}
            for attempt in found.attempts
        ],
        "missing": list(found.missing),
        "free_gb": round(free_gb, 1),
        "fix": found.fix,
    }


def _show(found: Probe, python: str, free_gb: float) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("forbidden act, tried in the sandbox", "outcome", "answer", title_justify="left")
    for attempt in found.attempts:
        outcome = "[green]denied[/]" if attempt.denied else "[red]POSSIBLE[/]"
        table.add_row(attempt.name, outcome, attempt.detail)
    console.print(table)
    color = "red" if found.fix else "green"
    console.print(f"isolation  [{color}]{found.isolation.value}[/]")
    console.print(f"system     {found.system}, Python {python}, Landlock {found.landlock or 'absent'}")
    console.print(f"libraries  {', '.join(found.missing) + ' missing' if found.missing else 'all there'}")
    console.print(f"disk       {free_gb:.1f} GB free here")
    if found.fix:
        console.print(f"[red]{found.fix}[/]")
