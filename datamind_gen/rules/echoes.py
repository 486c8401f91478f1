"""Which turns print only what their code was told to print: constants, echoed.

`print(42)` and `x = 42; print(f"The mean is {x}")` show nothing about the data. Code is read, never run.
Names keep what they were given over a trajectory's turns, as they do in its session.
"""

from __future__ import annotations

import ast

_PASSING = frozenset(
    {"str", "repr", "round", "float", "int", "format", "print", "abs", "bool", "list", "tuple"}
)
_SHOWING = frozenset({"execute_sql", "get_db_info", "info"})
"""Calls that show data by themselves."""


class Echoes:
    """Follows a trajectory's code turn by turn."""

    def __init__(self) -> None:
        self._constants: set[str] = set()

    def only_echoes(self, code: str) -> bool:
        """Whether everything that the turn prints is a constant of its own; False if it prints nothing."""
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        prints = computed = False
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.NamedExpr)):
                self._assign(node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                prints = True
                computed = computed or not all(self._is_constant(argument) for argument in node.args)
            if isinstance(node, ast.Call) and _name(node.func) in _SHOWING:
                computed = True
        return prints and not computed

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.NamedExpr) -> None:
        value = node.iter if isinstance(node, ast.For) else node.value
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for name in ast.walk(target):
                if not isinstance(name, ast.Name):
                    continue
                fixed = value is not None and self._is_constant(value) and not isinstance(node, ast.AugAssign)
                (self._constants.add if fixed else self._constants.discard)(name.id)

    def _is_constant(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant():
                return True
            case ast.Name():
                return node.id in self._constants
            case ast.JoinedStr():
                return all(self._is_constant(part) for part in node.values)
            case ast.FormattedValue():
                return self._is_constant(node.value)
            case ast.UnaryOp():
                return self._is_constant(node.operand)
            case ast.BinOp():
                return self._is_constant(node.left) and self._is_constant(node.right)
            case ast.Tuple() | ast.List() | ast.Set():
                return all(self._is_constant(part) for part in node.elts)
            case ast.Dict():
                return all(part is None or self._is_constant(part) for part in [*node.keys, *node.values])
            case ast.Call():
                if isinstance(node.func, ast.Attribute):
                    passes = self._is_constant(node.func.value)
                else:
                    passes = _name(node.func) in _PASSING
                return passes and all(self._is_constant(argument) for argument in node.args)
        return False


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
