"""Runs chains on the real file, in the sandbox, and gives their typed references.

A run is several drafts in one turn, the first good one taken: so thousands of instances are cheap. Where
a file is a database, every reference is computed twice, by the programs' SQL and by their Python on the
loaded table, and holds only if the two agree.
"""

from __future__ import annotations

import base64
import json
import marshal
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from datamind_gen.rows import Answer, AnswerType, Profile, Scalar, hash_text
from datamind_gen.sandbox import OnError, Sandbox, Session
from datamind_gen.taxonomy.answers import answer_at, is_trivial, table_answer
from datamind_gen.taxonomy.chain import Chain, wire_column
from datamind_gen.taxonomy.code import reference_guards, reference_sql, reference_steps

_MARK = "references: "
_AGREEMENT = 1e-6
_MIDNIGHT = " 00:00:00"
"""What SQLite's date text may carry, and a date answer does not."""


class Fate(StrEnum):
    """What became of a chain that was run."""

    GOOD = "good"
    GUARD = "guard"
    """A guard does not hold, or the answer is trivial, missing or given away by the question."""
    DEGENERATE = "degenerate"
    """A hop that changes nothing, or leaves nothing."""
    ERROR = "error"
    """The program's code failed, or its Python and its SQL disagree."""
    SANDBOX = "sandbox"
    """The sandbox let it down: retryable."""


@dataclass(frozen=True, slots=True)
class Run:
    """One chain's outcome. `answers` holds one a hop; the last is the reference."""

    chain: Chain
    fate: Fate
    detail: str = ""
    answers: tuple[Answer, ...] = ()

    @property
    def good(self) -> bool:
        return self.fate is Fate.GOOD


@cache
def _harness() -> str:
    """Code that defines the harness in a session. Compiled once here, for a session runs on this same
    interpreter: as source it would be parsed again, on both sides, for every session."""
    path = Path(__file__).with_name("harness.py")
    compiled = marshal.dumps(compile(path.read_text(encoding="utf-8"), "<harness>", "exec"))
    packed = base64.b64encode(zlib.compress(compiled)).decode()
    return f"import base64, marshal, zlib\nexec(marshal.loads(zlib.decompress(base64.b64decode({packed!r}))))"


class Executor:
    """Runs chains over one file, in one session. `async with Executor(...) as executor`."""

    def __init__(self, sandbox: Sandbox, profile: Profile, paths: Mapping[str, Path]) -> None:
        self._sandbox = sandbox
        self._profile = profile
        self._paths = paths
        self._session: Session | None = None

    async def __aenter__(self) -> Executor:
        self._session = await self._sandbox.open(
            self._paths,
            seed=f"references:{self._profile.file.id}",
            on_error=OnError.KEEP,  # the harness catches what fails; a checkpoint a turn would be for nothing
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def run(self, chains: Sequence[Chain], *, stop_at_first: bool) -> tuple[Run, ...]:
        """What became of each chain, in order; up to the first good one where asked to stop there."""
        assert self._session is not None, "an Executor runs inside `async with`"
        drafts = [_draft(chain, self._profile) for chain in chains]
        call = f"print({_MARK!r} + run_drafts({json.dumps(drafts)!r}, stop_at_first={stop_at_first}))"
        source = _harness() + "\n" if self._session.turns == 0 else ""
        result = await self._session.run(source + call)
        text = result.stdout.rpartition(_MARK)[2].partition("\n")[0]  # libraries in C may speak after it
        if not result.ok or result.truncated.stdout or not text:
            return await self._run_singly(chains, result.error or result.status.value, stop_at_first)
        found = [
            _judge(chain, raw, self._profile) for chain, raw in zip(chains, json.loads(text), strict=False)
        ]
        if stop_at_first and not any(run.good for run in found) and len(found) < len(chains):
            return (*found, *await self.run(chains[len(found) :], stop_at_first=True))
        return tuple(found)

    async def _run_singly(self, chains: Sequence[Chain], why: str, stop_at_first: bool) -> tuple[Run, ...]:
        """One draft a turn, so that one that hangs or floods fails alone."""
        if len(chains) == 1:
            return (Run(chains[0], Fate.SANDBOX if "sandbox" in why else Fate.ERROR, why),)
        found: list[Run] = []
        for chain in chains:
            found += await self.run([chain], stop_at_first=False)
            if stop_at_first and found[-1].good:
                break
        return tuple(found)


def _draft(chain: Chain, profile: Profile) -> dict[str, Any]:
    format = profile.file.format
    steps = []
    for index, (link, step) in enumerate(zip(chain.links, reference_steps(chain), strict=True)):
        steps.append(
            {
                "wiring": step.wiring,
                "python": step.python,
                "guards": list(reference_guards(chain, index)),
                "type": link.program.gives.type.value,
                "wire": link.wire.value if link.wire else None,
                "wire_column": wire_column(chain, index),
            }
        )
    return {
        "view": {"key": hash_text(chain.view.load)[:16], "load": chain.view.load},
        "steps": steps,
        "sql": reference_sql(chain, format) if format.is_database else None,
        "dialect": format.value,
        "database": f"data/files/{profile.file.parts[0].name}",
    }


def _judge(chain: Chain, raw: Mapping[str, Any], profile: Profile) -> Run:
    if "error" in raw:
        return Run(chain, Fate.ERROR, raw["error"])
    if "unfit" in raw:
        why = str(raw["unfit"])
        return Run(chain, Fate.DEGENERATE if why.startswith("degenerate") else Fate.GUARD, why)
    answers = tuple(answer_at(step["answer"], chain, index) for index, step in enumerate(raw["steps"]))
    last, gives = answers[-1], chain.gives_at(len(chain.links) - 1)
    if is_trivial(last, gives):
        return Run(chain, Fate.GUARD, f"the answer is a trivial {last.text}")
    if profile.file.format.is_database:
        if raw["sql"] is None:
            return Run(chain, Fate.GOOD, answers=answers)
        table = table_answer(raw["sql"], gives)
        if not agrees(last, table):
            both = f"Python gives {last.text[:100]}, SQL {table.text[:100]}"
            return Run(chain, Fate.ERROR, f"Python and SQL disagree: {both}")
        said = replace(table, text=last.text) if last.type is AnswerType.CLAIMS else table
        answers = (*answers[:-1], said)
    return Run(chain, Fate.GOOD, answers=answers)


def agrees(answer: Answer, table: Answer) -> bool:
    """Whether a database's result table says what the Python answer says."""
    rows = table.value
    assert isinstance(rows, tuple)
    value = answer.value
    match answer.type:
        case AnswerType.TABLE:
            assert isinstance(value, tuple)
            return _same_rows(value, rows, ordered=answer.ordered)
        case AnswerType.LIST:
            assert isinstance(value, tuple)
            cells = tuple((row[0],) for row in rows if isinstance(row, tuple))
            return _same_rows(tuple((part,) for part in value), cells, ordered=answer.ordered)
        case AnswerType.CLAIMS:
            assert isinstance(value, tuple)
            assert isinstance(rows[0], tuple)
            parts = tuple(row[1] for row in value if isinstance(row, tuple))
            return len(rows) == 1 and _same_rows((parts,), (rows[0][: len(parts)],), ordered=True)
        case _:
            cell = rows[0][0] if isinstance(rows[0], tuple) else rows[0]
            return len(rows) == 1 and not isinstance(value, tuple) and _same(value, cell, answer.decimals)


def _same_rows(left: Sequence[Any], right: Sequence[Any], *, ordered: bool) -> bool:
    if len(left) != len(right):
        return False
    if not ordered:
        left, right = sorted(left, key=_sort_key), sorted(right, key=_sort_key)
    return all(
        len(one) == len(other) and all(_same(a, b, _digits(a)) for a, b in zip(one, other, strict=True))
        for one, other in zip(left, right, strict=True)
    )


def _digits(value: Scalar) -> int | None:
    """Digits after the point to which a value was rounded; None where it does not look rounded."""
    found = re.fullmatch(r"-?\d+\.(\d{1,6})", repr(value)) if isinstance(value, float) else None
    return len(found[1]) if found else None


def _sort_key(row: Sequence[Any]) -> list[str]:
    return [f"{cell:.6g}" if isinstance(cell, (int, float)) else str(cell) for cell in row]


def _same(left: Scalar, right: Scalar, decimals: int | None) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.removesuffix(_MIDNIGHT) == right.removesuffix(_MIDNIGHT)
    if isinstance(left, bool) and isinstance(right, str):
        return right.lower() == ("yes" if left else "no")
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        # a tie at the last digit asked for may round either way
        slack = 1.01 * 10.0**-decimals if decimals is not None else 0.0
        return math.isclose(left, right, rel_tol=_AGREEMENT, abs_tol=max(slack, 1e-9))
    return str(left) == str(right)
