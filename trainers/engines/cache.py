"""A key-value cache with room for what is coming.

    cache = roomy_cache(model.config)

transformers' DynamicCache copies all that it holds for every token, which takes a CPU longer than the model
does. This one writes into buffers with room to spare, and its views hold the same numbers. Layers with a
sliding window are left as they are.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 128
"""Tokens that fit before the buffers grow."""


class RoomyLayer(DynamicLayer):
    """One layer's keys and values, [B, H, T, D] each: views of buffers that are longer than T."""

    keys: Tensor
    values: Tensor
    buffers: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self.buffers is None or self.buffers[0].shape[-2] < end:
            self.buffers = (
                _grow(self.keys, key_states, start, end),
                _grow(self.values, value_states, start, end),
            )
        keys, values = self.buffers
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        super().batch_select_indices(indices)
        self.buffers = None


def roomy_cache(config: Any) -> DynamicCache:
    """An empty cache for that model."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def _grow(held: Tensor, coming: Tensor, start: int, end: int) -> Tensor:
    buffer = coming.new_empty(*coming.shape[:-2], end + ROOM, coming.shape[-1])
    if start:
        buffer[..., :start, :] = held
    return buffer
