"""Any endpoint that speaks OpenAI's chat completions, over the openai SDK.

The SDK builds, signs and sends a request; retries, limits and recording are the router's, and the reply
is read here, leniently in what servers add and strictly in what makes it a whole reply. No error,
log line or repr holds the key, and errors are raised without the SDK's own (which hold the headers).
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import openai

from datamind_gen.models.base import ChatReply, ChatRequest, Check, ErrorKind, ProviderError
from datamind_gen.models.openai_wire import read_error, read_reply
from datamind_gen.models.settings import MaxTokensField, OpenAISettings, Structured
from datamind_gen.models.transport import StackTransport

log = logging.getLogger(__name__)
# One line a request would drown a run's log; the router tells what went wrong.
logging.getLogger("httpx").setLevel(logging.WARNING)

NO_KEY = "none"
FIELD_WORDS = ("unsupported", "not supported", "unrecognized", "unknown", "unexpected", "not permitted")
SCHEMA_WORDS = ("response_format", "json_schema", "guided", "structured")


class OpenAIChat:
    """One endpoint and model. Safe to call from many tasks of one event loop."""

    def __init__(self, settings: OpenAISettings) -> None:
        self.endpoint = settings.endpoint
        self.model = settings.model
        self._settings = settings
        self._key = settings.read_key()
        self._schema_refused = False
        self._max_tokens_field = settings.max_tokens_field
        self._other_field_tried = False
        if settings.max_tokens_field is MaxTokensField.AUTO:
            self._max_tokens_field = MaxTokensField.MAX_TOKENS
            if settings.host == "api.openai.com":
                self._max_tokens_field = MaxTokensField.MAX_COMPLETION_TOKENS
        timeout = httpx.Timeout(settings.request_timeout_s, connect=settings.connect_timeout_s, pool=None)
        http = httpx.AsyncClient(transport=StackTransport(settings.base_url), timeout=timeout)
        self._client = openai.AsyncOpenAI(
            api_key=self._key.get_secret_value() if self._key else NO_KEY,
            base_url=settings.base_url,
            max_retries=0,
            timeout=timeout,  # type: ignore[arg-type, unused-ignore]
            http_client=http,  # type: ignore[arg-type, unused-ignore]
        )

    def __repr__(self) -> str:
        return f"OpenAIChat({self.model!r} at {self.endpoint!r})"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The reply. Raises ProviderError."""
        while True:
            schema_sent = request.sampling.json_schema is not None and not self._schema_refused
            field_sent = self._max_tokens_field
            try:
                return read_reply(await self._post(self._body(request)))
            except ProviderError as error:
                if not self._adapts(error, schema_sent=schema_sent, field_sent=field_sent):
                    raise ProviderError(
                        error.kind,
                        self._redact(error.detail),
                        retry_after_s=error.retry_after_s,
                        reached=error.reached,
                    ) from None

    async def check(self) -> Check:
        """Lists the endpoint's models, within the connect timeout twice over."""
        try:
            async with asyncio.timeout(2 * self._settings.connect_timeout_s):
                page = await self._client.models.list()
        except TimeoutError:
            return self._checked(False, "no answer in time")
        except openai.APIStatusError as error:
            if error.status_code in (404, 405):
                return self._checked(True, "reachable; it does not list its models")
            return self._checked(False, self._redact(str(read_error(error))))
        except (openai.OpenAIError, httpx.HTTPError) as error:
            return self._checked(False, self._redact(str(read_error(error))))
        names = sorted(entry.id for entry in page.data or [])
        if self.model in names:
            return self._checked(True, "reachable, and has the model")
        return self._checked(
            False, f"has no model {self.model!r}; it lists {', '.join(names[:10]) or 'none'}"
        )

    async def close(self) -> None:
        await self._client.close()

    def _checked(self, ok: bool, detail: str) -> Check:
        return Check(endpoint=self.endpoint, model=self.model, ok=ok, detail=detail)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": entry.role, "content": entry.content} for entry in request.messages],
        }
        if sampling.max_tokens is not None:
            body[self._max_tokens_field.value] = sampling.max_tokens
        named = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
        body |= {name: value for name, value in named.items() if value is not None}
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.json_schema is not None and not self._schema_refused:
            schema = {"name": "reply", "schema": json.loads(sampling.json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body | self._settings.extra_body

    async def _post(self, body: dict[str, Any]) -> bytes:
        whole_s = self._settings.request_timeout_s + self._settings.connect_timeout_s
        try:
            async with asyncio.timeout(whole_s):
                response = await self._client.post("/chat/completions", cast_to=httpx.Response, body=body)  # type: ignore[type-var, unused-ignore]
        except TimeoutError:
            raise ProviderError(ErrorKind.TIMEOUT, f"no whole reply within {whole_s:g} s") from None
        except (openai.OpenAIError, httpx.HTTPError) as error:
            raise read_error(error) from None
        content: bytes = response.content
        return content

    def _adapts(self, error: ProviderError, *, schema_sent: bool, field_sent: MaxTokensField) -> bool:
        """Whether the endpoint refused a field that may be renamed or left out: asking again helps."""
        text = error.detail.lower()
        if error.kind is not ErrorKind.BAD_REQUEST:
            return False
        if field_sent.value in text and any(word in text for word in FIELD_WORDS):
            if self._settings.max_tokens_field is MaxTokensField.AUTO and not self._other_field_tried:
                self._other_field_tried = True
                self._max_tokens_field = _other(field_sent)
            return self._max_tokens_field is not field_sent
        if schema_sent and any(word in text for word in SCHEMA_WORDS):
            if self._settings.structured is Structured.AUTO and not self._schema_refused:
                log.warning("%s takes no JSON schema; going on without: %s", self.endpoint, error.detail)
                self._schema_refused = True
            return self._schema_refused
        return False

    def _redact(self, text: str) -> str:
        return text.replace(self._key.get_secret_value(), "***") if self._key else text


def _other(field: MaxTokensField) -> MaxTokensField:
    if field is MaxTokensField.MAX_TOKENS:
        return MaxTokensField.MAX_COMPLETION_TOKENS
    return MaxTokensField.MAX_TOKENS
