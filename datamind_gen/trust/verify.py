"""Verify: run published rows again, from the published files alone, and compare every observation.

    report = await verify_rows(rows, sandbox)

Each row runs in a fresh session; nothing is cached, nothing of the run that made it is used. A row
passes when each of its code turns gives, character for character, the observation that it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import StrEnum

from datamind_gen.agent.observation import INVALID_ACTION, describe, first_difference
from datamind_gen.agent.protocol import parse
from datamind_gen.sandbox import OnError, Sandbox, TurnStatus
from datamind_gen.trust.published import PublishedRow


class Verification(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    NOT_RUN = "not_run"
    """The sandbox or the files let the check down: nothing is known of the row."""


@dataclass(frozen=True, slots=True)
class VerifiedRow:
    id: str
    verification: Verification
    turns: int
    """Code turns that were run."""
    detail: str = ""


async def verify_rows(rows: Iterable[PublishedRow], sandbox: Sandbox) -> AsyncIterator[VerifiedRow]:
    """Each row's verification, as it comes. The sandbox bounds how many turns run at once."""
    waiting = asyncio.Semaphore(64)

    async def check(row: PublishedRow) -> VerifiedRow:
        async with waiting:
            return await verify_row(row, sandbox)

    tasks = [asyncio.create_task(check(row)) for row in rows]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for task in tasks:
            task.cancel()


async def verify_row(row: PublishedRow, sandbox: Sandbox) -> VerifiedRow:
    """Runs one row's code again."""
    missing = [str(path) for _, path in row.files if not path.is_file()]
    if missing:
        return VerifiedRow(row.id, Verification.NOT_RUN, 0, f"{missing[0]} is missing")
    session = await sandbox.open(
        dict(row.files),
        seed=str(row.seed),
        on_error=OnError(str(row.setting("on_error", OnError.ROLLBACK))),
        sql_only=row.format.is_database,
        db_info=row.schema,
    )
    limit = int(row.setting("observation_chars", 2048) or 2048)
    turns = 0
    try:
        for code, observation in code_turns(row):
            result = await session.run(code)
            turns += 1
            if result.status is TurnStatus.SANDBOX_FAILED:
                return VerifiedRow(row.id, Verification.NOT_RUN, turns, result.error or "the sandbox failed")
            seen = describe(result, limit=limit).text
            if seen != observation:
                detail = f"turn {turns}: {first_difference(observation, seen)}"
                return VerifiedRow(row.id, Verification.DIFFERENT, turns, detail)
    finally:
        await session.close()
    return VerifiedRow(row.id, Verification.SAME, turns)


def code_turns(row: PublishedRow) -> list[tuple[str, str]]:
    """Each piece of code that ran, with the observation that it gave."""
    turns = []
    for message, following in zip(row.messages, row.messages[1:], strict=False):
        if message.role != "assistant" or following.role != "user" or following.content == INVALID_ACTION:
            continue
        code = parse(message.content).code
        if code is not None:
            turns.append((code, following.content))
    return turns
