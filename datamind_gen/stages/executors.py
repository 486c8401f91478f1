"""Lends executors to the stages that run programs: few at once, and the same one again for the same file.

Programs only compute, so more of them at once than processors finishes none sooner; it would only keep the
sandbox from the trajectories of questions that are written already. And a session that has loaded a file and
the harness is worth keeping for the next question about that file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datamind_gen.rows import Profile
from datamind_gen.sandbox import Sandbox
from datamind_gen.stages.base import Services
from datamind_gen.taxonomy import Executor

AT_ONCE = 2
"""Executors lent together, a processor: one computes while another one's question is put into words."""
USES = 16
"""Questions that one session serves: what it would have to replay after a fault stays small."""


class _Pool:
    """One sandbox's executors, as long as anybody wants one."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.most = AT_ONCE * (sandbox.settings.concurrency or len(os.sched_getaffinity(0)))
        self.places = asyncio.Semaphore(self.most)
        self.wanted = 0
        """Who holds one or waits for one."""
        self._idle: list[tuple[str, int, Executor]] = []
        """File, uses so far and executor; the one used last comes last."""

    def take(self, file_id: str) -> tuple[int, Executor] | None:
        for place, (file, uses, executor) in enumerate(self._idle):
            if file == file_id:
                del self._idle[place]
                return uses, executor
        return None

    async def put_back(self, file_id: str, uses: int, executor: Executor) -> None:
        if uses < USES:
            self._idle.append((file_id, uses, executor))
            if len(self._idle) <= self.most:
                return
            _, _, executor = self._idle.pop(0)
        await _end(executor)

    async def close(self) -> None:
        while self._idle:
            await _end(self._idle.pop()[2])


_POOLS: dict[Sandbox, _Pool] = {}


async def _end(executor: Executor) -> None:
    """Closes an executor's session."""
    await executor.__aexit__(None, None, None)


@asynccontextmanager
async def borrow_executor(profile: Profile, services: Services) -> AsyncIterator[Executor]:
    """An executor over a file, alone for as long as it is held. One that was held when something was raised
    is not lent again."""
    sandbox = services.sandbox
    pool = _POOLS.setdefault(sandbox, _Pool(sandbox))
    pool.wanted += 1
    try:
        async with pool.places, _lend(pool, profile, services) as executor:
            yield executor
    finally:
        pool.wanted -= 1
        if not pool.wanted:
            del _POOLS[sandbox]
            await pool.close()


@asynccontextmanager
async def _lend(pool: _Pool, profile: Profile, services: Services) -> AsyncIterator[Executor]:
    file_id = profile.file.id
    found = pool.take(file_id)
    if found is None:
        executor, uses = Executor(services.sandbox, profile, services.paths(file_id)), 0
        await executor.__aenter__()
    else:
        uses, executor = found
    try:
        yield executor
    except BaseException:
        await _end(executor)
        raise
    await pool.put_back(file_id, uses + 1, executor)
