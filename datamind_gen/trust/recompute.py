"""Answers computed anew from the published files: the truth that audits compare with.

    fresh = await recompute(case, sandbox)

The stored reference is what the filter itself compares with, so an audit must not. The hops' code is run
again in a fresh session, by other code than made the reference; of a database query by Python and by SQL,
which must agree. Only queries of programs have such code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datamind_gen.rows import Answer, AnswerType, Hop, HopCode, Scalar
from datamind_gen.sandbox import Sandbox
from datamind_gen.taxonomy.execute import agrees
from datamind_gen.taxonomy.render import Said, render_words
from datamind_gen.trust.cases import Case

MARK = "recomputed: "


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a query's answer is, computed anew."""

    answer: Answer | None
    """None where it could not be computed; `problem` says why."""
    problem: str = ""
    by_sql_too: bool = False
    """Whether SQL and Python both gave it."""
    is_reference: bool = True
    """Whether the stored reference says the same."""


async def recompute(case: Case, sandbox: Sandbox) -> Fresh:
    """The answer of a program's query, from the published files alone."""
    hops = case.query.hops
    codes = [hop.code for hop in hops if hop.code is not None]
    if len(codes) < len(hops) or not hops:
        return Fresh(None, "no program: nothing to compute it with")
    if not case.files:
        return Fresh(None, "no row about its file is published, nor is the file")
    if missing := [str(path) for _, path in case.files if not path.is_file()]:
        return Fresh(None, f"{missing[0]} is missing")
    source = Path(__file__).with_name("inside.py").read_text("utf-8")
    call = f"print({MARK!r} + recompute({json.dumps(_draft(case, codes))!r}))"
    session = await sandbox.open(dict(case.files), seed=f"audit:{case.query.id}")
    try:
        result = await session.run(f"{source}\n{call}")
    finally:
        await session.close()
    text = result.stdout.rpartition(MARK)[2].partition("\n")[0]  # libraries in C may speak after it
    if not result.ok or result.truncated.stdout or not text:
        return Fresh(None, result.error or result.status.value)
    return _compare(case, json.loads(text))


def _draft(case: Case, codes: Sequence[HopCode]) -> dict[str, object]:
    has_sql = case.is_database and case.format is not None and all(code.sql for code in codes)
    return {
        "load": codes[0].load,
        "hops": [
            {"wiring": code.wiring, "python": code.python, "sql": code.sql, "type": code.type.value}
            for code in codes
        ],
        "dialect": case.format.value if has_sql and case.format else None,
        "database": f"data/files/{case.files[0][0]}",
    }


def _compare(case: Case, found: Mapping[str, Mapping[str, object]]) -> Fresh:
    hop, reference = case.query.hops[-1], case.query.reference
    if "error" in found["python"]:
        return Fresh(None, f"its Python failed: {found['python']['error']}")
    answer = _typed(found["python"]["value"], hop, reference)
    if not case.is_database:
        return Fresh(answer, is_reference=_same_value(reference, answer))
    if "sql" not in found:
        return Fresh(None, "a hop has no SQL")
    if "error" in found["sql"]:
        return Fresh(None, f"its SQL failed: {found['sql']['error']}")
    table = _table(found["sql"]["value"], reference)
    if not agrees(answer, table):
        return Fresh(None, f"Python gives {answer.text[:100]}, SQL {str(table.value)[:100]}")
    return Fresh(table, by_sql_too=True, is_reference=_same_value(reference, table))


def _typed(raw: object, hop: Hop, reference: Answer | None) -> Answer:
    """A raw answer under the type that its program declares."""
    code = hop.code
    assert code is not None
    ordered = reference.ordered if reference is not None else False
    if code.type is AnswerType.TABLE:
        return replace(_table(raw, reference), ordered=ordered)
    if code.type is AnswerType.CLAIMS:
        return _claims(raw, code, hop.reference)
    if isinstance(raw, list):
        values = tuple(_round(part, code.decimals) for part in raw)
        text = ", ".join(_say(part, code.decimals) for part in values)
        return Answer(code.type, text, values, code.unit, code.decimals, ordered=ordered)
    value = _round(_scalar(raw), code.decimals)
    text = _say(value, code.decimals)
    unit = "%" if code.type is AnswerType.PERCENT else code.unit
    return Answer(code.type, text, value, unit, code.decimals)


def _table(raw: object, reference: Answer | None) -> Answer:
    assert isinstance(raw, dict)
    decimals = reference.decimals if reference is not None else None
    rows = tuple(tuple(_round(cell, decimals) for cell in row) for row in raw["rows"])
    columns = tuple(str(name) for name in raw["columns"])
    ordered = reference.ordered if reference is not None else False
    text = "; ".join(", ".join(_say(cell, decimals) for cell in row) for row in rows[:20])
    return Answer(AnswerType.TABLE, text, rows, decimals=decimals, columns=columns, ordered=ordered)


def _claims(raw: object, code: HopCode, reference: Answer | None) -> Answer:
    assert isinstance(raw, dict)
    digits = dict(code.claims)
    values = {name: _round(part, digits.get(name)) for name, part in raw.items()}
    said = {name: Said(value, _say(value, digits.get(name))) for name, value in values.items()}
    text = render_words(code.statement or "", said)
    checked = values.keys()
    if reference is not None and isinstance(reference.value, tuple):
        checked = {str(row[0]): None for row in reference.value if isinstance(row, tuple)}.keys()
    rows = tuple((name, value) for name, value in values.items() if name in checked)
    return Answer(AnswerType.CLAIMS, text, rows, columns=("claim", "value"))


def _scalar(raw: object) -> Scalar:
    assert raw is None or isinstance(raw, (str, int, float, bool))
    return raw


def _round(value: Scalar, decimals: int | None) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return value
    if decimals is None:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return round(float(value), decimals) + 0.0


def _say(value: Scalar, decimals: int | None) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float) and decimals is not None:
        return f"{value:.{decimals}f}"
    return str(value)


def _same_value(reference: Answer | None, answer: Answer) -> bool:
    return reference is None or _same(reference.value, answer.value)


def _same(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other
