"""Admission: order, work conservation, adapting to rate limits, pausing before an endpoint that is down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from datamind_gen.models.base import ErrorKind, ProviderError
from datamind_gen.models.limiter import Limiter, Slot, priority_of
from datamind_gen.models.settings import RetrySettings
from datamind_gen.rows import Stage

RETRIES = RetrySettings(backoff_s=0.01, backoff_max_s=0.05)


def limiter(low: int, high: int | None = None, retries: RetrySettings = RETRIES) -> Limiter:
    return Limiter("http://localhost/v1", (low, high or low), retries)


async def enter(owner: Limiter, key: str = "a", priority: int = 0) -> Slot:
    slot = owner.slot(priority=priority, request_key=key)
    await slot.__aenter__()
    return slot


def rate_limited() -> ProviderError:
    return ProviderError(ErrorKind.RATE_LIMITED, "slow down")


def overloaded() -> ProviderError:
    return ProviderError(ErrorKind.OVERLOADED, "503")


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


def test_later_stages_and_rows_further_along_go_first() -> None:
    async def scenario() -> None:
        owner, order = limiter(1), []

        async def ask(name: str, priority: int) -> None:
            async with owner.slot(priority=priority, request_key=name) as slot:
                order.append(name)
                slot.succeeded()

        first = await enter(owner)
        waiting = [
            asyncio.create_task(ask("write", priority_of(Stage.WRITE))),
            asyncio.create_task(ask("sample 1", priority_of(Stage.SAMPLE, 0))),
            asyncio.create_task(ask("sample 2", priority_of(Stage.SAMPLE, 0))),
            asyncio.create_task(ask("sample turn 4", priority_of(Stage.SAMPLE, 4))),
            asyncio.create_task(ask("judge", priority_of(Stage.JUDGE))),
        ]
        await settle()
        assert owner.waiting == 5
        first.succeeded()
        await asyncio.gather(*waiting)
        assert order == ["judge", "sample turn 4", "sample 1", "sample 2", "write"]

    run(scenario)


def test_requests_in_flight_stay_at_the_limit_while_work_waits() -> None:
    async def scenario() -> None:
        owner, seen = limiter(7), []

        async def ask(number: int) -> None:
            async with owner.slot(priority=0, request_key=str(number)) as slot:
                await asyncio.sleep(0.001 * (number % 5))
                seen.append((owner.in_flight, owner.waiting))
                slot.succeeded()

        await asyncio.gather(*(ask(number) for number in range(100)))
        assert all(in_flight == 7 for in_flight, waiting in seen if waiting)
        assert owner.in_flight == 0

    run(scenario)


async def round_of(owner: Limiter, error: ProviderError | None = None) -> int:
    """As many requests as are admitted at once, with more waiting, all ending alike; how many that were."""
    slots = [await enter(owner, f"{number}") for number in range(owner.limit)]
    for slot in slots:
        if error is None:
            slot.succeeded()
        else:
            slot.failed(error)
    return len(slots)


def test_the_limit_grows_by_one_a_success_until_the_first_rate_limit_then_by_one_a_round() -> None:
    async def scenario() -> None:
        owner, slots = limiter(2, 64), []
        for _ in range(2):
            slots.append(await enter(owner, "x"))
        for _ in range(30):  # always as many in flight as may be
            slots.pop().succeeded()
            while owner.in_flight < owner.limit:
                slots.append(await enter(owner, "x"))
        assert owner.limit == 32
        for slot in slots:
            slot.failed(rate_limited())
        assert owner.limit == 22
        slots = [await enter(owner, "x") for _ in range(22)]
        for _ in range(23):
            slots.pop(0).succeeded()
            while owner.in_flight < owner.limit:
                slots.append(await enter(owner, "x"))
        assert owner.limit == 23

    run(scenario)


def test_an_idle_endpoint_does_not_raise_its_limit() -> None:
    async def scenario() -> None:
        owner = limiter(4, 64)
        for number in range(50):
            (await enter(owner, str(number))).succeeded()
        assert owner.limit == 4

    run(scenario)


def test_a_burst_of_rate_limits_cuts_once_and_a_later_one_again() -> None:
    async def scenario() -> None:
        owner = limiter(40, 40)
        owner.minimum = 4
        assert await round_of(owner, rate_limited()) == 40
        assert owner.limit == 28
        (await enter(owner, "later")).failed(rate_limited())
        assert owner.limit == 19

    run(scenario)


def test_the_limit_never_leaves_its_range() -> None:
    async def scenario() -> None:
        owner = limiter(4, 6, RetrySettings(backoff_s=0.0001, backoff_max_s=0.0001))
        for number in range(30):
            (await enter(owner, str(number))).failed(rate_limited())
        assert owner.limit == 4
        (await enter(owner, "a probe that succeeds")).succeeded()
        slots = [await enter(owner, str(number)) for number in range(owner.limit)]
        for _ in range(200):
            slots.pop().succeeded()
            while owner.in_flight < owner.limit:
                slots.append(await enter(owner, "x"))
        assert owner.limit == 6

    run(scenario)


def test_a_fixed_limit_is_not_cut() -> None:
    async def scenario() -> None:
        owner = limiter(8)
        for slot in [await enter(owner, str(number)) for number in range(4)]:
            slot.failed(rate_limited())
        assert owner.limit == 8

    run(scenario)


def test_an_endpoint_that_refuses_everything_gets_one_probe_at_a_time() -> None:
    async def scenario() -> None:
        owner = limiter(16)
        for slot in [await enter(owner, str(number)) for number in range(16)]:
            slot.failed(overloaded())
        assert owner.paused
        waiting = [asyncio.create_task(enter(owner, f"w{number}")) for number in range(10)]
        probe, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.1)
        assert owner.in_flight == 1, "more than the one probe went out"
        probe.pop().result().failed(overloaded())
        while owner.in_flight == 0:
            await asyncio.sleep(0.001)
        await settle()  # the slot is given before the task that waits for it goes on
        assert owner.in_flight == 1
        second = next(task for task in waiting if task.done() and task.result()._held)
        second.result().succeeded()
        await settle()
        assert not owner.paused
        assert owner.in_flight == 8, "the first success opens the endpoint for all"

    run(scenario)


def test_one_failing_request_does_not_pause_the_endpoint() -> None:
    async def scenario() -> None:
        owner = limiter(8)
        for _ in range(20):
            (await enter(owner, "the same")).failed(overloaded())
        assert not owner.paused

    run(scenario)


def test_a_retry_after_is_honoured_by_the_pause() -> None:
    async def scenario() -> None:
        owner = limiter(8)
        loop = asyncio.get_running_loop()
        for slot in [await enter(owner, str(number)) for number in range(8)]:
            slot.failed(ProviderError(ErrorKind.RATE_LIMITED, "", retry_after_s=0.2))
        before = loop.time()
        await enter(owner, "next")
        assert loop.time() - before > 0.19

    run(scenario)


@pytest.mark.parametrize(
    ("error", "paused", "excused"),
    [
        (ProviderError(ErrorKind.CONNECTION, "refused", reached=False), False, True),
        (ProviderError(ErrorKind.CONNECTION, "reset"), False, False),
        (overloaded(), False, False),
        (overloaded(), True, True),
        (ProviderError(ErrorKind.TIMEOUT, ""), True, True),
        (ProviderError(ErrorKind.MALFORMED, ""), True, False),
    ],
    ids=["never reached", "reset", "one 503", "503 in an outage", "timeout in an outage", "malformed"],
)
def test_only_an_outage_excuses_a_failure(error: ProviderError, paused: bool, excused: bool) -> None:
    async def scenario() -> None:
        owner = limiter(8)
        if paused:
            for slot in [await enter(owner, str(number)) for number in range(8)]:
                slot.failed(overloaded())
        assert owner.excuses(error) is excused

    run(scenario)


def test_an_outage_excuses_only_for_so_long() -> None:
    async def scenario() -> None:
        owner = limiter(8, retries=RetrySettings(outage_s=0.05, backoff_s=0.01))
        for slot in [await enter(owner, str(number)) for number in range(8)]:
            slot.failed(overloaded())
        assert owner.excuses(overloaded())
        await asyncio.sleep(0.06)
        assert not owner.excuses(overloaded())

    run(scenario)


def test_cancelled_waiters_leave_no_trace() -> None:
    async def scenario() -> None:
        owner = limiter(2)
        held = [await enter(owner, "a"), await enter(owner, "b")]
        waiting = [asyncio.create_task(enter(owner, str(number))) for number in range(5)]
        await settle()
        for task in waiting[:4]:
            task.cancel()
        await settle()
        assert owner.waiting == 1
        held[0].succeeded()
        waiting[4].cancel()  # admitted in this very tick, and cancelled before it woke
        await settle()
        assert owner.in_flight == 1
        held[1].succeeded()
        assert owner.in_flight == 0

    run(scenario)


def test_closing_ends_waiters_and_lets_the_admitted_finish() -> None:
    async def scenario() -> None:
        owner = limiter(1)
        held = await enter(owner)
        waiting = asyncio.create_task(enter(owner, "b"))
        await settle()
        owner.close("the key was revoked")
        with pytest.raises(ProviderError, match="the key was revoked") as caught:
            await waiting
        assert caught.value.kind is ErrorKind.STOPPED
        held.succeeded()
        with pytest.raises(ProviderError):
            await enter(owner, "c")

    run(scenario)
