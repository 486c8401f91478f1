"""Whether a program can work at all, found without running it on data.

`find_code_mistakes` parses its Python, looks for names that nothing binds and lets SQLite prepare its SQL
over an empty table; `find_unfillable` says which slots ask for a column that cannot exist. A program's code
is never executed here: a taxonomy may come from anyone. Each mistake comes with its key path in the program.
"""

from __future__ import annotations

import ast
import builtins
import sqlite3
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from datamind_gen.spec.document import KeyPath
from datamind_gen.taxonomy.fill import CATEGORY_DISTINCT
from datamind_gen.taxonomy.harness import HELPERS
from datamind_gen.taxonomy.render import (
    ChoiceRef,
    Code,
    ColumnRef,
    LabelRef,
    RenderError,
    Value,
    quote_identifier,
    render_python,
    render_sql,
)
from datamind_gen.taxonomy.schema import ColumnKind, Program, SlotSpec

_GIVEN = frozenset({"df", "pd", "np", *HELPERS, *dir(builtins)})
_NUMBERS = frozenset({ColumnKind.MEASURE, ColumnKind.MONEY, ColumnKind.PERCENT, ColumnKind.YEAR})
_DATES = frozenset({ColumnKind.DATE})
_SINGLE = frozenset({ColumnKind.MEASURE, ColumnKind.MONEY, ColumnKind.PERCENT, ColumnKind.IDENTIFIER})
"""Kinds whose values hardly repeat: no label of theirs stands for several rows."""


class Told(NamedTuple):
    """Where in a program something is wrong, and what."""

    path: KeyPath
    said: str
    word: str = ""
    """What the line holds that it is about."""


def find_code_mistakes(program: Program) -> Iterator[Told]:
    """What keeps the program's code from running on any table."""
    values = {name: example_value(name, spec) for name, spec in program.slots.items()}
    try:
        python = render_python(program.python, {**values, "decimals": 2})
        guards = [render_python(guard, {**values, "decimals": 2}) for guard in program.guards]
    except RenderError:
        return
    bound = set(_GIVEN)
    sources: list[tuple[KeyPath, str]] = [(("python",), python)]
    sources += [(("guards", index), guard) for index, guard in enumerate(guards)]
    for path, source in sources:
        try:
            tree = ast.parse(source.strip(), mode="exec" if path == ("python",) else "eval")
        except SyntaxError as error:
            yield Told(path, f"does not parse: {error.msg}: {(error.text or source).strip()[:80]!r}")
            continue
        bound |= _bound_names(tree)
        for name in sorted(_read_names(tree) - bound):
            yield Told(path, f"nothing binds `{name}`", name)
    if program.sql is not None:
        yield from _sql_mistakes(program, values)


def example_value(name: str, spec: SlotSpec) -> Value:
    """A value that the slot might have: columns are called as their slots."""
    match spec.source:
        case "column":
            return ColumnRef(name)
        case "choice":
            assert spec.choice is not None
            first = spec.choice[0]
            return ChoiceRef(first.python, first.sql, first.words)
        case "number":
            assert spec.number is not None
            return spec.number[0]
        case "values_of":
            return LabelRef(("a", "b"))
        case "value_of":
            return LabelRef("a")
        case "date_of":
            return "2020-01-01"
        case _:
            return 1


def _bound_names(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
    return found


def _read_names(tree: ast.AST) -> set[str]:
    return {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _sql_mistakes(program: Program, values: Mapping[str, Value]) -> Iterator[Told]:
    assert program.sql is not None
    engine: dict[str, Value] = {"table": Code('"example"'), "decimals": 2, "dialect": "sqlite"}
    columns = ", ".join(quote_identifier(name) for name, spec in program.slots.items() if spec.kinds)
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f'CREATE TABLE "example" ({columns or "nothing"})')
        connection.execute(f"EXPLAIN {render_sql(program.sql, {**values, **engine})}")
    except RenderError:
        return
    except sqlite3.Error as error:
        yield Told(("sql",), f"SQLite does not take it: {error}")
    finally:
        connection.close()


def find_unfillable(program: Program) -> Iterator[Told]:
    """Slots that ask for what no column can be."""
    for name, spec in program.slots.items():
        for said in _contradictions(spec, program.slots):
            yield Told(("slots", name), said)


def _contradictions(spec: SlotSpec, slots: Mapping[str, SlotSpec]) -> Iterator[str]:
    kinds = frozenset(spec.kinds)
    low, high = spec.distinct or (0, 0)
    if low > high:
        yield f"distinct [{low}, {high}]: the first is the larger"
    if kinds == {ColumnKind.CATEGORY} and spec.distinct and low > CATEGORY_DISTINCT[1]:
        yield f"a category has at most {CATEGORY_DISTINCT[1]} distinct values, not {low}"
    if kinds == {ColumnKind.BOOLEAN} and spec.distinct and low > 2:
        yield f"a boolean has two distinct values, not {low}"
    if (spec.additive or spec.positive or spec.integral is not None) and not kinds & _NUMBERS:
        yield "additive, positive and integral are asked of numbers only"
    if spec.rows_each and spec.rows_each > 1 and kinds and kinds <= {ColumnKind.IDENTIFIER, ColumnKind.TEXT}:
        yield f"rows_each {spec.rows_each}: identifiers and texts do not repeat"
    if spec.of is None or spec.of not in slots:
        return
    of = frozenset(slots[spec.of].kinds)
    if spec.quantile_of and not of & _NUMBERS:
        yield f"quantile_of {spec.of}: only numbers have quantiles"
    if (spec.date_of or spec.year_of) and not of & _DATES:
        yield f"{spec.source} {spec.of}: only a date column has one"
    if (spec.value_of or spec.values_of) and of and of <= _SINGLE:
        yield f"{spec.source} {spec.of}: its values do not repeat, so none names several rows"
