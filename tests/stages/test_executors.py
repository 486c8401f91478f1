"""Executors are lent again for the same file, few at once, and never after a fault."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from datamind_gen.stages.executors import AT_ONCE, borrow_executor


def test_one_session_serves_a_files_questions(do: Any, serve: Any, bundled: Any) -> None:
    loaded = bundled("firm_investment.csv")
    services = serve(loaded)
    held: list[int] = []
    seen: set[int] = set()
    most = AT_ONCE * (services.sandbox.settings.concurrency or len(os.sched_getaffinity(0)))

    async def one() -> None:
        async with borrow_executor(loaded[0], services) as executor:
            held.append(id(executor))
            seen.add(id(executor))
            assert len(held) <= most
            await asyncio.sleep(0)
            held.remove(id(executor))

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(3 * most)))

    do(many())
    assert len(seen) == most
    assert services.sandbox.stats().awake == 0


def test_an_executor_that_failed_is_not_lent_again(do: Any, serve: Any, bundled: Any) -> None:
    loaded = bundled("firm_investment.csv")
    services = serve(loaded)

    async def fail_then_ask() -> tuple[object, object]:
        async with borrow_executor(loaded[0], services):  # keeps the pool open
            with pytest.raises(RuntimeError):
                async with borrow_executor(loaded[0], services) as first:
                    raise RuntimeError
            async with borrow_executor(loaded[0], services) as second:
                return first, second

    first, second = do(fail_then_ask())
    assert first is not second
