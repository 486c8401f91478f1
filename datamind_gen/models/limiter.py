"""Admission to one endpoint: how many requests are in flight, and which one goes next.

    async with limiter.slot(priority=40, request_key=key) as slot:
        try:
            reply = await model.complete(request)
        except ProviderError as error:
            slot.failed(error)
            raise
        slot.succeeded()

Work-conserving: while anybody waits, requests in flight stay at the limit; the highest priority goes
first, then who came first. The limit is a number, or a range within which it follows the endpoint: it
doubles a round until the first rate limit, is then cut once a burst (only an error of a request sent
after the last cut can cut again), and grows by one a round. When several different requests in a row
are refused, the endpoint is taken to be down or closed: admissions pause, one probe at a time goes out
with growing distance, and the first success opens it again.

Nothing here retries, and no request is failed here, except by `close`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from types import TracebackType

from datamind_gen.models.base import ErrorKind, ProviderError
from datamind_gen.models.settings import RetrySettings
from datamind_gen.rows import Stage

CUT = 0.7
DISTINCT_REFUSALS = 5
REFUSALS = (ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED, ErrorKind.CONNECTION, ErrorKind.TIMEOUT)
OUTAGES = (ErrorKind.OVERLOADED, ErrorKind.CONNECTION, ErrorKind.TIMEOUT)


def priority_of(stage: Stage, turn: int = 0) -> int:
    """The priority of a request: later stages first, and in a stage the row that is furthest along."""
    return list(Stage).index(stage) * 1000 + min(turn, 999)


class Slot:
    """One admission. Say how it went by `succeeded` or `failed`; leaving the block frees it."""

    def __init__(self, limiter: Limiter, priority: int, request_key: str) -> None:
        self._limiter = limiter
        self._priority = priority
        self._held = False
        self.request_key = request_key
        self.serial = 0
        """Its place in the order of admissions."""
        self.probe = False

    async def __aenter__(self) -> Slot:
        await self._limiter._enter(self, self._priority)
        self._held = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free()

    def succeeded(self) -> None:
        """The endpoint replied. Frees the slot."""
        self._limiter._note_success()
        self._free()

    def failed(self, error: ProviderError) -> None:
        """The endpoint did not. Frees the slot."""
        self._limiter._note_failure(self, error)
        self._free()

    def _free(self) -> None:
        if self._held:
            self._held = False
            self._limiter._leave(self)


@dataclass(order=True, slots=True)
class _Waiter:
    rank: int
    arrival: int
    slot: Slot = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)


class Limiter:
    """The queue before one endpoint. For one event loop."""

    def __init__(self, endpoint: str, bounds: tuple[int, int], retries: RetrySettings) -> None:
        self.endpoint = endpoint
        self.minimum, self.maximum = bounds
        self._retries = retries
        self._limit = float(self.minimum)
        self._doubling = True
        self._in_flight = 0
        self._waiting: list[_Waiter] = []
        self._arrivals = itertools.count()
        self._admissions = 0
        self._cut_at = 0
        self._refused: set[str] = set()
        self._down_since: float | None = None
        self._paused_until: float | None = None
        self._probing = False
        self._probe_wait_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed: str | None = None

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def waiting(self) -> int:
        return sum(not waiter.admitted.done() for waiter in self._waiting)

    @property
    def paused(self) -> bool:
        """Whether the endpoint is taken to be down or closed, and only probes go out."""
        return self._paused_until is not None

    @property
    def down_s(self) -> float:
        """Seconds since the first of the refusals that no success has followed; 0 when it is well."""
        return 0.0 if self._down_since is None else asyncio.get_running_loop().time() - self._down_since

    def excuses(self, error: ProviderError) -> bool:
        """Whether a failure is the endpoint's outage, not the request's doing, and so no attempt."""
        if error.kind not in OUTAGES or self.down_s > self._retries.outage_s:
            return False
        return self.paused or not error.reached

    def slot(self, *, priority: int, request_key: str) -> Slot:
        """An admission to enter. Entering raises ProviderError (stopped) once the limiter is closed."""
        return Slot(self, priority, request_key)

    def close(self, reason: str) -> None:
        """Admits nobody any more; those who wait get ProviderError (stopped). In flight goes on."""
        self._closed = reason
        for waiter in self._waiting:
            if not waiter.admitted.done():
                waiter.admitted.set_exception(ProviderError(ErrorKind.STOPPED, reason))
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    async def _enter(self, slot: Slot, priority: int) -> None:
        if self._closed is not None:
            raise ProviderError(ErrorKind.STOPPED, self._closed)
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Waiter(-priority, next(self._arrivals), slot, admitted))
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            # Admitted and cancelled in the same tick: the slot goes back.
            if not admitted.cancelled():
                self._leave(slot)
            raise

    def _leave(self, slot: Slot) -> None:
        self._in_flight -= 1
        if slot.probe:
            self._probing = False
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._may_admit():
            waiter = heapq.heappop(self._waiting)
            if waiter.admitted.done():
                continue
            self._in_flight += 1
            self._admissions += 1
            waiter.slot.serial = self._admissions
            waiter.slot.probe = self._probing = self.paused
            waiter.admitted.set_result(None)

    def _may_admit(self) -> bool:
        if self._closed is not None or self._in_flight >= self.limit:
            return False
        if self._paused_until is None:
            return True
        if self._probing:
            return False
        if asyncio.get_running_loop().time() >= self._paused_until:
            return True
        self._wake_at(self._paused_until)
        return False

    def _wake_at(self, time: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(time, self._admit)

    def _note_success(self) -> None:
        self._refused.clear()
        self._down_since = self._paused_until = None
        self._probe_wait_s = 0.0
        if self._limit < self.maximum and self._in_flight >= self.limit:
            self._limit = min(self.maximum, self._limit + (1.0 if self._doubling else 1.0 / self._limit))

    def _note_failure(self, slot: Slot, error: ProviderError) -> None:
        if error.kind not in REFUSALS:
            return
        congested = error.kind is ErrorKind.RATE_LIMITED or error.retry_after_s is not None
        if congested and slot.serial > self._cut_at:
            self._cut_at = self._admissions
            self._doubling = False
            self._limit = max(float(self.minimum), self._limit * CUT)
        loop = asyncio.get_running_loop()
        if self._down_since is None:
            self._down_since = loop.time()
        self._refused.add(slot.request_key)
        if not slot.probe and (self.paused or len(self._refused) < DISTINCT_REFUSALS):
            return
        # The n-th probe that fails doubles the distance to the next one.
        grown = self._probe_wait_s * 2 or self._retries.backoff_s
        self._probe_wait_s = min(grown, self._retries.backoff_max_s)
        self._paused_until = loop.time() + max(self._probe_wait_s, error.retry_after_s or 0.0)
