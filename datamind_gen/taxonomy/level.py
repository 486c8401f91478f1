"""How hard a question is, from what answering it takes: hops, operations and joins."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

from datamind_gen.rows import Level

WEIGHTS = {"hop": 3.0, "operation": 1.0, "join": 2.0}
"""A hop costs a turn and a decision, a join a look at keys; an operation is one call on data."""
BOUNDS = ((Level.EASY, 7.0), (Level.MEDIUM, 12.0), (Level.HARD, 19.0))
"""A score below the bound has that level; above all of them it is very hard."""
USUAL_OPERATIONS = 3
"""What one hop more brings, its wiring included."""
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


def foresee_score(score: float, hops: int, wanted_hops: int) -> float:
    """The score of a chain of some hops once it has as many as are wanted, as a rule."""
    return score + (wanted_hops - hops) * (WEIGHTS["hop"] + USUAL_OPERATIONS * WEIGHTS["operation"])


def miss(score: float, level: Level) -> float:
    """How far a score lies from those of a level; 0 within."""
    lower, upper = _edges(level)
    return max(lower - score, score - upper + 1, 0.0)


def levels_of(hops: int) -> tuple[Level, ...]:
    """The levels that questions of so many hops come to, but for rare ones."""
    least, most = 5 * hops - 1, 12 * hops + 4
    return tuple(level for level in Level if _edges(level)[0] <= most and least < _edges(level)[1])


def _edges(level: Level) -> tuple[float, float]:
    """A level's lowest score, and the one that is too high for it."""
    bounds = [0.0, *(bound for _, bound in BOUNDS), math.inf]
    place = list(Level).index(level)
    return bounds[place], bounds[place + 1]


def level_of(score: float) -> Level:
    """The level that a score comes to."""
    return next((level for level, bound in BOUNDS if score < bound), Level.VERY_HARD)
