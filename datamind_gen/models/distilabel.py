"""Any of distilabel's LLM classes, by dotted name.

For providers that only distilabel has a class for; `openai` is the better way to whatever speaks
OpenAI's protocol. distilabel's classes report no finish reason (every reply counts as OTHER), and take
differing parameters: what a class does not take is named in a warning, once. distilabel is imported
when a role names it, and not before.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
from collections.abc import Callable
from typing import Any

import httpx
import openai

from datamind_gen.models.base import ChatReply, ChatRequest, ErrorKind, FinishReason, ProviderError
from datamind_gen.models.openai_wire import kind_of_status, read_error
from datamind_gen.models.settings import DistilabelSettings, Structured
from datamind_gen.rows import Usage

log = logging.getLogger(__name__)

PARAMETER_NAMES = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_new_tokens", "max_tokens"),
    "stop": ("stop", "stop_sequences"),
    "seed": ("seed",),
}


class DistilabelChat:
    """One of distilabel's LLMs. An AsyncLLM's requests run side by side; others in threads."""

    def __init__(self, settings: DistilabelSettings) -> None:
        self.endpoint = settings.endpoint
        self.model = settings.model_name
        self._settings = settings
        self._llm = _instance(settings)
        self._is_async = hasattr(self._llm, "agenerate")
        self._call: Callable[..., Any] = self._llm.agenerate if self._is_async else self._llm.generate
        self._takes = set(inspect.signature(self._call).parameters)
        self._ignored: set[str] = set()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The reply. Raises ProviderError."""
        messages = [{"role": entry.role, "content": entry.content} for entry in request.messages]
        arguments = self._arguments(request)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                if self._is_async:
                    output = await self._call(input=messages, **arguments)
                else:
                    output = (await asyncio.to_thread(self._call, inputs=[messages], **arguments))[0]
        except TimeoutError:
            wait = self._settings.request_timeout_s
            raise ProviderError(ErrorKind.TIMEOUT, f"no whole reply within {wait:g} s") from None
        except Exception as error:  # a hundred libraries' own errors come through here
            raise _provider_error(error) from None
        return _read_output(output, self.model)

    async def close(self) -> None:
        self._llm.unload()

    def _arguments(self, request: ChatRequest) -> dict[str, Any]:
        sampling = request.sampling
        wanted = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
            "json_schema": sampling.json_schema,
        }
        arguments = dict(self._llm.generation_kwargs or {})
        for name, value in wanted.items():
            if value is None:
                continue
            taken = next((known for known in PARAMETER_NAMES.get(name, ()) if known in self._takes), None)
            if taken is not None:
                arguments[taken] = value
            elif name == "json_schema" and self._settings.structured is not Structured.ON:
                continue  # sent where it is taken, and not missed elsewhere
            elif name not in self._ignored:
                self._ignored.add(name)
                log.warning("%s takes no %s; it is ignored", self._settings.llm_class, name)
        return arguments


def _instance(settings: DistilabelSettings) -> Any:
    module_name, _, class_name = settings.llm_class.rpartition(".")
    from distilabel.models.llms.base import LLM

    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"class: {settings.llm_class}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, LLM)):
        raise ValueError(f"class: {settings.llm_class} is not one of distilabel's LLM classes")
    arguments = dict(settings.arguments)
    if "max_retries" in getattr(found, "model_fields", {}):
        arguments.setdefault("max_retries", 0)
    try:
        llm = found(**arguments)
        llm.load()
    except Exception as error:
        raise ValueError(f"class: {settings.llm_class}: {error}") from error
    return llm


def _read_output(output: Any, model: str) -> ChatReply:
    text = output["generations"][0] if output["generations"] else None
    if not text:
        raise ProviderError(ErrorKind.MALFORMED, "an empty text")
    statistics = output.get("statistics") or {}
    return ChatReply(
        text=text,
        finish_reason=FinishReason.OTHER,
        usage=Usage(
            prompt_tokens=_count(statistics.get("input_tokens")),
            completion_tokens=_count(statistics.get("output_tokens")),
        ),
        served_model=model,
    )


def _count(values: list[int] | None) -> int | None:
    """distilabel writes 0 where it does not know."""
    return (values[0] or None) if values else None


def _provider_error(error: Exception) -> ProviderError:
    if isinstance(error, openai.OpenAIError | httpx.HTTPError):
        return read_error(error)
    detail = f"{type(error).__name__}: {error}"[:600]
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return ProviderError(kind_of_status(status, detail), detail)
    if isinstance(error, ConnectionError):
        return ProviderError(ErrorKind.CONNECTION, detail)
    if isinstance(error, ValueError | TypeError):
        return ProviderError(ErrorKind.BAD_REQUEST, detail)
    return ProviderError(ErrorKind.OVERLOADED, detail)
