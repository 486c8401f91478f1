"""The faults that the scripted expert plants: what people and models get wrong in data analysis.

Each changes code, an answer or a turn in a way that can really happen. Which one, and whether, is a pure
function of the seeds. A fault that changes nothing about a query is not planted on it: another is drawn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from enum import StrEnum

from datamind_gen.models.hints import Hint
from datamind_gen.rows import AnswerType, HopCode


class Fault(StrEnum):
    # the code computes something else
    WRONG_COLUMN = "wrong_column"
    WRONG_AGGREGATE = "wrong_aggregate"
    OFF_BY_ONE = "off_by_one"
    FORGOT_FILTER = "forgot_filter"
    # the answer is not what the code found
    UNIT_SLIP = "unit_slip"
    ROUNDING_SLIP = "rounding_slip"
    HALLUCINATED_NUMBER = "hallucinated_number"
    MISMATCHED_ANSWER = "mismatched_answer"
    PREMATURE_ANSWER = "premature_answer"
    CODE_FREE_ANSWER = "code_free_answer"
    # the turns go wrong
    NO_ANSWER = "no_answer"
    VOID_TURN = "void_turn"
    GARBLED_TEXT = "garbled_text"
    SYNTAX_ERROR = "syntax_error"
    KEY_ERROR = "key_error"


CODE_FAULTS = (Fault.WRONG_COLUMN, Fault.WRONG_AGGREGATE, Fault.OFF_BY_ONE, Fault.FORGOT_FILTER)
"""Those that all samples of a query may share, as a misreading of its question."""

_SWAPS_PYTHON = (
    (".mean()", ".median()"), (".median()", ".mean()"), (".sum()", ".mean()"), ("'mean'", "'median'"),
    ("'sum'", "'mean'"), (".idxmax()", ".idxmin()"), (".idxmin()", ".idxmax()"), (".max()", ".mean()"),
    (".min()", ".mean()"), (".nlargest(", ".nsmallest("), (".nsmallest(", ".nlargest("), (".std()", ".var()"),
    ("'max'", "'mean'"), ("'min'", "'mean'"), ("ascending=False", "ascending=True"),
    (".nunique()", ".count()"), ("'spearman'", "'pearson'"), (".corr(", ".cov("),
)  # fmt: skip
_SWAPS_SQL = (
    ("AVG(", "MAX("), ("SUM(", "AVG("), ("COUNT(*)", "COUNT(*) - 1"), ("DESC", "ASC"), ("ASC", "DESC"),
    ("MAX(", "AVG("), ("MIN(", "AVG("), ("COUNT(DISTINCT ", "COUNT("),
)  # fmt: skip


def change_code(fault: Fault, code: str, hint: Hint, rng: random.Random) -> str | None:
    """The code with the fault in it; None where the fault has no place in it."""
    change = _CHANGES[fault](code, hint, rng)
    return change if change != code else None


def _wrong_column(code: str, hint: Hint, rng: random.Random) -> str:
    quote = _quote_sql if hint.is_database else repr
    measures = [column.name for column in hint.columns if column.is_measure]
    used = [name for name in measures if quote(name) in code]
    decoys = [name for name in measures if quote(name) not in code]
    if not used or not decoys:
        return code
    return code.replace(quote(rng.choice(used)), quote(rng.choice(decoys)))


def _wrong_aggregate(code: str, hint: Hint, rng: random.Random) -> str:
    swaps = [swap for swap in (_SWAPS_SQL if hint.is_database else _SWAPS_PYTHON) if swap[0] in code]
    return code.replace(*rng.choice(swaps)) if swaps else code


def _off_by_one(code: str, hint: Hint, rng: random.Random) -> str:
    changes: list[str] = []
    for found in re.finditer(r"(?<=[\w\])\"'] )(>=|<=|>|<)(?= [\d.'\"(-])", code):
        other = {">": ">=", "<": "<=", ">=": ">", "<=": "<"}[found[1]]
        changes.append(code[: found.start()] + other + code[found.end() :])
    for found in re.finditer(r"(?<=nlargest\()\d+|(?<=nsmallest\()\d+|(?<=LIMIT )\d+|(?<=head\()\d+", code):
        changes.append(code[: found.start()] + str(int(found[0]) + 1) + code[found.end() :])
    return rng.choice(changes) if changes else code


def _forgot_filter(code: str, hint: Hint, rng: random.Random) -> str:
    if hint.is_database:
        changed = re.sub(r" WHERE (?!.* IS NOT NULL)[^()]*?\) AS kept", ") AS kept", code, count=1)
        return changed if changed != code else re.sub(r"\nWHERE (?!.*IS NOT NULL)[^\n]*", "", code, count=1)
    lines = code.split("\n")
    for place, line in enumerate(lines):
        if re.match(r"df = df\[df\[", line):
            return "\n".join(lines[:place] + lines[place + 1 :])
        found = re.match(r"(\w+) = df\[.*(==|>|<|isin).*\]$", line)
        if found:
            return "\n".join([*lines[:place], f"{found[1]} = df", *lines[place + 1 :]])
    return code


_CHANGES: dict[Fault, Callable[[str, Hint, random.Random], str]] = {
    Fault.WRONG_COLUMN: _wrong_column,
    Fault.WRONG_AGGREGATE: _wrong_aggregate,
    Fault.OFF_BY_ONE: _off_by_one,
    Fault.FORGOT_FILTER: _forgot_filter,
}


def _quote_sql(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def code_of(hop: HopCode, hint: Hint) -> str:
    """The hop's code as it stands before any earlier answer is put in."""
    if hint.is_database:
        return hop.sql or ""
    return f"{hop.wiring}\n{hop.python}".strip()


def applies(fault: Fault, hint: Hint) -> bool:
    """Whether the fault can be planted on the query at all."""
    last = hint.hops[-1].type
    numeric = last in (AnswerType.NUMBER, AnswerType.PERCENT)
    match fault:
        case Fault.WRONG_COLUMN | Fault.WRONG_AGGREGATE | Fault.OFF_BY_ONE | Fault.FORGOT_FILTER:
            return any(
                change_code(fault, code_of(hop, hint), hint, random.Random(0)) is not None
                for hop in hint.hops
            )
        case Fault.UNIT_SLIP | Fault.ROUNDING_SLIP:
            decimals = hint.hops[-1].decimals or 0
            return numeric and not hint.is_database and (fault is Fault.UNIT_SLIP or decimals > 0)
        case Fault.HALLUCINATED_NUMBER:
            return numeric and not hint.is_database
        case Fault.MISMATCHED_ANSWER:
            return len(hint.hops) > 1 and not hint.is_database
        case Fault.PREMATURE_ANSWER | Fault.CODE_FREE_ANSWER:
            return not hint.is_database
        case _:
            return True


def draw_fault(kinds: Sequence[Fault], hint: Hint, rng: random.Random) -> Fault | None:
    """A fault that can be planted on the query, or None where none of the kinds can."""
    fitting = [fault for fault in kinds if applies(fault, hint)]
    return rng.choice(fitting) if fitting else None
