"""The protocol of a chat model: one request in, one reply out, and typed failures.

A provider is one file that implements `ChatModel`. Requests carry everything that decides the reply
(messages, sampling, sample index), so that a reply can be recorded and found again; `hint` is for the
scripted model alone and is never sent over a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

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
    """Sampling parameters. None takes what the role's settings say, else the provider's default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
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
    usage: Usage = field(default_factory=Usage)
    reasoning: str | None = None
    """Reasoning content that the server returns beside the text."""
    served_model: str = ""
    faults: tuple[str, ...] = ()
    """Faults that the scripted model planted in this reply."""
    seconds: float | None = None
    """From sending the request to the whole reply, waiting for a slot not counted; None is unknown."""


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
    NOT_FOUND = "not_found"
    """The endpoint has no such model or path: the run stops."""
    TLS = "tls"
    """The certificate is not trusted, or the port does not speak TLS: the run stops."""
    STOPPED = "stopped"
    """Never asked, because the run is stopping: the row is not settled."""


class ProviderError(Exception):
    """A model call that failed. `retryable` says whether asking again may help.

    `attempts` holds the text of every attempt's error, this one's included, oldest first.
    `reached` is False when the endpoint never saw the request (no connection, no such host).
    """

    def __init__(
        self,
        kind: ErrorKind,
        detail: str,
        *,
        retry_after_s: float | None = None,
        reached: bool = True,
        attempts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.reached = reached
        self.attempts = attempts or (str(self),)

    @property
    def retryable(self) -> bool:
        return not self.stops_run and self.kind not in (ErrorKind.BAD_REQUEST, ErrorKind.CONTEXT_OVERFLOW)

    @property
    def stops_run(self) -> bool:
        """Whether no other request can do better: the row stays unsettled and the run is resumable."""
        return self.kind in (
            ErrorKind.AUTHENTICATION,
            ErrorKind.NOT_FOUND,
            ErrorKind.TLS,
            ErrorKind.STOPPED,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a look at an endpoint found, without spending a token."""

    endpoint: str
    model: str
    ok: bool
    detail: str
    """What was found; where not ok, what to do about it."""


@runtime_checkable
class Checkable(Protocol):
    """A model that can say, without generating, whether it would answer."""

    async def check(self) -> Check: ...
