"""What can be measured, and the quick part of it, measured: what `make bench` does.

python -m tests.bench          # the list, then some minutes of peers beside us
python -m tests.bench.NAME     # one of the list, with options of its own
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

QUICK = (
    ("files", "shapes"),
    ("run_overhead", "2000"),
    ("sandbox", "--at", "1", "8", "--rounds", "3", "--soak", "0"),
)
"""Each ends within minutes on two cores."""


def list_benchmarks() -> Table:
    """Every module here that can be run, by the first line of its docstring."""
    table = Table("python -m tests.bench.", "measures", box=None, header_style="dim")
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        source = path.read_text(encoding="utf-8")
        if "__main__" in source:
            table.add_row(path.stem, (ast.get_docstring(ast.parse(source)) or "").splitlines()[0])
    return table


def main() -> int:
    console = Console()
    console.print(list_benchmarks())
    codes = []
    for name, *options in QUICK:
        console.rule(" ".join([name, *options]))
        codes.append(
            subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *options], check=False).returncode
        )
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
