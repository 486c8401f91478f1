"""vLLM in this process, on its asynchronous engine: requests join and leave the running batch freely.

Needs the `vllm` extra. The engine loads at the first request, in a thread, and is shared by all roles
with the same settings. vLLM's own server (docs/models.md) is the better way for several machines or
runs; this one is for a single node without a port.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import itertools
import json
import logging
from typing import Any

from datamind_gen.models.base import ChatReply, ChatRequest, ErrorKind, FinishReason, ProviderError
from datamind_gen.models.settings import VLLMSettings
from datamind_gen.rows import Usage

log = logging.getLogger(__name__)


class VLLMEngine:
    """One model in this process. Safe to call from many tasks of one event loop."""

    def __init__(self, settings: VLLMSettings) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise ImportError('provider vllm needs vLLM: pip install "datamind-gen[vllm]"')
        self.endpoint = settings.endpoint
        self.model = settings.model
        self._settings = settings
        self._loading = asyncio.Lock()
        self._engine: Any = None
        self._tokenizer: Any = None
        self._context = 0
        self._numbers = itertools.count()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The reply. Raises ProviderError."""
        engine = await self._load()
        prompt = self._render(request)
        room = self._context - len(prompt)
        if room < 1:
            raise ProviderError(
                ErrorKind.CONTEXT_OVERFLOW, f"{len(prompt)} prompt tokens; the context holds {self._context}"
            )
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                final = await self._generate(engine, prompt, self._sampling(request, room))
        except TimeoutError:
            wait = self._settings.request_timeout_s
            raise ProviderError(ErrorKind.TIMEOUT, f"no whole reply within {wait:g} s") from None
        except (ValueError, TypeError) as error:
            raise ProviderError(ErrorKind.BAD_REQUEST, str(error)) from error
        output = final.outputs[0]
        return ChatReply(
            text=output.text,
            finish_reason=_finish_reason(output.finish_reason),
            usage=Usage(prompt_tokens=len(final.prompt_token_ids), completion_tokens=len(output.token_ids)),
            served_model=self.model,
        )

    async def close(self) -> None:
        if self._engine is not None:
            await asyncio.to_thread(self._engine.shutdown)
            self._engine = None

    async def _load(self) -> Any:
        async with self._loading:
            if self._engine is None:
                log.info("vLLM loads %s", self.model)
                engine = await asyncio.to_thread(self._start)
                tokenizer = engine.get_tokenizer()
                self._tokenizer = await tokenizer if inspect.isawaitable(tokenizer) else tokenizer
                self._context = engine.model_config.max_model_len
                self._engine = engine
        return self._engine

    def _start(self) -> Any:
        """Imports and loads: most of a minute, in which the loop must not stand still."""
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        return AsyncLLM.from_engine_args(AsyncEngineArgs(model=self.model, **self._settings.engine))

    def _render(self, request: ChatRequest) -> list[int]:
        messages = [{"role": entry.role, "content": entry.content} for entry in request.messages]
        ids: list[int] = self._tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
            **self._settings.chat_template,
        )
        return ids

    def _sampling(self, request: ChatRequest, room: int) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        sampling = request.sampling
        named = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
        structured = None
        if sampling.json_schema is not None:
            structured = StructuredOutputsParams(json=json.loads(sampling.json_schema))
        return SamplingParams(
            max_tokens=min(sampling.max_tokens or room, room),
            stop=list(sampling.stop),
            structured_outputs=structured,
            output_kind=RequestOutputKind.FINAL_ONLY,
            **{name: value for name, value in named.items() if value is not None},
        )

    async def _generate(self, engine: Any, prompt: list[int], sampling: Any) -> Any:
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        final = None
        try:
            request_id = f"datamind-{next(self._numbers)}"
            async for output in engine.generate({"prompt_token_ids": prompt}, sampling, request_id):
                final = output
        except EngineDeadError as error:
            raise ProviderError(ErrorKind.NOT_FOUND, f"the vLLM engine died: {error}") from error
        except EngineGenerateError as error:
            raise ProviderError(ErrorKind.OVERLOADED, f"vLLM: {error.__cause__ or error}") from error
        if final is None or not final.outputs:
            raise ProviderError(ErrorKind.MALFORMED, "vLLM ended the request without an output")
        return final


def _finish_reason(value: str | None) -> FinishReason:
    if value in ("stop", "length"):
        return FinishReason(value)
    return FinishReason.OTHER
