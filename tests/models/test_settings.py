"""What a user may write under `models:`, and what a request becomes by it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from datamind_gen.models.build import build_model
from datamind_gen.models.prices import price_list, prices_of
from datamind_gen.models.recorder import reply_key
from datamind_gen.models.settings import (
    BaseSettings,
    ModelSettings,
    OpenAISettings,
    parse_concurrency,
)
from tests.models.helpers import request, settings_for

ANY: TypeAdapter[BaseSettings] = TypeAdapter(ModelSettings)
URL = "http://localhost:8000/v1"


@pytest.mark.parametrize(
    "written",
    [
        {"provider": "openai", "model": "gpt-4.1", "concurrency": "8-64"},
        {"provider": "vllm", "model": "Qwen/Qwen3-4B", "engine": {"max_model_len": 8192}},
        {"provider": "distilabel", "class": "distilabel.models.OpenAILLM", "arguments": {"model": "m"}},
        {"provider": "scripted", "fault_rate": 0.3, "misread_rate": 0.05, "seed": 4},
    ],
    ids=lambda written: written["provider"],
)
def test_each_provider_is_read_by_its_name(written: dict[str, object]) -> None:
    settings = ANY.validate_python(written)
    assert settings.provider == written["provider"]  # type: ignore[attr-defined]
    assert "sk-" not in settings.endpoint


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"provider": "openai", "model": "m", "temprature": 1}, "temprature"),
        ({"provider": "openai", "model": "m", "api_key": "sk-1"}, "api_key_env"),
        ({"provider": "openai", "model": "m", "base_url": "localhost:8000"}, "https://host/v1"),
        ({"provider": "openai", "model": "m", "base_url": "https://me:pass@host/v1"}, "no user"),
        ({"provider": "openai", "model": "m", "base_url": "https://host/v1?api-key=1"}, "query"),
        ({"provider": "openai", "model": "m", "concurrency": "64-8"}, "8-64"),
        ({"provider": "openai", "model": "m", "concurrency": 0}, "concurrency"),
        ({"provider": "openai", "model": "m", "concurrency": "many"}, "concurrency"),
        ({"provider": "openai", "model": "m", "extra_body": {"messages": []}}, "messages"),
        ({"provider": "openai", "model": "m", "api_key_env": "A", "api_key_file": "b"}, "one of the two"),
        ({"provider": "distilabel", "class": "x.Y", "arguments": {"api_key": "sk-1"}}, "published"),
        ({"provider": "openia", "model": "m"}, "openia"),
    ],
)
def test_mistakes_are_refused_with_what_to_do(written: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ANY.validate_python(written)


@pytest.mark.parametrize(
    ("written", "bounds"), [(32, (32, 32)), ("8-64", (8, 64)), (" 8 - 64 ", (8, 64)), ("5", (5, 5))]
)
def test_concurrency_is_a_number_or_a_range(written: int | str, bounds: tuple[int, int]) -> None:
    assert parse_concurrency(written) == bounds
    assert settings_for(URL, concurrency=written).concurrency_range == bounds


def test_a_key_comes_from_a_variable_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    monkeypatch.setenv("MY_KEY", "sk-variable")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    named = settings_for(URL, api_key_env="MY_KEY").read_key()
    filed = settings_for(URL, api_key_file=tmp_path / "key").read_key()
    hosted = OpenAISettings(provider="openai", model="m").read_key()
    assert [key.get_secret_value() for key in (named, filed, hosted) if key] == [
        "sk-variable",
        "sk-file",
        "sk-openai",
    ]
    assert "sk-" not in repr((named, filed, hosted))
    assert settings_for(URL).read_key() is None, "OpenAI's key is sent to nobody else"


def test_a_key_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for field, value in (("api_key_file", tmp_path / "none"), ("api_key_file", tmp_path / "empty")):
        with pytest.raises(ValueError, match=str(value)):
            settings_for(URL, **{field: value}).read_key()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"concurrency": 99}, True),
        ({"request_timeout_s": 5}, True),
        ({"api_key_env": "OTHER"}, True),
        ({"prices": {"input": 1, "output": 2}}, True),
        ({"max_tokens_field": "max_tokens"}, True),
        ({"temperature": 0.9}, False),
        ({"max_tokens": 5}, False),
        ({"seed": 2}, False),
        ({"model": "other"}, False),
        ({"base_url": "http://elsewhere/v1"}, False),
        ({"extra_body": {"top_k": 3}}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_replys_key_depends_on_what_decides_the_reply_alone(change: dict[str, object], same: bool) -> None:
    def key(settings: OpenAISettings) -> str:
        return reply_key(
            endpoint=settings.endpoint,
            model=settings.model,
            request=settings.resolve(request()),
            parameters=settings.reply_parameters(),
        )

    assert (key(settings_for(URL)) == key(settings_for(URL, **change))) is same
    assert (settings_for(URL).reply_identity() == settings_for(URL, **change).reply_identity()) is same


def test_a_schema_is_left_out_where_the_user_says_so() -> None:
    asked = request(json_schema='{"type": "object"}')
    assert settings_for(URL, structured="off").resolve(asked).sampling.json_schema is None
    assert settings_for(URL).resolve(asked).sampling.json_schema is not None


def test_prices_belong_to_a_host_and_unknown_is_unknown() -> None:
    hosted = OpenAISettings(provider="openai", model="gpt-4.1-mini-2025-04-14")
    known = prices_of(hosted)
    assert known is not None
    assert (known.input, known.output) == (0.40, 1.60)
    assert prices_of(settings_for("https://other-host.com/v1", model="gpt-4.1-mini")) is None
    assert prices_of(settings_for(URL)) is None
    own = prices_of(settings_for(URL, prices={"input": 0, "output": 0}))
    assert own is not None
    scripted = prices_of(ANY.validate_python({"provider": "scripted"}))
    assert scripted is not None
    assert scripted.output == 0


def test_the_price_list_is_dated_and_read_strictly() -> None:
    listed = price_list()
    assert listed.as_of.year >= 2026
    assert all(entry.output >= entry.input > 0 for host in listed.hosts.values() for entry in host.values())


def test_a_missing_vllm_names_the_extra() -> None:
    if importlib.util.find_spec("vllm") is not None:
        pytest.skip("vLLM is here")
    with pytest.raises(ImportError, match=r"datamind-gen\[vllm\]"):
        build_model(ANY.validate_python({"provider": "vllm", "model": "x"}))
