"""The one door: recording, sharing, counting, stopping, cancelling."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from datamind_gen.models.base import ChatReply, ChatRequest, ErrorKind, FinishReason, ProviderError, Role
from datamind_gen.models.budget import budget_problems, budget_reached, parse_tokens
from datamind_gen.models.router import ErrorWindow, Models
from datamind_gen.models.settings import Prices, RetrySettings
from datamind_gen.rows import Message, Usage
from tests.models.helpers import FAST, MemoryRecorder, models_for, request, settings_for
from tests.models.server import Plan, serve


class Told:
    """A model that does what a test tells it to; no network, for what has none in it."""

    endpoint = "told"
    model = "told"

    def __init__(self, usage: Usage | None = None) -> None:
        self.asked: list[ChatRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.errors: list[ProviderError] = []
        self.usage = usage or Usage(prompt_tokens=10, completion_tokens=5)
        self.closed = False

    async def complete(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return ChatReply(text="hi", finish_reason=FinishReason.STOP, usage=self.usage)

    async def close(self) -> None:
        self.closed = True


def told_models(model: Told, **given: object) -> Models:
    settings = settings_for("http://localhost/v1", prices=Prices(input=1.0, output=2.0), concurrency=4)
    return Models({Role.EXPERT: (model, settings)}, retries=FAST, **given)  # type: ignore[arg-type]


def test_a_reply_is_recorded_before_anybody_sees_it_and_found_again() -> None:
    async def scenario() -> None:
        model, recorder = Told(), MemoryRecorder()
        models = told_models(model, recorder=recorder)
        first = await models.ask(request())
        assert list(recorder.replies.values()) == [first]
        assert await models.ask(request()) == first
        assert await told_models(model, recorder=recorder).ask(request()) == first
        assert len(model.asked) == 1

    asyncio.run(scenario())


def test_requests_of_one_key_that_wait_together_are_sent_once() -> None:
    async def scenario() -> None:
        model = Told()
        models = told_models(model)
        replies = await asyncio.gather(*(models.ask(request()) for _ in range(5)), models.ask(request("b")))
        assert len(model.asked) == 2
        assert len(replies) == 6

    asyncio.run(scenario())


def test_a_request_cancelled_in_flight_is_still_recorded() -> None:
    async def scenario() -> None:
        model, recorder = Told(), MemoryRecorder()
        model.gate.clear()
        models = told_models(model, recorder=recorder)
        asking = asyncio.create_task(models.ask(request()))
        while not model.asked:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        model.gate.set()
        while not recorder.replies:
            await asyncio.sleep(0.001)
        assert models.usage()[0].calls == 1

    asyncio.run(scenario())


def test_a_request_cancelled_in_the_queue_is_never_sent() -> None:
    async def scenario() -> None:
        model = Told()
        model.gate.clear()
        models = told_models(model)
        asking = [asyncio.create_task(models.ask(request(str(number)))) for number in range(6)]
        while len(model.asked) < 4:
            await asyncio.sleep(0)
        for task in asking[4:]:
            task.cancel()
        model.gate.set()
        await asyncio.gather(*asking, return_exceptions=True)
        assert len(model.asked) == 4
        assert models.usage()[0].waiting == 0

    asyncio.run(scenario())


def test_a_reply_that_cannot_be_recorded_stops_the_run() -> None:
    class Full(MemoryRecorder):
        async def record(self, key: str, reply: ChatReply) -> None:
            raise OSError(28, "No space left on device")

    async def scenario() -> None:
        models = told_models(Told(), recorder=Full())
        with pytest.raises(OSError, match="No space left"):
            await models.ask(request())
        assert "No space left" in (models.stop_reason or "")
        with pytest.raises(ProviderError) as caught:
            await models.ask(request("another"))
        assert caught.value.kind is ErrorKind.STOPPED
        assert caught.value.stops_run

    asyncio.run(scenario())


def test_stopping_lets_what_is_in_flight_arrive_and_asks_nothing_more() -> None:
    async def scenario() -> None:
        model = Told()
        model.gate.clear()
        models = told_models(model)
        asking = [asyncio.create_task(models.ask(request(str(number)))) for number in range(10)]
        while len(model.asked) < 4:
            await asyncio.sleep(0)
        models.stop("the user said so")
        model.gate.set()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert [isinstance(outcome, ChatReply) for outcome in outcomes] == [True] * 4 + [False] * 6
        assert len(model.asked) == 4
        assert models.stop_reason == "the user said so"

    asyncio.run(scenario())


def test_stopping_wakes_a_request_that_waits_to_be_retried() -> None:
    async def scenario() -> None:
        model = Told()
        model.errors = [ProviderError(ErrorKind.RATE_LIMITED, "later", retry_after_s=3600)]
        models = told_models(model)
        asking = asyncio.create_task(models.ask(request()))
        while models.usage()[0].rate_limited == 0:
            await asyncio.sleep(0)
        models.stop("enough")
        with pytest.raises(ProviderError) as caught:
            await asking
        assert [text.split(":")[0] for text in caught.value.attempts] == ["rate_limited", "stopped"]

    asyncio.run(scenario())


def test_the_error_window_is_judged_only_when_full_and_over_the_last_calls_only() -> None:
    def verdicts(outcomes: str, *, rate: float, size: int) -> list[bool]:
        window = ErrorWindow(RetrySettings(stop_error_rate=rate, stop_window=size))
        return [window.add(failed=outcome == "x") is not None for outcome in outcomes]

    assert not any(verdicts("x" * 9, rate=0.5, size=10)), "nine calls fill no window of ten"
    assert verdicts("x" * 10, rate=0.5, size=10)[-1]
    assert not any(verdicts("x....." * 50, rate=0.5, size=10))
    assert not any(verdicts("xxxxx" + "." * 100, rate=0.5, size=10)), "half is not more than half"
    late = verdicts("." * 1000 + "xxxxxx", rate=0.5, size=10)
    assert late.index(True) == 1005, "old successes must not hide a fresh collapse"


def test_two_roles_at_one_endpoint_share_a_limiter_and_one_client() -> None:
    async def scenario() -> None:
        async with serve(Plan(mean_s=0.01)) as endpoint:
            expert = settings_for(endpoint.url, concurrency=5, temperature=0.7)
            judge = settings_for(endpoint.url, concurrency=9, temperature=0.0)
            other = settings_for(endpoint.url, concurrency=9, model="another")
            models = Models.from_settings({Role.EXPERT: expert, Role.JUDGE: judge, Role.AUTHOR: other})
            await asyncio.gather(
                *(models.ask(request(str(number), role=role)) for number in range(20) for role in Role)
            )
            assert endpoint.peak == 5
            usage = {entry.model: entry for entry in models.usage()}
            assert usage["tiny"].roles == (Role.EXPERT, Role.JUDGE)
            assert usage["tiny"].calls == 40
            assert usage["another"].roles == (Role.AUTHOR,)
            assert usage["another"].limit == 5
            await models.close()

    asyncio.run(scenario())


def test_requests_carry_the_roles_parameters_and_a_seed_for_each_sample() -> None:
    async def scenario() -> None:
        async with serve(Plan()) as endpoint:
            models = models_for(
                endpoint.url, temperature=0.7, top_p=0.9, max_tokens=77, extra_body={"top_k": 20}
            )
            await models.ask(request(sample=0, stop=("</code>",)))
            await models.ask(request(sample=1, temperature=0.1, seed=5))
            await models.ask(request(sample=2))
            first, second, third = endpoint.bodies
            assert (first["temperature"], first["top_p"], first["max_tokens"]) == (0.7, 0.9, 77)
            assert first["stop"] == ["</code>"]
            assert first["top_k"] == 20
            assert (second["temperature"], second["seed"]) == (0.1, 5)
            assert len({first["seed"], second["seed"], third["seed"]}) == 3
            await models.close()

    asyncio.run(scenario())


def test_a_hint_never_leaves_for_a_network() -> None:
    async def scenario() -> None:
        async with serve(Plan()) as endpoint:
            models = models_for(endpoint.url)
            await models.ask(replace(request(), hint='{"program": "secret"}'))
            assert "secret" not in str(endpoint.bodies)
            await models.close()

    asyncio.run(scenario())


def test_usage_counts_tokens_and_money_and_unknown_is_not_zero() -> None:
    async def scenario() -> None:
        known = told_models(Told())
        await asyncio.gather(*(known.ask(request(str(number))) for number in range(4)))
        (usage,) = known.usage()
        assert (usage.calls, usage.prompt_tokens, usage.completion_tokens) == (4, 40, 20)
        assert usage.usd == usage.usd_at_most == pytest.approx((40 * 1 + 20 * 2) / 1e6)

        silent = told_models(Told(usage=Usage()))
        await silent.ask(request("x" * 100, max_tokens=50))
        (usage,) = silent.usage()
        assert usage.usd is None
        assert usage.uncounted == 1
        assert usage.tokens_at_most >= 150
        assert usage.usd_at_most is not None
        assert usage.usd_at_most >= (100 * 1 + 50 * 2) / 1e6

    asyncio.run(scenario())


class Bounds:
    def __init__(
        self, usd: float | None = None, tokens: int | None = None, hours: float | None = None
    ) -> None:
        self.usd, self.tokens, self.hours = usd, tokens, hours


def test_a_budget_says_which_bound_is_reached() -> None:
    async def scenario() -> None:
        models = told_models(Told())
        assert budget_reached(Bounds(usd=1.0, tokens=30, hours=1), models.usage(), elapsed_s=10) is None
        for number in range(2):
            await models.ask(request(str(number)))
        usage = models.usage()
        assert "30 tokens" in (budget_reached(Bounds(tokens=30), usage, elapsed_s=0) or "")
        assert "US dollars" in (budget_reached(Bounds(usd=0.00004), usage, elapsed_s=0) or "")
        assert "2 hours" in (budget_reached(Bounds(hours=2), usage, elapsed_s=7200) or "")
        assert budget_reached(Bounds(), usage, elapsed_s=1e9) is None

    asyncio.run(scenario())


def test_a_budget_in_dollars_needs_prices() -> None:
    async def scenario() -> None:
        models = models_for("http://localhost:1/v1")
        (problem,) = budget_problems(Bounds(usd=5.0), models.usage())
        assert "the price of tiny at http://localhost:1/v1 is unknown" in problem
        assert budget_problems(Bounds(tokens=5), models.usage()) == []
        assert budget_problems(Bounds(usd=5.0), told_models(Told()).usage()) == []
        await models.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("written", "tokens"), [("40M", 40_000_000), ("1.5k", 1500), (12, 12), ("2b", 2_000_000_000), ("7", 7)]
)
def test_tokens_may_be_written_short(written: object, tokens: int) -> None:
    assert parse_tokens(written) == tokens


def test_check_tells_what_is_wrong_before_a_token_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD_KEY", "sk-good")
    monkeypatch.setenv("BAD_KEY", "sk-bad-bad-bad")

    async def scenario() -> None:
        async with serve(Plan(key="sk-good")) as endpoint:
            good = models_for(endpoint.url, api_key_env="GOOD_KEY")
            missing = models_for(endpoint.url, api_key_env="GOOD_KEY", model="tyni")
            bad = models_for(endpoint.url, api_key_env="BAD_KEY")
            checks = [(await models.check())[0] for models in (good, missing, bad)]
            assert [check.ok for check in checks] == [True, False, False]
            assert "no model 'tyni'; it lists tiny" in checks[1].detail
            assert "401" in checks[2].detail
            assert endpoint.stats["attempts"] == 0
            for models in (good, missing, bad):
                await models.close()

    asyncio.run(scenario())


def test_closing_closes_every_client_and_abandons_what_is_in_flight() -> None:
    async def scenario() -> None:
        model = Told()
        model.gate.clear()
        models = told_models(model)
        asking = asyncio.create_task(models.ask(request()))
        while not model.asked:
            await asyncio.sleep(0)
        await models.close()
        assert model.closed
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(scenario())


def test_a_missing_key_names_the_role_the_variable_and_the_fix() -> None:
    settings = settings_for("http://localhost/v1", api_key_env="NO_SUCH_VARIABLE_HERE")
    with pytest.raises(ValueError, match=r"models\.judge: .*NO_SUCH_VARIABLE_HERE is not set: export"):
        Models.from_settings({Role.JUDGE: settings})


def test_the_messages_role_and_order_are_part_of_the_key() -> None:
    async def scenario() -> None:
        model, recorder = Told(), MemoryRecorder()
        models = told_models(model, recorder=recorder)
        turned = replace(request(), messages=(Message("system", "hello"),))
        for entry in (request(), turned, request(sample=1), request(temperature=0.5)):
            await models.ask(entry)
        assert len(recorder.replies) == 4

    asyncio.run(scenario())
