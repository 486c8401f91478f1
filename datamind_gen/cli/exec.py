"""`exec`: runs turns of code in the sandbox, for people and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datamind_gen.cli.output import fail, require_files

if TYPE_CHECKING:
    from datamind_gen.sandbox import SandboxSettings, TurnResult


def exec_command(
    turn: Annotated[
        list[Path],
        typer.Option("--turn", "-t", help="A file of Python code (- for stdin); give it again for the next."),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", "-d", help="A data file, which the code finds as data/files/NAME."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, one object a turn.")] = False,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="A failing turn keeps what it did before it failed, as in a notebook."),
    ] = False,
    wall_s: Annotated[float, typer.Option(help="Seconds that a turn may take.")] = 30.0,
    memory_mb: Annotated[int, typer.Option(help="Memory that the code may use, in MB.")] = 2048,
    seed: Annotated[str, typer.Option(help="What random numbers depend on.")] = "exec",
    allow_unsandboxed: Annotated[
        bool, typer.Option("--allow-unsandboxed", help="Run even where this machine cannot confine the code.")
    ] = False,
) -> None:
    """Runs turns of Python on data files in the sandbox. State carries over from turn to turn.

    Exits 0 even when a turn failed: read its status. Exits 2 for a file that cannot be read.

    Example:

      python -m datamind_gen exec --data sales.csv --turn first.py --turn second.py --json
    """
    import asyncio
    import sys

    from datamind_gen.sandbox import OnError, SandboxSettings, SandboxUnavailable

    require_files(path for path in (*turn, *(data or ())) if str(path) != "-")
    try:
        codes = [sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8") for path in turn]
        settings = SandboxSettings(
            wall_s=wall_s,
            cpu_s=wall_s,
            memory_mb=memory_mb,
            on_error=OnError.KEEP if keep else OnError.ROLLBACK,
            allow_unsandboxed=allow_unsandboxed,
        )
        results = asyncio.run(_run_all(settings, data or [], codes, seed))
    except (OSError, ValueError, SandboxUnavailable) as error:
        fail(str(error))
    if as_json:
        import json

        typer.echo(json.dumps([_plain(result) for result in results], ensure_ascii=False, indent=2))
    else:
        for number, result in enumerate(results, 1):
            _show(number, result)


async def _run_all(
    settings: SandboxSettings, data: list[Path], codes: list[str], seed: str
) -> list[TurnResult]:
    from datamind_gen.sandbox import Isolation, Sandbox

    names = [path.name for path in data]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"exec: two data files are called {name!r}; rename one")
    async with Sandbox(settings) as sandbox:
        if sandbox.isolation is Isolation.NONE:
            typer.echo("Warning: this machine cannot confine the code; it runs with your rights.", err=True)
        session = await sandbox.open(dict(zip(names, data, strict=True)), seed=seed)
        return [await session.run(code) for code in codes]


def _plain(result: TurnResult) -> dict[str, Any]:
    cut = result.truncated
    return {
        "status": result.status.value,
        "stdout": result.stdout,
        "echo": result.echo,
        "error": result.error,
        "wall_s": round(result.wall_s, 4),
        "cpu_s": round(result.cpu_s, 4),
        "peak_mb": round(result.peak_mb, 1),
        "truncated": {"stdout": cut.stdout, "echo": cut.echo, "error": cut.error},
    }


def _show(number: int, result: TurnResult) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    color = "green" if result.ok else "red"
    figures = f"{result.wall_s * 1000:.0f} ms, {result.peak_mb:.0f} MB"
    console.rule(Text.assemble(f"turn {number} ", (result.status.value, color), f"  {figures}"), align="left")
    for part in (result.stdout.rstrip("\n"), result.echo):
        if part:
            console.print(Text(part))
    if result.error:
        console.print(Text(result.error, style="red"))
