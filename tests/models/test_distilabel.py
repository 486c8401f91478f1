"""distilabel's LLM classes behind the protocol: its own OpenAILLM, and a synchronous class."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from datamind_gen.models.base import ErrorKind, FinishReason, ProviderError, Role
from datamind_gen.models.build import build_model
from datamind_gen.models.router import Models
from datamind_gen.models.settings import DistilabelSettings
from datamind_gen.rows import Usage
from tests.models.helpers import FAST, request
from tests.models.server import ROOT, Plan, serve


def settings(name: str = "distilabel.models.OpenAILLM", **arguments: Any) -> DistilabelSettings:
    written = {"provider": "distilabel", "class": name, "arguments": arguments, "concurrency": 8}
    return DistilabelSettings.model_validate(written)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")


def test_its_openai_class_answers_and_its_tokens_are_counted() -> None:
    async def scenario() -> None:
        async with serve(Plan()) as endpoint:
            model = build_model(settings(model="tiny", base_url=endpoint.url))
            reply = await model.complete(request(temperature=0.3, max_tokens=40, stop=("END",)))
            assert reply.text.startswith("reply ")
            assert reply.finish_reason is FinishReason.OTHER
            assert reply.usage.completion_tokens == 5
            (sent,) = endpoint.bodies
            assert (sent["temperature"], sent["max_tokens"], sent["stop"]) == (0.3, 40, ["END"])
            await model.close()

    asyncio.run(scenario())


def test_it_is_retried_limited_and_counted_like_any_other() -> None:
    async def scenario() -> None:
        plan = Plan(mean_s=0.005, faults={"500": 0.2, "429": 0.2, "closed": 0.1}, retry_after_s=0.001)
        async with serve(plan) as endpoint:
            written = settings(model="tiny", base_url=endpoint.url)
            models = Models.from_settings({Role.EXPERT: written}, retries=FAST)
            replies = await asyncio.gather(*(models.ask(request(str(number))) for number in range(60)))
            assert len(replies) == endpoint.stats["completed"] == 60
            assert endpoint.peak <= 8
            (usage,) = models.usage()
            assert usage.rate_limited == endpoint.outcomes["429"]
            assert usage.retries == endpoint.outcomes["500"] + endpoint.outcomes["closed"]
            await models.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, ErrorKind.AUTHENTICATION), (404, ErrorKind.NOT_FOUND), (400, ErrorKind.BAD_REQUEST)],
)
def test_its_errors_become_ours(status: int, kind: ErrorKind) -> None:
    async def scenario() -> None:
        async with serve(Plan(status=status, error="no")) as endpoint:
            model = build_model(settings(model="tiny", base_url=endpoint.url))
            with pytest.raises(ProviderError) as caught:
                await model.complete(request())
            assert caught.value.kind is kind
            await model.close()

    asyncio.run(scenario())


def test_a_class_of_the_users_own_that_is_synchronous(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        model = build_model(settings("tests.models.own_llm.OwnLLM"))
        replies = await asyncio.gather(
            *(model.complete(request(text, temperature=0.5, seed=3)) for text in ("one", "two"))
        )
        assert [reply.text for reply in replies] == ["ONE at 0.5", "TWO at 0.5"]
        assert replies[0].usage == Usage(prompt_tokens=None, completion_tokens=None)
        await model.close()

    asyncio.run(scenario())
    assert caplog.text.count("takes no seed; it is ignored") == 1


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("distilabel.models.NoSuchLLM", {}, "NoSuchLLM"),
        ("no_such_package.LLM", {}, "no_such_package"),
        ("pathlib.Path", {}, "not one of distilabel's LLM classes"),
        ("distilabel.models.OpenAILLM", {"modle": "x"}, "modle"),
    ],
)
def test_a_class_that_cannot_be_used_says_why(name: str, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build_model(settings(name, **arguments))


def test_distilabel_is_imported_only_when_a_role_names_it() -> None:
    code = (
        "import sys, datamind_gen.models.router, datamind_gen.models.openai_chat;"
        "print([name for name in ('distilabel', 'vllm', 'torch', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
