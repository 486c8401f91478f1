"""The protocol of a chat model: one request in, one reply out, and typed failures.

A provider is one file that implements `ChatModel`. Requests carry everything that decides the reply
(messages, sampling, sample index), so that a reply can be recorded and found again; `hint` is for the
scripted model alone and is never sent over a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from datamind_gen.rows import Message, Usage


class Role(StrEnum):
    """Who speaks in a pipeline."""

    AUTHOR = "author"
    EXPERT = "expert"
    JUDGE = "judge"


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Sampling parameters. None leaves the provider's default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int = 4096
    stop: tuple[str, ...] = ()
    seed: int | None = None
    json_schema: str | None = None
    """JSON Schema text that the reply must follow, where the server can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    role: Role
    messages: tuple[Message, ...]
    sampling: Sampling
    sample: int = 0
    """Tells apart independent samples of the same messages."""
    hint: str | None = None
    """JSON text for the scripted model: the query's program and slots, never its reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    text: str
    finish_reason: FinishReason
    usage: Usage = Usage()
    reasoning: str | None = None
    """Reasoning content that the server returns beside the text."""
    served_model: str = ""
    faults: tuple[str, ...] = ()
    """Faults that the scripted model planted in this reply."""


class ErrorKind(StrEnum):
    """What went wrong at the provider, and so what may be done about it."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    """5xx, and servers that are starting."""
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    """A reply that is no reply: empty, cut, not JSON, wrongly encoded."""
    BAD_REQUEST = "bad_request"
    CONTEXT_OVERFLOW = "context_overflow"
    AUTHENTICATION = "authentication"
    """The key is wrong, revoked or out of money: the run stops."""


class ProviderError(Exception):
    """A model call that failed. `retryable` says whether asking again may help."""

    def __init__(self, kind: ErrorKind, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def retryable(self) -> bool:
        return self.kind not in (
            ErrorKind.BAD_REQUEST,
            ErrorKind.CONTEXT_OVERFLOW,
            ErrorKind.AUTHENTICATION,
        )


class ChatModel(Protocol):
    """One endpoint and model. Implementations are safe to call from many tasks at once."""

    endpoint: str
    """Part of the key under which replies are recorded: never a secret."""
    model: str

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The reply. Raises ProviderError."""
        ...

    async def close(self) -> None: ...
