"""Samples in this process with the weights that are trained: nothing to sync, nothing to start.

Episodes ask one by one; the engine answers in rounds. A round begins when every live episode waits, so
that what is batched together does not depend on timing, and the same seeds give the same rollouts. Its
answers come batch by batch: the sandbox runs the first batch's code while the second is decoded.

Each row draws from its own seed, finished rows leave the batch once they are many, and equal prompts are read
only once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from trainers.engines.base import EngineError, Sample, SampleRequest
from trainers.policy import PolicyModel

LIVELY = 0.75
"""Finished rows leave when no larger share of the batch is alive: leaving copies the cache of all others."""


class HfEngine:
    """Batched decoding with a key-value cache."""

    in_rounds = True

    def __init__(
        self, policy: PolicyModel, *, end_of_turn: int, pad_id: int, max_batch: int, autocast: Any = None
    ) -> None:
        self._policy = policy
        self._end = end_of_turn
        self._pad = pad_id
        self._max_batch = max_batch
        self._autocast = autocast or contextlib.nullcontext
        self._live = 0
        self._waiting: list[tuple[SampleRequest, asyncio.Future[Sample]]] = []
        self._rounds: asyncio.Task[None] | None = None
        # One thread of its own: the event loop stays free to run sandboxes while tokens are decoded.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decode")

    @contextlib.asynccontextmanager
    async def episode(self) -> AsyncIterator[None]:
        self._live += 1
        try:
            yield
        finally:
            self._live -= 1
            self._begin_round_if_all_wait()

    async def sample(self, request: SampleRequest) -> Sample:
        future: asyncio.Future[Sample] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._begin_round_if_all_wait()
        return await future

    async def logprobs(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._score, sequences)

    async def sync(self, step: int, state: dict[str, Tensor] | None = None) -> None:
        """The weights are the trainer's own."""

    async def close(self) -> None:
        self._thread.shutdown()

    def _begin_round_if_all_wait(self) -> None:
        if self._waiting and len(self._waiting) >= self._live and self._rounds is None:
            self._rounds = asyncio.create_task(self._round())

    async def _round(self) -> None:
        waiting, self._waiting = self._waiting, []
        waiting.sort(key=lambda pair: (len(pair[0].ids), pair[0].ids, pair[0].seed))
        loop = asyncio.get_running_loop()
        for start in range(0, len(waiting), self._max_batch):
            batch = waiting[start : start + self._max_batch]
            try:
                samples = await loop.run_in_executor(self._thread, self._decode, [pair[0] for pair in batch])
            except Exception as error:
                failure = EngineError(f"decoding failed: {error}")
                failure.__cause__ = error
                for _, future in batch:
                    future.set_exception(failure)
                continue
            for (_, future), sample in zip(batch, samples, strict=True):
                if not future.cancelled():
                    future.set_result(sample)
        self._rounds = None
        self._begin_round_if_all_wait()

    # --- in the decoding thread ------------------------------------------------------------------

    def _decode(self, requests: Sequence[SampleRequest]) -> list[Sample]:
        with _evaluating(self._policy), torch.no_grad(), self._autocast():
            return _Decoder(self._policy.language_model, requests, end=self._end, pad=self._pad).run()

    def _score(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        scores = []
        with _evaluating(self._policy), torch.no_grad(), self._autocast():
            for sequence in sequences:
                ids = torch.tensor([sequence], device=next(self._policy.parameters()).device)
                output = self._policy.language_model(input_ids=ids, use_cache=False)
                logps = output.logits[0].float().log_softmax(-1)
                scores.append(logps[:-1].gather(-1, ids[0, 1:, None])[:, 0].tolist())
        return scores


@contextlib.contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


class _Decoder:
    """One batch, from its prompts to its last finished row."""

    def __init__(self, model: Any, requests: Sequence[SampleRequest], *, end: int, pad: int) -> None:
        self.model = model
        self.end = end
        self.pad = pad
        self.requests = requests
        self.device = model.device
        self.ids: list[list[int]] = [[] for _ in requests]
        self.logprobs: list[list[float]] = [[] for _ in requests]

    def run(self) -> list[Sample]:
        rows = list(range(len(self.requests)))
        logits, cache, mask = self._read_prompts()
        temperatures = torch.tensor([r.temperature for r in self.requests], device=self.device)
        top_ps = torch.tensor([r.top_p for r in self.requests], device=self.device)
        uniforms = _uniforms(self.requests).to(self.device)
        for position in range(max(request.max_tokens for request in self.requests)):
            heat = temperatures[rows]
            logps = torch.log_softmax(logits.float() / heat.where(heat > 0, 1.0)[:, None], -1)
            chosen = _draw(logps, uniforms[rows, position], top_ps[rows]).where(heat > 0, logps.argmax(-1))
            for row, token, logp in zip(
                rows, chosen.tolist(), logps.gather(-1, chosen[:, None])[:, 0].tolist(), strict=True
            ):
                if not self._finished(row):
                    self.ids[row].append(token)
                    self.logprobs[row].append(logp)
            alive = [i for i, row in enumerate(rows) if not self._finished(row)]
            if not alive:
                break
            if len(alive) <= LIVELY * len(rows):
                keep = torch.tensor(alive, device=self.device)
                cache.batch_select_indices(keep)
                mask, chosen = mask[keep], chosen[keep]
                rows = [rows[i] for i in alive]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], -1)
            logits = self.model(
                input_ids=chosen[:, None],
                attention_mask=mask,
                position_ids=mask.sum(-1, keepdim=True) - 1,
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
        return [
            Sample(tuple(ids), tuple(logprobs), "stop" if ids[-1] == self.end else "length")
            for ids, logprobs in zip(self.ids, self.logprobs, strict=True)
        ]

    def _finished(self, row: int) -> bool:
        ids = self.ids[row]
        return len(ids) >= self.requests[row].max_tokens or ids[-1:] == [self.end]

    def _read_prompts(self) -> tuple[Tensor, Any, Tensor]:
        """Next-token logits [B, V], the cache, and the attention mask [B, T] of the left-padded prompts."""
        from trainers.engines.cache import roomy_cache

        unique = list(dict.fromkeys(request.ids for request in self.requests))
        width = max(map(len, unique))
        ids = torch.tensor([[self.pad] * (width - len(u)) + list(u) for u in unique], device=self.device)
        mask = torch.tensor([[0] * (width - len(u)) + [1] * len(u) for u in unique], device=self.device)
        cache = roomy_cache(self.model.config)
        logits = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        places = {prompt: index for index, prompt in enumerate(unique)}
        spread = torch.tensor([places[request.ids] for request in self.requests], device=self.device)
        cache.batch_select_indices(spread)
        return logits[spread], cache, mask[spread]


def _uniforms(requests: Sequence[SampleRequest]) -> Tensor:
    """[B, most tokens]: each row's draws come from its own seed."""
    most = max(request.max_tokens for request in requests)
    generators = [torch.Generator().manual_seed(request.seed) for request in requests]
    return torch.stack([torch.rand(most, generator=own, dtype=torch.float64) for own in generators])


def _draw(logps: Tensor, uniforms: Tensor, top_ps: Tensor) -> Tensor:
    """One id a row by inverting the cumulative distribution, most likely first where top-p cuts."""
    if bool((top_ps >= 1).all()):
        cumulative = logps.double().exp().cumsum(-1)
        target = uniforms[:, None] * cumulative[:, -1:]
        return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=logps.shape[-1] - 1)
    ordered, indices = logps.double().exp().sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    cumulative = ordered.where(before < top_ps[:, None], 0.0).cumsum(-1)
    target = uniforms[:, None] * cumulative[:, -1:]
    place = torch.searchsorted(cumulative, target, right=True).clamp(max=logps.shape[-1] - 1)
    return indices.gather(-1, place)[:, 0]
