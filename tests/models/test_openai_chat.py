"""What is sent to an OpenAI-compatible endpoint, and how its replies are read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from datamind_gen.models.base import ErrorKind, FinishReason, ProviderError
from datamind_gen.models.openai_chat import OpenAIChat
from datamind_gen.models.openai_wire import read_reply, retry_after
from datamind_gen.rows import Usage
from tests.models.helpers import request, settings_for
from tests.models.server import Endpoint, Plan, serve

SCHEMA = json.dumps({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})


def body(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode()


@pytest.mark.parametrize(
    ("raw", "text", "finish", "reasoning"),
    [
        (body({"content": "hi"}), "hi", FinishReason.STOP, None),
        (body({"content": "hi", "reasoning_content": "hm"}), "hi", FinishReason.STOP, "hm"),
        (body({"content": "hi", "reasoning": "hm"}, "length"), "hi", FinishReason.LENGTH, "hm"),
        (body({"content": None, "reasoning_content": "hm"}, "stop"), "", FinishReason.STOP, "hm"),
        (body({"content": ""}, "length"), "", FinishReason.LENGTH, None),
        (body({"content": None}, "content_filter"), "", FinishReason.CONTENT_FILTER, None),
        (body({"content": "hi"}, None), "hi", FinishReason.OTHER, None),
        (body({"content": "hi"}, "tool_calls"), "hi", FinishReason.OTHER, None),
        (
            body({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            "ab",
            "stop",
            None,
        ),
        (body({"content": ""}, "stop", usage={"completion_tokens": 1}), "", FinishReason.STOP, None),
        (body({"content": "é\u2028\U0001f600"}), "é\u2028\U0001f600", FinishReason.STOP, None),
    ],
)
def test_replies_are_read_leniently_in_what_servers_add(
    raw: bytes, text: str, finish: str, reasoning: str | None
) -> None:
    reply = read_reply(raw)
    assert (reply.text, reply.finish_reason, reply.reasoning) == (text, finish, reasoning)


def test_usage_and_served_model_are_read_and_unknown_stays_unknown() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    reply = read_reply(body({"content": "hi"}, usage=usage, model="tiny-2025"))
    assert reply.usage == Usage(prompt_tokens=7, completion_tokens=3)
    assert reply.served_model == "tiny-2025"
    assert read_reply(body({"content": "hi"})).usage == Usage(None, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  \n",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": null}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        body({"content": ""}, "stop"),
        body({"content": "hi"})[:-1],
        body({"content": "hi"}) + b"x",
    ],
)
def test_what_is_no_whole_reply_is_malformed(raw: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        read_reply(raw)
    assert caught.value.kind is ErrorKind.MALFORMED
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(headers)) == seconds


async def ask(endpoint: Endpoint, times: int = 1, **given: Any) -> tuple[OpenAIChat, list[str]]:
    model = OpenAIChat(settings_for(endpoint.url, **given))
    asked = request(json_schema=SCHEMA, max_tokens=50)
    return model, [(await model.complete(asked)).text for _ in range(times)]


@pytest.mark.parametrize(
    ("wanted", "given", "sent"),
    [
        ("max_completion_tokens", "auto", ["max_tokens", "max_completion_tokens", "max_completion_tokens"]),
        ("max_tokens", "auto", ["max_tokens", "max_tokens"]),
        ("max_completion_tokens", "max_completion_tokens", ["max_completion_tokens"] * 2),
    ],
)
def test_the_length_goes_by_the_name_that_the_model_takes(wanted: str, given: str, sent: list[str]) -> None:
    async def scenario() -> None:
        async with serve(Plan(max_tokens_field=wanted)) as endpoint:
            model, _ = await ask(endpoint, 2, max_tokens_field=given)
            named = {"max_tokens", "max_completion_tokens"}
            assert [next(iter(named & entry.keys())) for entry in endpoint.bodies] == sent
            await model.close()

    asyncio.run(scenario())


def test_a_name_that_the_user_fixed_is_not_exchanged() -> None:
    async def scenario() -> None:
        async with serve(Plan(max_tokens_field="max_completion_tokens")) as endpoint:
            with pytest.raises(ProviderError, match="Unsupported parameter: 'max_tokens'"):
                await ask(endpoint, max_tokens_field="max_tokens")

    asyncio.run(scenario())


def test_a_schema_is_sent_as_the_protocol_has_it() -> None:
    async def scenario() -> None:
        async with serve(Plan()) as endpoint:
            model, texts = await ask(endpoint)
            assert json.loads(texts[0]) == {"ok": True}
            sent = endpoint.bodies[0]["response_format"]
            assert sent["type"] == "json_schema"
            assert sent["json_schema"]["schema"] == json.loads(SCHEMA)
            await model.close()

    asyncio.run(scenario())


def test_a_server_that_takes_no_schema_is_asked_without_from_then_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with serve(Plan(takes_schema=False)) as endpoint:
            model, texts = await ask(endpoint, 3)
            assert all(text.startswith("reply") for text in texts)
            assert ["response_format" in entry for entry in endpoint.bodies] == [True, False, False, False]
            await model.close()
            with pytest.raises(ProviderError, match="not supported") as caught:
                await ask(endpoint, structured="on")
            assert caught.value.kind is ErrorKind.BAD_REQUEST

    asyncio.run(scenario())
    assert caplog.text.count("takes no JSON schema") == 1


def test_a_server_that_echoes_the_key_does_not_get_it_into_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-mine-and-wrong")

    async def scenario() -> None:
        async with serve(Plan(key="sk-right")) as endpoint:
            with pytest.raises(ProviderError) as caught:
                await ask(endpoint, api_key_env="TEST_KEY")
            assert "sk-mine-and-wrong" not in str(caught.value)
            assert "Incorrect API key provided: ***" in str(caught.value)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__

    asyncio.run(scenario())


def test_connections_are_used_again_and_their_number_is_that_of_requests_in_flight() -> None:
    async def scenario() -> None:
        opened = 0
        async with serve(Plan(mean_s=0.005, sigma=0.1)) as endpoint:
            talk = endpoint.talk

            async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal opened
                opened += 1
                await talk(reader, writer)

            endpoint.talk = counted  # type: ignore[method-assign]
            model = OpenAIChat(settings_for(endpoint.url))
            for _ in range(10):
                await asyncio.gather(*(model.complete(request(str(number))) for number in range(8)))
            assert opened == 8
            await model.close()

    asyncio.run(scenario())


def test_the_environments_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with serve(Plan(status=418, error="I am the proxy")) as proxy:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
            model = OpenAIChat(settings_for("http://models.example.org/v1"))
            with pytest.raises(ProviderError, match="I am the proxy"):
                await model.complete(request())
            await model.close()
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            async with serve(Plan()) as endpoint:
                model = OpenAIChat(settings_for(endpoint.url))
                assert (await model.complete(request())).text
                await model.close()

    asyncio.run(scenario())
