"""How replies and errors of OpenAI-compatible endpoints are read.

Lenient in what servers add or leave out around a reply, strict in what makes it a whole one. Each way
of failing becomes one ErrorKind; what of it is the server's text is cut to a readable length.
"""

from __future__ import annotations

import email.utils
import math
import ssl
import time

import httpx
import openai
from pydantic import BaseModel, ValidationError

from datamind_gen.models.base import ChatReply, ErrorKind, FinishReason, ProviderError
from datamind_gen.models.transport import ReplyTooLarge
from datamind_gen.rows import Usage

DETAIL_LIMIT = 600
LONGEST_WAIT_S = 3600.0
OVERFLOW_WORDS = (
    "context_length_exceeded",
    "maximum context length",
    "context window",
    "context length",
    "max_model_len",
    "prompt is too long",
    "too many tokens",
    "exceeds the available context",
)
NO_MONEY_WORDS = ("insufficient_quota", "insufficient balance", "exceeded your current quota")


class _Part(BaseModel):
    type: str = "text"
    text: str | None = None


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Error(BaseModel):
    message: str = ""
    code: str | int | None = None


class _Completion(BaseModel):
    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: _Error | str | None = None


def read_reply(body: bytes) -> ChatReply:
    """The reply that a 200's body holds. Raises ProviderError (malformed, or what the body reports)."""
    if not body.strip():
        raise ProviderError(ErrorKind.MALFORMED, "an empty body")
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise ProviderError(ErrorKind.MALFORMED, f"{where}: {first['msg']}") from None
    if not completion.choices:
        raise _error_in_reply(completion)
    choice = completion.choices[0]
    usage = completion.usage or _Usage()
    text = _text(choice.message.content)
    reasoning = choice.message.reasoning_content or choice.message.reasoning or None
    # An empty text is a whole reply when something was generated (all of it reasoning, a stop string at
    # once) or cut or withheld; with nothing generated it is no reply at all.
    if not text and not reasoning and choice.finish_reason in (None, "stop") and not usage.completion_tokens:
        raise ProviderError(ErrorKind.MALFORMED, "an empty text")
    if choice.finish_reason == "error":
        raise ProviderError(ErrorKind.OVERLOADED, "the server broke the reply off")
    return ChatReply(
        text=text,
        finish_reason=_finish_reason(choice.finish_reason),
        usage=Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens),
        reasoning=reasoning,
        served_model=completion.model or "",
    )


def read_error(error: Exception) -> ProviderError:
    """What an exception of the SDK or of httpx means."""
    if isinstance(error, openai.APIStatusError):
        return _status_error(error)
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    if isinstance(cause, httpx.ConnectTimeout | httpx.ConnectError | ssl.SSLError):
        return _connect_error(cause)
    if isinstance(cause, httpx.TimeoutException):
        return ProviderError(ErrorKind.TIMEOUT, f"{type(cause).__name__}: no reply in time")
    if isinstance(cause, ReplyTooLarge | httpx.DecodingError):
        return ProviderError(ErrorKind.MALFORMED, _cut(str(cause)))
    if isinstance(cause, httpx.RemoteProtocolError) and "without sending a response" not in str(cause):
        return ProviderError(ErrorKind.MALFORMED, _cut(f"a cut or broken reply: {cause}"))
    if isinstance(cause, httpx.TransportError):
        return ProviderError(ErrorKind.CONNECTION, _cut(f"{type(cause).__name__}: {cause}"))
    # The SDK's own client is built on another library than ours: distilabel's classes use that one.
    if isinstance(error, openai.APIConnectionError):
        timed_out = isinstance(error, openai.APITimeoutError)
        kind = ErrorKind.TIMEOUT if timed_out else ErrorKind.CONNECTION
        return ProviderError(kind, _cut(f"{error}: {type(cause).__name__}: {cause}"))
    return ProviderError(ErrorKind.MALFORMED, _cut(f"{type(error).__name__}: {error}"))


def kind_of_status(status: int, text: str) -> ErrorKind:
    """What an HTTP status with its body's text means."""
    lower = text.lower()
    if status in (401, 402, 403) or (status == 429 and any(word in lower for word in NO_MONEY_WORDS)):
        return ErrorKind.AUTHENTICATION
    if status == 429:
        return ErrorKind.RATE_LIMITED
    if status == 404:
        return ErrorKind.NOT_FOUND
    if status in (408, 504):
        return ErrorKind.TIMEOUT
    if status >= 500 or status in (409, 425):
        return ErrorKind.OVERLOADED
    if status == 413 or any(word in lower for word in OVERFLOW_WORDS):
        return ErrorKind.CONTEXT_OVERFLOW
    return ErrorKind.BAD_REQUEST


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the server asks to wait, at most an hour; None where it does not say."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            date = email.utils.parsedate_tz(value)
            if date is None:
                continue
            seconds = email.utils.mktime_tz(date) - time.time()
        if math.isfinite(seconds):
            return min(max(seconds, 0.0), LONGEST_WAIT_S)
    return None


def _status_error(error: openai.APIStatusError) -> ProviderError:
    text = error.response.text
    return ProviderError(
        kind_of_status(error.status_code, text),
        _cut(f"HTTP {error.status_code}: {text or error.response.reason_phrase}"),
        retry_after_s=retry_after(httpx.Headers(error.response.headers.multi_items())),
    )


def _connect_error(error: Exception) -> ProviderError:
    if isinstance(error, httpx.ConnectTimeout):
        return ProviderError(ErrorKind.CONNECTION, "cannot connect: no answer in time", reached=False)
    root: BaseException = error
    while (inner := root.__cause__ or root.__context__) is not None:
        root = inner
    if isinstance(root, ssl.SSLCertVerificationError):
        return ProviderError(ErrorKind.TLS, f"the certificate is not trusted: {root.verify_message}")
    if isinstance(root, ssl.SSLError) and root.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return ProviderError(ErrorKind.TLS, "the port does not speak TLS; is it http://?")
    return ProviderError(ErrorKind.CONNECTION, _cut(f"cannot connect: {root or error}"), reached=False)


def _error_in_reply(completion: _Completion) -> ProviderError:
    """Some proxies report an error under status 200."""
    reported = completion.error
    if isinstance(reported, str):
        reported = _Error(message=reported)
    if reported is None:
        return ProviderError(ErrorKind.MALFORMED, "no choices")
    code = str(reported.code or "")
    status = int(code) if code.isdigit() else 500
    return ProviderError(kind_of_status(status, f"{code} {reported.message}"), _cut(reported.message))


def _text(content: str | list[_Part] | None) -> str:
    if isinstance(content, list):
        return "".join(part.text or "" for part in content if part.type == "text")
    return content or ""


def _finish_reason(value: str | None) -> FinishReason:
    known: dict[str, FinishReason] = {
        "stop": FinishReason.STOP,
        "length": FinishReason.LENGTH,
        "content_filter": FinishReason.CONTENT_FILTER,
    }
    return known.get(value or "", FinishReason.OTHER)


def _cut(text: str) -> str:
    return text if len(text) <= DETAIL_LIMIT else f"{text[:DETAIL_LIMIT]}… ({len(text)} characters)"
