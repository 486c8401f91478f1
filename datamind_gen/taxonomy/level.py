"""How hard a question is, from what answering it takes: hops, operations and joins."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from datamind_gen.rows import Level

WEIGHTS = {"hop": 3.0, "operation": 1.0, "join": 2.0}
"""A hop costs a turn and a decision, a join a look at keys; an operation is one call on data."""
BOUNDS = ((Level.EASY, 7.0), (Level.MEDIUM, 12.0), (Level.HARD, 19.0))
"""A score below the bound has that level; above all of them it is very hard."""
_TRIVIAL = frozenset({"print", "len", "float", "int", "str", "round", "bool", "list", "dict", "set", "abs"})


def count_operations(python: str) -> int:
    """Calls, comparisons and arithmetic on data in a hop's Python; 0 when it does not parse."""
    try:
        tree = ast.parse(python)
    except SyntaxError:
        return 0
    return sum(_is_operation(node) for node in ast.walk(tree))


def _is_operation(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name not in _TRIVIAL
    return isinstance(node, (ast.Compare, ast.BinOp))


def score_level(steps: Sequence[str], joins: int) -> float:
    """The score behind a level, of each hop's Python."""
    operations = sum(count_operations(python) for python in steps)
    return WEIGHTS["hop"] * len(steps) + WEIGHTS["operation"] * operations + WEIGHTS["join"] * joins


def find_level(steps: Sequence[str], joins: int) -> Level:
    """The level of a chain, from each hop's Python and the joins of its view."""
    return level_of(score_level(steps, joins))


def level_of(score: float) -> Level:
    """The level that a score comes to."""
    return next((level for level, bound in BOUNDS if score < bound), Level.VERY_HARD)
