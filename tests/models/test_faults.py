"""The fault matrix, over real HTTP: each fault has an outcome of its own, and no reply is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamind_gen.models.base import ChatReply, ErrorKind, ProviderError
from datamind_gen.models.router import Models
from datamind_gen.models.settings import RetrySettings
from tests.models.helpers import FAST, FileRecorder, MemoryRecorder, describe, models_for, request
from tests.models.server import ROOT, Endpoint, Plan, ServerProcess, serve

ASKED = 40


async def ask_all(models: Models, count: int = ASKED) -> list[ChatReply | ProviderError]:
    """Every outcome, in order."""
    outcomes = await asyncio.gather(
        *(models.ask(request(f"question {number}")) for number in range(count)), return_exceptions=True
    )
    for outcome in outcomes:
        assert isinstance(outcome, ChatReply | ProviderError), repr(outcome)
    return outcomes  # type: ignore[return-value]


def assert_all_came(endpoint: Endpoint, outcomes: list[ChatReply | ProviderError]) -> None:
    assert all(isinstance(outcome, ChatReply) for outcome in outcomes), outcomes
    assert endpoint.stats["distinct"] == len(outcomes)
    assert endpoint.stats["duplicates"] == 0, "a reply that had arrived was asked for again"


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("500", "overloaded", "HTTP 500"),
        ("502", "overloaded", "HTTP 502"),
        ("503", "overloaded", "HTTP 503"),
        ("529", "overloaded", "HTTP 529"),
        ("429", "rate_limited", "slow down"),
        ("429_bare", "rate_limited", "slow down"),
        ("malformed", "malformed", "JSON"),
        ("empty", "malformed", "an empty body"),
        ("empty_text", "malformed", "an empty text"),
        ("truncated", "malformed", "EOF"),
        ("duplicated", "malformed", "trailing"),
        ("wrong_encoding", "malformed", "unicode"),
        ("utf16", "malformed", "the body"),
        ("no_choices", "malformed", "no choices"),
        ("error_in_200", "overloaded", "upstream overloaded"),
        ("not_gzip", "malformed", ""),
        ("cut", "malformed", "cut or broken"),
        ("closed", "connection", "disconnected"),
        ("reset", "connection", ""),
        ("huge", "malformed", "longer than"),
        ("hang", "timeout", ""),
        ("trickle", "timeout", "no whole reply"),
    ],
)
def test_a_passing_fault_has_its_own_outcome_and_loses_nothing(fault: str, kind: str, says: str) -> None:
    async def scenario() -> None:
        async with serve(Plan(faults={fault: 1.0}, faulty_attempts=1)) as endpoint:
            timeouts = {"request_timeout_s": 0.4, "connect_timeout_s": 0.2} if kind == "timeout" else {}
            count = 3 if fault == "huge" else 12 if timeouts else ASKED
            models = models_for(endpoint.url, concurrency=16, **timeouts)
            outcomes = await ask_all(models, count)
            assert_all_came(endpoint, outcomes)
            (usage,) = models.usage()
            assert usage.last_error is not None
            assert usage.last_error.startswith(f"{kind}: ")
            assert says.lower() in usage.last_error.lower()
            assert usage.calls == count
            assert usage.failed == 0
            assert endpoint.outcomes[fault] == count
            await models.close()

    asyncio.run(scenario())


def test_a_fault_that_stays_keeps_every_attempts_error() -> None:
    async def scenario() -> None:
        async with serve(Plan(faults={"500": 0.5, "malformed": 0.5})) as endpoint:
            models = models_for(endpoint.url, retries=FAST.model_copy(update={"attempts": 4}))
            with pytest.raises(ProviderError) as caught:
                await models.ask(request())
            assert len(caught.value.attempts) == 4
            assert caught.value.retryable
            assert {text.split(":")[0] for text in caught.value.attempts} <= {"overloaded", "malformed"}
            assert not models.stopped.is_set()
            await models.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"error": {"message": "temperature must be at most 2"}}', ErrorKind.BAD_REQUEST),
        (422, "unprocessable", ErrorKind.BAD_REQUEST),
        (400, "This model's maximum context length is 2048 tokens", ErrorKind.CONTEXT_OVERFLOW),
        (400, '{"error": {"code": "context_length_exceeded"}}', ErrorKind.CONTEXT_OVERFLOW),
        (413, "too large", ErrorKind.CONTEXT_OVERFLOW),
    ],
)
def test_a_request_that_cannot_succeed_is_asked_once_and_fails_alone(
    status: int, body: str, kind: ErrorKind
) -> None:
    async def scenario() -> None:
        async with serve(Plan(status=status, error=body)) as endpoint:
            models = models_for(endpoint.url)
            with pytest.raises(ProviderError) as caught:
                await models.ask(request())
            assert caught.value.kind is kind
            assert not caught.value.retryable
            assert endpoint.stats["attempts"] == 1
            assert not models.stopped.is_set()
            await models.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, "bad key", ErrorKind.AUTHENTICATION),
        (402, "Insufficient Balance", ErrorKind.AUTHENTICATION),
        (403, "forbidden", ErrorKind.AUTHENTICATION),
        (429, '{"error": {"code": "insufficient_quota"}}', ErrorKind.AUTHENTICATION),
        (404, "The model `tyni` does not exist", ErrorKind.NOT_FOUND),
    ],
)
def test_what_no_request_can_survive_stops_the_run_at_once(status: int, body: str, kind: ErrorKind) -> None:
    async def scenario() -> None:
        async with serve(Plan(status=status, error=body)) as endpoint:
            models = models_for(endpoint.url, concurrency=4)
            outcomes = await ask_all(models)
            assert models.stopped.is_set()
            assert body[:20] in (models.stop_reason or "")
            kinds = [outcome.kind for outcome in outcomes if isinstance(outcome, ProviderError)]
            assert len(kinds) == ASKED
            assert set(kinds) == {kind, ErrorKind.STOPPED}
            assert endpoint.stats["attempts"] <= 4, "only what was in flight"
            await models.close()

    asyncio.run(scenario())


def test_a_key_revoked_halfway_stops_the_run_and_a_new_key_resumes_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "sk-the-secret-0123456789"
    monkeypatch.setenv("TEST_KEY", secret)

    async def scenario() -> None:
        recorder = MemoryRecorder()
        async with serve(Plan(key=secret, revoke_after=20, mean_s=0.002)) as endpoint:
            models = models_for(endpoint.url, recorder=recorder, concurrency=4, api_key_env="TEST_KEY")
            outcomes = await ask_all(models)
            came = sum(isinstance(outcome, ChatReply) for outcome in outcomes)
            assert came == len(recorder.replies) == endpoint.stats["completed"]
            assert 20 <= came < ASKED
            assert "authentication" in " ".join(
                text for entry in outcomes if isinstance(entry, ProviderError) for text in entry.attempts
            )
            texts = [models.stop_reason, repr(models.usage()), repr(outcomes), str(vars(models))]
            texts += [caplog.text, repr(await models.check())]
            assert not any(secret in str(text) for text in texts)
            await models.close()
        async with serve(Plan(key=secret), port=endpoint.port) as renewed:
            models = models_for(renewed.url, recorder=recorder, api_key_env="TEST_KEY")
            outcomes = await ask_all(models)
            assert all(isinstance(outcome, ChatReply) for outcome in outcomes)
            assert renewed.stats["completed"] == ASKED - came, "what had come is not asked for again"
            assert models.usage()[0].replayed == came
            await models.close()

    caplog.set_level("DEBUG")
    asyncio.run(scenario())


def test_an_outage_costs_no_attempt_and_sends_only_probes() -> None:
    async def scenario() -> None:
        plan = Plan(mean_s=0.002, outage=(0.05, 1.0))
        async with serve(plan) as endpoint:
            retries = RetrySettings(attempts=2, backoff_s=0.02, backoff_max_s=0.1)
            models = models_for(endpoint.url, retries=retries, concurrency=16)
            outcomes = await ask_all(models, 1000)
            assert_all_came(endpoint, outcomes)
            assert 0 < endpoint.outcomes["503"] < 16 + 60, "the outage was hammered, or never met"
            await models.close()

    asyncio.run(scenario())


def test_an_outage_without_end_fails_the_rows_and_stops_the_run() -> None:
    async def scenario() -> None:
        async with serve(Plan(status=503)) as endpoint:
            retries = FAST.model_copy(update={"outage_s": 0.2, "attempts": 2, "stop_window": 5})
            models = models_for(endpoint.url, retries=retries, concurrency=8)
            outcomes = await ask_all(models)
            kinds = {outcome.kind for outcome in outcomes if isinstance(outcome, ProviderError)}
            assert kinds == {ErrorKind.OVERLOADED, ErrorKind.STOPPED}
            assert "5 of the last 5 calls failed" in (models.stop_reason or "")
            await models.close()

    asyncio.run(scenario())


def test_a_server_that_is_killed_and_comes_back_loses_nothing() -> None:
    async def scenario() -> None:
        with ServerProcess(Plan(mean_s=0.02)) as server:
            retries = RetrySettings(attempts=3, backoff_s=0.02, backoff_max_s=0.2)
            models = models_for(server.url, retries=retries, concurrency=8)
            asking = asyncio.create_task(ask_all(models, 200))
            while models.usage()[0].calls < 40:
                await asyncio.sleep(0.005)
            before = models.usage()[0].calls
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(0.4)
            await asyncio.to_thread(server.start)
            outcomes = await asking
            assert all(isinstance(outcome, ChatReply) for outcome in outcomes), outcomes
            # What the dead server had replied in full it is not asked again; eight were in flight.
            assert server.stats["completed"] <= 200 - before
            await models.close()

    asyncio.run(scenario())


def test_a_storm_of_rate_limits_is_ridden_out_below_the_limit() -> None:
    async def scenario() -> None:
        async with serve(Plan(mean_s=0.005, refuse_above=6)) as endpoint:
            models = models_for(endpoint.url, concurrency="2-64")
            outcomes = await ask_all(models, 400)
            assert_all_came(endpoint, outcomes)
            (usage,) = models.usage()
            assert usage.rate_limited == endpoint.outcomes["429"] > 0
            assert usage.failed == usage.retries == 0
            assert usage.limit <= 16
            assert endpoint.outcomes["429"] < 200, "the endpoint was hammered"
            await models.close()

    asyncio.run(scenario())


def test_rate_limits_cost_no_attempt_however_many() -> None:
    async def scenario() -> None:
        plan = Plan(faults={"429": 1.0}, faulty_attempts=5, retry_after_s=0.001)
        async with serve(plan) as endpoint:
            retries = FAST.model_copy(update={"attempts": 1})
            models = models_for(endpoint.url, retries=retries, concurrency=4)
            outcomes = await ask_all(models, 4)
            assert_all_came(endpoint, outcomes)
            await models.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("url", "kind", "says"),
    [
        ("http://127.0.0.1:{closed}/v1", ErrorKind.CONNECTION, "cannot connect"),
        ("http://no-such-host.invalid/v1", ErrorKind.CONNECTION, "cannot connect"),
        ("https://127.0.0.1:{plain}/v1", ErrorKind.TLS, "does not speak TLS"),
    ],
    ids=["refused", "no such host", "TLS to a plain port"],
)
def test_an_endpoint_that_cannot_be_reached_says_why(url: str, kind: ErrorKind, says: str) -> None:
    async def scenario() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            async with serve(Plan()) as endpoint:
                address = url.format(closed=unused.getsockname()[1], plain=endpoint.port)
                retries = FAST.model_copy(update={"attempts": 2, "outage_s": 0.0})
                models = models_for(address, retries=retries, connect_timeout_s=5)
                with pytest.raises(ProviderError, match=says) as caught:
                    await models.ask(request())
                assert caught.value.kind is kind
                (check,) = await models.check()
                assert not check.ok
                assert says in check.detail
                await models.close()

    asyncio.run(scenario())


def test_a_certificate_that_is_not_trusted_stops_the_run(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += f" -subj /CN=localhost -keyout {key} -out {certificate}"
    made = subprocess.run(command.split(), capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def scenario() -> None:
        async with serve(Plan(), tls=context) as endpoint:
            models = models_for(endpoint.url.replace("http:", "https:"))
            with pytest.raises(ProviderError, match="the certificate is not trusted") as caught:
                await models.ask(request())
            assert caught.value.kind is ErrorKind.TLS
            assert models.stopped.is_set()
            await models.close()

    asyncio.run(scenario())


def test_a_mix_of_all_faults_with_an_outage_loses_no_row() -> None:
    async def scenario() -> None:
        plan = Plan(
            mean_s=0.004,
            faults={"500": 0.02, "429": 0.02, "reset": 0.01, "malformed": 0.01, "cut": 0.01},
            outage=(0.2, 0.6),
        )
        async with serve(plan) as endpoint:
            recorder = MemoryRecorder()
            models = models_for(endpoint.url, recorder=recorder, concurrency=32)
            outcomes = await ask_all(models, 600)
            assert_all_came(endpoint, outcomes)
            assert len(recorder.replies) == 600
            await models.close()

    asyncio.run(scenario())


def test_kill_9_of_the_asking_process_loses_no_recorded_reply(tmp_path: Path) -> None:
    asked, in_flight = 300, 16
    with ServerProcess(Plan(mean_s=0.03)) as server:
        kills = 0
        for delay in (0.1, 0.25, 0.4, None):
            with subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    CLIENT,
                    server.url,
                    str(tmp_path / "replies"),
                    str(asked),
                    str(in_flight),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
            ) as client:
                assert client.stdout is not None
                client.stdout.readline()  # it has begun
                if delay is not None:
                    time.sleep(delay)
                    os.kill(client.pid, signal.SIGKILL)
                    kills += 1
            assert delay is not None or client.returncode == 0
        stats = server.stats
    assert stats["distinct"] == asked
    assert stats["duplicates"] <= kills * in_flight, "more was asked again than had been in flight"
    replies = FileRecorder(tmp_path / "replies").replies

    async def undisturbed() -> str:
        recorder = MemoryRecorder()
        async with serve(Plan(), port=server.port) as endpoint:
            models = models_for(endpoint.url, recorder=recorder)
            await ask_all(models, asked)
            await models.close()
        return describe(recorder.replies)

    assert describe(replies) == asyncio.run(undisturbed())


CLIENT = """
import asyncio, sys
from pathlib import Path
from tests.models.helpers import FileRecorder, models_for, request

async def main(url, path, asked, in_flight):
    models = models_for(url, recorder=FileRecorder(Path(path)), concurrency=in_flight)
    print("begun", flush=True)
    await asyncio.gather(*(models.ask(request(f"question {number}")) for number in range(asked)))
    await models.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""
