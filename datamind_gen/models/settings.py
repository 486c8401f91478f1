"""What a user writes under `models:` in a pipeline, one entry a role.

    models:
      expert: {provider: openai, model: deepseek-chat, base_url: https://api.deepseek.com/v1,
               api_key_env: DEEPSEEK_API_KEY, temperature: 0.7, concurrency: 8-64}

A key is never written here, only where it lies. `resolve` fills a request with the role's parameters;
`reply_parameters` is the rest of what decides a reply, for the key under which replies are recorded.
Nothing here opens a connection.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from datamind_gen.models.base import ChatRequest
from datamind_gen.rows import dump_json, seed_from

OPENAI_URL = "https://api.openai.com/v1"
RESERVED_IN_BODY = frozenset({"model", "messages", "stream", "n", "stop", "seed", "temperature", "top_p"})


class Structured(StrEnum):
    """Whether a JSON schema goes with the requests that have one (the judge's)."""

    AUTO = "auto"
    """Send it; when the server refuses it, go on without."""
    ON = "on"
    OFF = "off"
    """Never: the reply's tags are read instead."""


class MaxTokensField(StrEnum):
    """How the endpoint calls the bound on a reply's length."""

    AUTO = "auto"
    """`max_completion_tokens` at api.openai.com, else `max_tokens`, else the other one."""
    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"


class Prices(BaseModel):
    """US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: NonNegativeFloat
    output: NonNegativeFloat


class RetrySettings(BaseModel):
    """When to ask again, how long to bear an outage, and when too much has failed (`run: retries:`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: PositiveInt = 8
    """Attempts a request, rate limits and outages not counted."""
    backoff_s: PositiveFloat = 0.5
    """The first wait; it doubles with each attempt."""
    backoff_max_s: PositiveFloat = 30.0
    outage_s: NonNegativeFloat = 900.0
    """How long an endpoint may be down before its requests begin to fail."""
    stop_error_rate: Annotated[float, Field(gt=0, le=1)] | None = 0.5
    """The run stops when more than this share of the last `stop_window` calls to a model failed."""
    stop_window: PositiveInt = 50


class BaseSettings(BaseModel, ABC):
    """What every provider takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: Annotated[str, Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: PositiveInt = 4096
    seed: int | None = None
    """Each sample gets a seed of its own from it; without one none is sent."""
    concurrency: PositiveInt | Annotated[str, Field(pattern=r"^\s*[1-9]\d*\s*(-\s*[1-9]\d*\s*)?$")] = 32
    """Requests in flight: a number, or a range such as `8-64` that follows the endpoint's rate limits."""
    structured: Structured = Structured.AUTO
    prices: Prices | None = None

    @field_validator("concurrency")
    @classmethod
    def _range_rises(cls, value: int | str) -> int | str:
        low, high = parse_concurrency(value)
        if low > high:
            raise ValueError(f"{value!r} falls; write the lower bound first: {high}-{low}")
        return value

    @property
    def concurrency_range(self) -> tuple[int, int]:
        """Fewest and most requests in flight."""
        return parse_concurrency(self.concurrency)

    @property
    def model_name(self) -> str:
        """What reports and rows call the model."""
        return self.model

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """What the limiter and recorded replies know the endpoint by: never a secret."""

    @property
    def reads_hints(self) -> bool:
        """Whether requests' hints reach the model; elsewhere they are dropped."""
        return False

    def reply_parameters(self) -> str:
        """JSON text of what decides a reply beside endpoint, model, messages and sampling."""
        return dump_json({})

    def reply_identity(self) -> str:
        """JSON text of all settings that decide replies, and of no others: what a stage's key takes in."""
        named = {"provider", "model", "temperature", "top_p", "max_tokens", "seed", "structured"}
        plain = self.model_dump(mode="json", include=named)
        return dump_json(plain | {"endpoint": self.endpoint, "parameters": self.reply_parameters()})

    def connection(self) -> str:
        """JSON text of what a client is made from: roles that agree on it share one."""
        role_only = {"temperature", "top_p", "max_tokens", "seed", "prices", "concurrency"}
        return dump_json(self.model_dump(mode="json", exclude=role_only))

    def resolve(self, request: ChatRequest) -> ChatRequest:
        """The request with the role's parameters where it has none of its own."""
        asked = request.sampling
        seed = asked.seed
        if seed is None and self.seed is not None:
            seed = seed_from("sample", str(self.seed), str(request.sample)) & 0x7FFFFFFF
        sampling = replace(
            asked,
            temperature=self.temperature if asked.temperature is None else asked.temperature,
            top_p=self.top_p if asked.top_p is None else asked.top_p,
            max_tokens=self.max_tokens if asked.max_tokens is None else asked.max_tokens,
            seed=seed,
            json_schema=None if self.structured is Structured.OFF else asked.json_schema,
        )
        return replace(request, sampling=sampling, hint=request.hint if self.reads_hints else None)


class OpenAISettings(BaseSettings):
    """Any endpoint that speaks OpenAI's chat completions: vLLM's server, DeepSeek, OpenAI, Ollama …"""

    provider: Literal["openai"]
    base_url: str = OPENAI_URL
    api_key_env: Annotated[str, Field(min_length=1)] | None = None
    """The environment variable that holds the key. OPENAI_API_KEY by default at api.openai.com."""
    api_key_file: Path | None = None
    max_tokens_field: MaxTokensField = MaxTokensField.AUTO
    request_timeout_s: PositiveFloat = 600.0
    """For a whole reply, not between two bytes."""
    connect_timeout_s: PositiveFloat = 10.0
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Sent with every request as it stands: top_k, reasoning_effort, chat_template_kwargs …"""

    @model_validator(mode="before")
    @classmethod
    def _no_key_in_the_pipeline(cls, data: Any) -> Any:
        if isinstance(data, dict) and "api_key" in data:
            raise ValueError(
                "api_key: a key written here would be published with the pipeline; "
                "write api_key_env: NAME_OF_A_VARIABLE or api_key_file: PATH"
            )
        return data

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not a URL of the form https://host/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("a URL here has no user, password, query or fragment; use api_key_env")
        return value.rstrip("/")

    @field_validator("extra_body")
    @classmethod
    def _no_reserved_field(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if taken := sorted(RESERVED_IN_BODY & value.keys()):
            raise ValueError(f"{', '.join(taken)}: set by the engine or by a setting of its own")
        return value

    @model_validator(mode="after")
    def _one_key(self) -> OpenAISettings:
        if self.api_key_env and self.api_key_file:
            raise ValueError("api_key_env and api_key_file: give one of the two")
        return self

    @property
    def endpoint(self) -> str:
        return self.base_url

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    def reply_parameters(self) -> str:
        return dump_json(self.extra_body)

    def read_key(self) -> SecretStr | None:
        """The key, or None where the endpoint needs none. Raises ValueError that names the fix."""
        if self.api_key_file is not None:
            path = self.api_key_file.expanduser()
            try:
                key = path.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ValueError(f"api_key_file: {path}: {error.strerror or error}") from error
            if not key:
                raise ValueError(f"api_key_file: {path} is empty")
            return SecretStr(key)
        name = self.api_key_env or ("OPENAI_API_KEY" if self.host == "api.openai.com" else None)
        if name is None:
            return None
        key = os.environ.get(name, "").strip()
        if not key:
            raise ValueError(f"the environment variable {name} is not set: export {name}=… and run again")
        return SecretStr(key)


class VLLMSettings(BaseSettings):
    """vLLM in this process, on its asynchronous engine. `model` is a Hub id or a folder."""

    provider: Literal["vllm"]
    concurrency: PositiveInt | Annotated[str, Field(pattern=r"^\s*[1-9]\d*\s*(-\s*[1-9]\d*\s*)?$")] = 256
    request_timeout_s: PositiveFloat = 1800.0
    engine: dict[str, JsonValue] = Field(default_factory=dict)
    """vLLM's engine arguments: tensor_parallel_size, max_model_len, gpu_memory_utilization …"""
    chat_template: dict[str, JsonValue] = Field(default_factory=dict)
    """Variables for the model's chat template: enable_thinking …"""

    @property
    def endpoint(self) -> str:
        return f"vllm:{self.model}"

    def reply_parameters(self) -> str:
        return dump_json({"engine": self.engine, "chat_template": self.chat_template})


class DistilabelSettings(BaseSettings):
    """Any of distilabel's LLM classes, by dotted name. Keys come from the class's own variables."""

    provider: Literal["distilabel"]
    model: str = ""
    """Only a name for reports; what the class takes as its model goes under `arguments`."""
    llm_class: Annotated[str, Field(alias="class", pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
    """Written `class:`. distilabel.models.OpenAILLM, my_package.MyLLM …"""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    request_timeout_s: PositiveFloat = 600.0

    @model_validator(mode="after")
    def _no_key_in_the_pipeline(self) -> DistilabelSettings:
        if secrets := sorted(name for name in self.arguments if name == "token" or name.endswith("_key")):
            raise ValueError(
                f"arguments: {', '.join(secrets)}: a key written here would be published with the "
                "pipeline; set the environment variable that the class reads"
            )
        return self

    @property
    def endpoint(self) -> str:
        return f"distilabel:{self.llm_class}:{self.arguments.get('base_url', '')}"

    @property
    def model_name(self) -> str:
        return self.model or str(
            self.arguments.get("model") or self.arguments.get("model_id") or self.llm_class
        )

    def reply_parameters(self) -> str:
        return dump_json(self.arguments)


class ScriptedSettings(BaseSettings):
    """The embedded model: no LLM, no key, no network. It acts from the taxonomy's programs."""

    provider: Literal["scripted"]
    model: Literal["scripted"] = "scripted"
    concurrency: PositiveInt | Annotated[str, Field(pattern=r"^\s*[1-9]\d*\s*(-\s*[1-9]\d*\s*)?$")] = 64
    seed: int = 0
    fault_rate: Annotated[float, Field(ge=0, le=1)] = 0.3
    """The share of samples with a planted fault."""
    misread_rate: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The share of queries that every sample misreads alike."""
    faults: tuple[str, ...] = ()
    """The kinds of fault to plant; all of them by default."""

    @property
    def endpoint(self) -> str:
        return "scripted"

    @property
    def reads_hints(self) -> bool:
        return True

    def reply_parameters(self) -> str:
        named = {"fault_rate", "misread_rate", "faults", "seed"}
        return dump_json(self.model_dump(mode="json", include=named))

    def connection(self) -> str:
        return dump_json(self.model_dump(mode="json"))


ModelSettings = Annotated[
    OpenAISettings | VLLMSettings | DistilabelSettings | ScriptedSettings, Field(discriminator="provider")
]


def parse_concurrency(value: int | str) -> tuple[int, int]:
    """(fewest, most) of `32` or `8-64`."""
    low, _, high = str(value).partition("-")
    return int(low), int(high or low)
