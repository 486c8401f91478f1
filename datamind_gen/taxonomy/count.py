"""Counts a taxonomy's programs, and how many of them compute something different.

    python -m datamind_gen.taxonomy.count [TAXONOMY]

Two programs are the same when their Python is, after names, columns, constants and the aggregate function
are abstracted away: an average of one column and a maximum of another are one program.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from datamind_gen.rows import hash_text
from datamind_gen.taxonomy.load import TaxonomyError, load_taxonomy
from datamind_gen.taxonomy.render import render_python
from datamind_gen.taxonomy.schema import Program, Taxonomy
from datamind_gen.taxonomy.soundness import example_value

_AGGREGATES = frozenset(
    {"mean", "median", "sum", "min", "max", "std", "var", "count", "nunique", "size", "first", "last"}
)
_EXTREMES = frozenset({"idxmax", "idxmin", "argmax", "argmin"})
_ENDS = frozenset({"nlargest", "nsmallest"})


def fingerprint(program: Program) -> str:
    """A hash of what a program computes; equal for programs that differ in names and aggregates only."""
    values = {name: example_value(name, spec) for name, spec in program.slots.items()}
    tree = ast.parse(render_python(program.python, {**values, "decimals": 2}))
    return hash_text(ast.dump(_Abstract().visit(tree), annotate_fields=False))


def count_distinct(programs: Sequence[Program]) -> int:
    """How many of the programs compute something different."""
    return len({fingerprint(program) for program in programs})


def find_alike(taxonomy: Taxonomy) -> Iterator[tuple[str, ...]]:
    """Groups of programs, as `category/name`, that compute the same."""
    groups: dict[str, list[str]] = {}
    for category in taxonomy.categories:
        for program in category.programs:
            groups.setdefault(fingerprint(program), []).append(f"{category.name}/{program.name}")
    return (tuple(group) for group in groups.values() if len(group) > 1)


class _Abstract(ast.NodeTransformer):
    """Names become their order of appearance, constants their type, aggregate functions one another."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        name = self._names.setdefault(node.id, f"v{len(self._names)}")
        return ast.Name(name, node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._names.setdefault(node.arg, f"v{len(self._names)}"))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Name(type(node.value).__name__, ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        for kind, words in (("aggregate", _AGGREGATES), ("extreme", _EXTREMES), ("end", _ENDS)):
            if node.attr in words:
                return ast.Attribute(node.value, kind, node.ctx)
        return node


def _show(taxonomy: Taxonomy, console: Console) -> None:
    table = Table("category", "programs", "with SQL", "distinct", title=taxonomy.title)
    for column in table.columns[1:]:
        column.justify = "right"
    for category in taxonomy.categories:
        with_sql = sum(program.sql is not None for program in category.programs)
        table.add_row(
            category.name, str(len(category.programs)), str(with_sql), str(count_distinct(category.programs))
        )
    programs = [program for category in taxonomy.categories for program in category.programs]
    with_sql = sum(program.sql is not None for program in programs)
    table.add_section()
    table.add_row("all", str(len(programs)), str(with_sql), str(count_distinct(programs)))
    console.print(table)
    types = Counter(program.gives.type.value for program in programs)
    console.print("answers: " + ", ".join(f"{count} {kind}" for kind, count in types.most_common()))
    for group in find_alike(taxonomy):
        console.print(f"[dim]compute the same: {', '.join(group)}[/]")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m datamind_gen.taxonomy.count", description=__doc__)
    parser.add_argument(
        "taxonomy", nargs="?", default="data_analysis", help="a folder, or a shipped one's name"
    )
    console = Console(highlight=False)
    try:
        _show(load_taxonomy(parser.parse_args().taxonomy), console)
    except TaxonomyError as error:
        console.print(f"[red]{error}[/]")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
