"""The models of a run by role: the one door through which stages ask.

    models = Models.from_settings({Role.EXPERT: settings, …}, recorder=ledger)
    reply = await models.ask(request, priority=priority_of(Stage.SAMPLE, turn))
    ...
    await models.close()

`ask` finds a recorded reply or waits its turn at the endpoint, records the reply the moment it arrives,
and asks again after failures: rate limits and outages of the endpoint cost no attempt, they only wait.
It raises ProviderError when attempts are used up or asking again is futile; what becomes of the row,
and salvage rounds, are the engine's. When no request can succeed any more (a revoked key, a wrong
model, too many failures, a ledger that cannot be written), `stopped` is set and `stop_reason` says
why: waiting requests end as ErrorKind.STOPPED, those in flight still arrive and are recorded.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from datamind_gen.models.base import (
    ChatModel,
    ChatReply,
    ChatRequest,
    Check,
    Checkable,
    ErrorKind,
    ProviderError,
    Role,
)
from datamind_gen.models.build import build_model
from datamind_gen.models.limiter import Limiter
from datamind_gen.models.prices import prices_of
from datamind_gen.models.recorder import RecordedOnly, Recorder, reply_key
from datamind_gen.models.settings import BaseSettings, RetrySettings
from datamind_gen.models.usage import Counter, ModelUsage

log = logging.getLogger(__name__)


class ErrorWindow:
    """The share of failures among the last calls: judged only once the window is full."""

    def __init__(self, settings: RetrySettings) -> None:
        self._threshold = settings.stop_error_rate
        self._outcomes: deque[bool] = deque(maxlen=settings.stop_window)

    def add(self, *, failed: bool) -> str | None:
        """Counts a settled call; a sentence when the run should stop."""
        self._outcomes.append(failed)
        size = len(self._outcomes)
        if self._threshold is None or size < (self._outcomes.maxlen or 0):
            return None
        failures = sum(self._outcomes)
        if failures <= self._threshold * size:
            return None
        return f"{failures} of the last {size} calls failed"


@dataclass(slots=True)
class _Backend:
    """One model at one endpoint, shared by the roles that play it."""

    model: ChatModel
    limiter: Limiter
    counter: Counter
    window: ErrorWindow
    roles: list[Role] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    """A request under way, with those who wait for it."""

    task: asyncio.Task[ChatReply]
    waiters: int = 0


class Models:
    """Roles with their models, limiters and counters. For one event loop."""

    def __init__(
        self,
        seats: Mapping[Role, tuple[ChatModel, BaseSettings]],
        *,
        recorder: Recorder | None = None,
        retries: RetrySettings | None = None,
    ) -> None:
        self._retries = retries or RetrySettings()
        self._recorder = recorder
        self._settings = {role: settings for role, (_, settings) in seats.items()}
        self._backends: dict[Role, _Backend] = {}
        self._sent: set[str] = set()
        self._calls: dict[str, _Call] = {}
        self.stopped = asyncio.Event()
        self.stop_reason: str | None = None
        limiters: dict[str, Limiter] = {}
        for role, (model, settings) in seats.items():
            limiter = limiters.get(model.endpoint)
            if limiter is None:
                bounds = _shared_bounds(model.endpoint, seats)
                limiter = limiters[model.endpoint] = Limiter(model.endpoint, bounds, self._retries)
            backend = next((known for known in self._backends.values() if known.model is model), None)
            if backend is None:
                counter = Counter(prices=prices_of(settings))
                backend = _Backend(model, limiter, counter, ErrorWindow(self._retries))
            backend.roles.append(role)
            self._backends[role] = backend

    @classmethod
    def from_settings(
        cls,
        settings: Mapping[Role, BaseSettings],
        *,
        recorder: Recorder | None = None,
        retries: RetrySettings | None = None,
        recorded_only: Collection[Role] = (),
    ) -> Models:
        """The models that a pipeline names. Raises ValueError that names the role, the key and the fix.

        Roles that are `recorded_only` say what is recorded; whatever else they are asked is a ProviderError.
        """
        built: dict[str, ChatModel] = {}
        seats: dict[Role, tuple[ChatModel, BaseSettings]] = {}
        for role, entry in settings.items():
            connection = entry.connection()
            if connection not in built:
                try:
                    built[connection] = build_model(entry)
                except (ValueError, ImportError) as error:
                    raise ValueError(f"models.{role.value}: {error}") from error
            model = built[connection]
            seats[role] = (RecordedOnly(model) if role in recorded_only else model, entry)
        return cls(seats, recorder=recorder, retries=retries)

    async def ask(self, request: ChatRequest, *, priority: int = 0) -> ChatReply:
        """The reply. Raises ProviderError once asking again is futile.

        `priority`: higher goes first (limiter.priority_of). Requests of one key share one call. A
        request that is cancelled before it was sent is forgotten; once sent, its reply is recorded.
        """
        settings, backend = self._settings[request.role], self._backends[request.role]
        request = settings.resolve(request)
        key = reply_key(
            endpoint=backend.model.endpoint,
            model=backend.model.model,
            request=request,
            parameters=settings.reply_parameters(),
        )
        call = self._calls.get(key)
        if call is None:
            task = asyncio.create_task(self._answer(backend, request, key, priority))
            call = self._calls[key] = _Call(task)
            task.add_done_callback(lambda _: self._forget(key))
        call.waiters += 1
        try:
            return await asyncio.shield(call.task)
        finally:
            call.waiters -= 1
            if not call.waiters and key not in self._sent:
                call.task.cancel()

    def usage(self) -> tuple[ModelUsage, ...]:
        """A snapshot of every model's figures."""
        return tuple(_snapshot(backend) for backend in self._distinct())

    async def check(self) -> tuple[Check, ...]:
        """Whether each endpoint is reachable, takes the key and has the model; spends no token."""
        return tuple(await asyncio.gather(*(_check(backend.model) for backend in self._distinct())))

    def stop(self, reason: str) -> None:
        """Asks nothing more: waiting requests end as ErrorKind.STOPPED, those in flight still arrive."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self.stopped.set()
            for backend in self._backends.values():
                backend.limiter.close(reason)

    async def close(self) -> None:
        """Abandons what is in flight and closes every client."""
        tasks = [call.task for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for backend in self._distinct():
            await backend.model.close()

    async def _answer(self, backend: _Backend, request: ChatRequest, key: str, priority: int) -> ChatReply:
        if self._recorder is not None and (found := await self._recorder.find(key)) is not None:
            backend.counter.replayed += 1
            return found
        errors: list[str] = []
        spent = limited = 0
        while True:
            try:
                reply = await self._attempt(backend, request, key, priority)
            except ProviderError as error:
                if error.kind is ErrorKind.STOPPED:
                    raise ProviderError(error.kind, error.detail, attempts=(*errors, str(error))) from None
                errors.append(str(error))
                backend.counter.last_error = str(error)
                if error.kind is ErrorKind.RATE_LIMITED:
                    limited += 1
                    backend.counter.rate_limited += 1
                elif not backend.limiter.excuses(error):
                    spent += 1
                if not error.retryable or spent >= self._retries.attempts:
                    self._give_up(backend, error)
                    raise ProviderError(error.kind, error.detail, attempts=tuple(errors)) from None
                log.info("%s at %s, asking again: %s", backend.model.model, backend.model.endpoint, error)
                backend.counter.retries += error.kind is not ErrorKind.RATE_LIMITED
                await self._wait(error, attempt=limited if error.kind is ErrorKind.RATE_LIMITED else spent)
            else:
                self._settle(backend, failed=False)
                return reply

    async def _attempt(self, backend: _Backend, request: ChatRequest, key: str, priority: int) -> ChatReply:
        async with backend.limiter.slot(priority=priority, request_key=key) as slot:
            self._sent.add(key)
            began = time.monotonic()
            try:
                reply = await backend.model.complete(request)
            except ProviderError as error:
                self._sent.discard(key)
                if error.stops_run:  # before the slot is freed for somebody else
                    self.stop(f"{backend.model.model} at {backend.model.endpoint}: {error.detail}")
                slot.failed(error)
                raise
            slot.succeeded()
            reply = replace(reply, seconds=round(time.monotonic() - began, 3))
            backend.counter.add(request, reply)
            if self._recorder is not None:
                try:
                    await self._recorder.record(key, reply)
                except Exception as error:
                    self.stop(f"a reply could not be recorded: {error}")
                    raise
        return reply

    async def _wait(self, error: ProviderError, *, attempt: int) -> None:
        """Waits without a slot, at least for what the server asked; ends early when the run stops."""
        grown = self._retries.backoff_s * 2 ** min(max(attempt - 1, 0), 16)
        delay = min(grown, self._retries.backoff_max_s) * random.uniform(0.75, 1.25)
        try:
            await asyncio.wait_for(self.stopped.wait(), max(delay, error.retry_after_s or 0.0))
        except TimeoutError:
            return

    def _give_up(self, backend: _Backend, error: ProviderError) -> None:
        backend.counter.failed += 1
        if error.kind is not ErrorKind.CONTEXT_OVERFLOW:
            self._settle(backend, failed=True)

    def _settle(self, backend: _Backend, *, failed: bool) -> None:
        if (verdict := backend.window.add(failed=failed)) is not None:
            last = backend.counter.last_error
            self.stop(f"{verdict} for {backend.model.model} at {backend.model.endpoint}; the last: {last}")

    def _forget(self, key: str) -> None:
        self._sent.discard(key)
        task = self._calls.pop(key).task
        if not task.cancelled():
            task.exception()  # marks it as seen, should nobody wait any more

    def _distinct(self) -> list[_Backend]:
        return list({id(backend): backend for backend in self._backends.values()}.values())


def _shared_bounds(endpoint: str, seats: Mapping[Role, tuple[ChatModel, BaseSettings]]) -> tuple[int, int]:
    ranges = {settings.concurrency_range for model, settings in seats.values() if model.endpoint == endpoint}
    bounds = min(low for low, _ in ranges), min(high for _, high in ranges)
    if len(ranges) > 1:
        log.warning("roles at %s differ in concurrency; they share the lower, %d-%d", endpoint, *bounds)
    return bounds


def _snapshot(backend: _Backend) -> ModelUsage:
    counter, limiter = backend.counter, backend.limiter
    return ModelUsage(
        model=backend.model.model,
        endpoint=backend.model.endpoint,
        roles=tuple(backend.roles),
        calls=counter.calls,
        replayed=counter.replayed,
        retries=counter.retries,
        rate_limited=counter.rate_limited,
        failed=counter.failed,
        prompt_tokens=counter.prompt_tokens,
        completion_tokens=counter.completion_tokens,
        uncounted=counter.uncounted,
        tokens_at_most=counter.tokens_at_most,
        usd=counter.usd,
        usd_at_most=counter.usd_at_most,
        priced=counter.prices is not None,
        in_flight=limiter.in_flight,
        waiting=limiter.waiting,
        limit=limiter.limit,
        down_s=limiter.down_s if limiter.paused else 0.0,
        last_error=counter.last_error,
    )


async def _check(model: ChatModel) -> Check:
    if isinstance(model, Checkable):
        return await model.check()
    return Check(endpoint=model.endpoint, model=model.model, ok=True, detail="nothing to look at beforehand")
