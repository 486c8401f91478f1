"""Samples from a vLLM server over HTTP, with token ids in and out. vLLM itself is not imported.

Start the server in an environment of its own (docs/training.md has the whole command):

    VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 python -m vllm.entrypoints.openai.api_server \\
        --model MODEL --logprobs-mode processed_logprobs [--enable-lora]

Weights reach it through a directory that both see: a LoRA adapter under a new name for each step, or the
whole model by `reload_weights`. It is paused meanwhile, and its prefix cache is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from torch import Tensor

from trainers.config import Engine
from trainers.engines.base import EngineError, Sample, SampleRequest
from trainers.policy import PolicyModel, export
from trainers.tokens import TokenBuilder


class VllmEngine:
    """A client of one vLLM server. `sends_weights` on one process only."""

    in_rounds = False

    def __init__(
        self, config: Engine, policy: PolicyModel | None, builder: TokenBuilder, *, sends_weights: bool
    ) -> None:
        assert config.url is not None
        assert config.served_model is not None
        self._config = config
        self._policy = policy
        self._builder = builder
        self._sends_weights = sends_weights
        self._model = config.served_model
        limits = httpx.Limits(max_connections=None)
        self._http = httpx.AsyncClient(base_url=config.url, timeout=config.timeout_s, limits=limits)

    @contextlib.asynccontextmanager
    async def episode(self) -> AsyncIterator[None]:
        yield

    async def sample(self, request: SampleRequest) -> Sample:
        body = {
            "model": self._model,
            "prompt": list(request.ids),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed % 2**31,
            "logprobs": 0,
            "return_token_ids": True,
            "stop_token_ids": [self._builder.end_of_turn],
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
        }
        choice = (await self._post("/v1/completions", body))["choices"][0]
        ids, logprobs = choice.get("token_ids"), (choice.get("logprobs") or {}).get("token_logprobs")
        if not ids or logprobs is None or len(ids) != len(logprobs):
            raise EngineError(f"{self._config.url}: no token ids with log-probabilities; vLLM 0.10.2+")
        finish = "length" if choice["finish_reason"] == "length" else "stop"
        return Sample(tuple(ids), tuple(logprobs), finish)

    async def logprobs(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        return list(await asyncio.gather(*(self._score(sequence) for sequence in sequences)))

    async def _score(self, ids: Sequence[int]) -> list[float]:
        body = {"model": self._model, "prompt": list(ids), "max_tokens": 1, "prompt_logprobs": 0}
        choice = (await self._post("/v1/completions", body))["choices"][0]
        scored = choice["prompt_logprobs"][1:]
        return [entry[str(token)]["logprob"] for token, entry in zip(ids[1:], scored, strict=True)]

    async def sync(self, step: int, state: dict[str, Tensor] | None = None) -> None:
        if self._policy is None:
            return
        lora = hasattr(self._policy.causal, "peft_config")
        name = f"policy-{step}"
        if self._sends_weights:
            assert self._config.sync_dir is not None
            folder = Path(self._config.sync_dir).resolve() / name
            export(self._policy, self._builder.tokenizer, folder, state=state)
            await self._post("/pause?mode=keep", None)
            try:
                await (self._load_adapter(name, folder) if lora else self._reload(folder))
                await self._post("/reset_prefix_cache", None)
            finally:
                await self._post("/resume", None)
            for old in folder.parent.glob("policy-*"):
                if old != folder:
                    shutil.rmtree(old)
        if lora:
            self._model = name

    async def _load_adapter(self, name: str, folder: Path) -> None:
        previous = self._model
        await self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
        if previous != self._config.served_model:
            await self._post("/v1/unload_lora_adapter", {"lora_name": previous})

    async def _reload(self, folder: Path) -> None:
        order = {"method": "reload_weights", "kwargs": {"weights_path": str(folder)}}
        await self._post("/collective_rpc", order)

    async def close(self) -> None:
        await self._http.aclose()

    async def _post(self, path: str, body: dict[str, Any] | None) -> Any:
        """The reply's JSON, or its text (some of vLLM's routes answer in words)."""
        try:
            response = await self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise EngineError(f"{self._config.url}{path}: {type(error).__name__}: {error}") from error
        if response.status_code != 200:
            raise EngineError(f"{self._config.url}{path}: {response.status_code}: {response.text[:500]}")
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.json() if is_json else response.text
