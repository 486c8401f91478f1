"""A chain's code: Python a hop, and one SQL statement for the whole.

Two forms of the same steps. As a reference, hops pass real values (`answer_0`, a CTE). In a trajectory
an expert writes each step after seeing the one before it, so an earlier answer is a literal there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.rows import FileFormat, Scalar
from datamind_gen.taxonomy.chain import Chain, Link
from datamind_gen.taxonomy.render import (
    Code,
    Value,
    quote_identifier,
    quote_literal,
    render_python,
    render_sql,
)
from datamind_gen.taxonomy.schema import Wire

FULL_DIGITS = 12
Given = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One hop's Python: `wiring` makes `df` what the hop works on, `python` binds `answer`."""

    wiring: str
    python: str


def reference_steps(chain: Chain) -> tuple[Step, ...]:
    """Each hop's Python, taking the answer of the hop before it as `answer_N`."""
    return tuple(python_step(chain, index, Code(f"answer_{index - 1}")) for index in range(len(chain.links)))


def reference_guards(chain: Chain, index: int) -> tuple[str, ...]:
    """A hop's guards, as expressions over its variables and the earlier hop's `answer_N`."""
    values = {**chain.values(index, python=f"answer_{index - 1}"), "decimals": _decimals(chain, index)}
    return tuple(render_python(guard, values) for guard in chain.links[index].program.guards)


def python_step(chain: Chain, index: int, given: Code | Given) -> Step:
    """One hop's Python, with what the earlier hop gave: code, or a literal."""
    link = chain.links[index]
    text = given.text if isinstance(given, Code) else _python_literal(given)
    values = chain.values(index, python=text)
    python = render_python(link.program.python, {**values, "decimals": _decimals(chain, index)})
    return Step(_python_wiring(link, text), python)


def _python_wiring(link: Link, text: str) -> str:
    if link.wire is Wire.TABLE:
        return f"df = {text}"
    slot = link.filter
    if slot is None:
        return ""
    column = repr(slot.column)
    if slot.value == "in":
        return f"df = df[df[{column}].isin({text})]"
    return f"df = df[df[{column}] {slot.value} {text}]"


def _python_literal(given: Given) -> str:
    return repr(list(given)) if isinstance(given, tuple) else repr(given)


def reference_sql(chain: Chain, format: FileFormat) -> str | None:
    """The whole chain as one SELECT, each earlier hop a CTE. None where a hop has no SQL."""
    statements: list[str] = []
    source = chain.view.sql
    for index, link in enumerate(chain.links):
        if link.program.sql is None:
            return None
        earlier = f"hop{index}"
        if link.wire is Wire.TABLE:
            source = earlier
        elif link.filter is not None:
            source = _filtered(source, link, f"(SELECT * FROM {earlier})")
        wired = f"(SELECT * FROM {earlier})"
        statements.append(_statement(chain, index, format, source, wired))
    *earlier_hops, last = statements
    if not earlier_hops:
        return last
    parts = [f"hop{number} AS (\n{text}\n)" for number, text in enumerate(earlier_hops, start=1)]
    nested = re.match(r"\s*WITH\s+", last, re.IGNORECASE)
    if nested:
        return "WITH " + ",\n".join(parts) + ",\n" + last[nested.end() :]
    return "WITH " + ",\n".join(parts) + "\n" + last


def sql_step(chain: Chain, index: int, format: FileFormat, given: Sequence[Code | Given]) -> str | None:
    """One hop's SQL as an analyst writes it who has seen the earlier answers: `given` holds one a hop
    before it. None where a hop that it needs has no SQL."""
    source = chain.view.sql
    for position in range(1, index + 1):
        link = chain.links[position]
        if link.wire is Wire.TABLE:
            table = sql_step(chain, position - 1, format, given)
            if table is None:
                return None
            source = f"(\n{table}\n) AS derived"
        elif link.filter is not None:
            source = _filtered(source, link, _sql_literal(given[position - 1]))
    wired = _sql_literal(given[index - 1]) if index else ""
    if chain.links[index].program.sql is None:
        return None
    return _statement(chain, index, format, source, wired)


def _sql_literal(given: Code | Given) -> str:
    if isinstance(given, Code):
        return given.text
    if isinstance(given, tuple):
        return "(" + ", ".join(quote_literal(part) for part in given) + ")"
    return quote_literal(given)


def _filtered(source: str, link: Link, given: str) -> str:
    slot = link.filter
    assert slot is not None
    assert slot.column is not None
    operator = {"==": "=", "in": "IN"}.get(str(slot.value), str(slot.value))
    return f"(SELECT * FROM {source} WHERE {quote_identifier(slot.column)} {operator} {given}) AS kept"


def _statement(chain: Chain, index: int, format: FileFormat, source: str, wired: str) -> str:
    template = chain.links[index].program.sql
    assert template is not None
    values = chain.values(index, sql=wired)
    engine: dict[str, Value] = {
        "table": Code(source),
        "decimals": _decimals(chain, index),
        "dialect": format.value,
    }
    return render_sql(template, {**values, **engine})


def _decimals(chain: Chain, index: int) -> int:
    """Earlier hops pass their numbers on unrounded."""
    decimals = chain.gives_at(index).decimals
    last = index == len(chain.links) - 1
    return decimals if last and decimals is not None else FULL_DIGITS
