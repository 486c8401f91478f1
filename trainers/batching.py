"""From token sequences to micro-batches: length buckets with padding, or packing without.

A micro-batch holds, besides the ids, flat tensors [N] with one entry a trained token. The one shift from
a token to the position that predicts it is here: token `j` of a sequence is predicted at position `j - 1`.

Packing puts sequences in one row with positions that start again at 0 and no attention mask; transformers
then attends within each sequence only. That holds with `use_cache=False` alone (with a cache the
sequences silently see each other), which `policy.py` sets and a test watches.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import Literal, Self

import torch
from torch import Tensor

from trainers.tokens import TokenSequence


@dataclass(frozen=True, slots=True)
class Item:
    """A sequence with what its loss needs."""

    tokens: TokenSequence
    advantage: float = 0.0
    old_logps: Tensor | None = None
    """Of its trained tokens, by the policy that sampled them; None where that is the policy as it is."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """B rows of T ids, and N trained tokens of them in row order."""

    ids: Tensor
    """[B, T]"""
    positions: Tensor
    """[B, T]"""
    attention: Tensor | None
    """[B, T]; None when packed."""
    predictors: Tensor
    """[N], indices into B·T: where each trained token is predicted."""
    targets: Tensor
    """[N], the trained ids."""
    advantages: Tensor
    """[N]"""
    old_logps: Tensor
    """[N]; NaN where an item has none."""
    sampled_logps: Tensor
    """[N], the engine's."""
    lengths: tuple[int, ...]
    """Trained tokens of each sequence, in order: splits any [N] tensor by sequence."""
    order: tuple[int, ...]
    """Each sequence's index among the items that were split."""

    def to(self, device: torch.device) -> Self:
        moved = {
            field.name: value.to(device, non_blocking=True)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **moved)


def collate(items: Sequence[Item], *, packed: bool, pad_id: int, order: Sequence[int] = ()) -> MicroBatch:
    """One micro-batch of the items, in their order."""
    sequences = [item.tokens for item in items]
    if packed:
        starts = [0, *accumulate(len(sequence) for sequence in sequences[:-1])]
        ids = torch.tensor([[i for sequence in sequences for i in sequence.ids]])
        positions = torch.tensor([[p for sequence in sequences for p in range(len(sequence))]])
        attention = None
    else:
        width = max(len(sequence) for sequence in sequences)
        starts = [row * width for row in range(len(sequences))]
        ids = torch.full((len(sequences), width), pad_id)
        attention = torch.zeros((len(sequences), width), dtype=torch.long)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = torch.tensor(sequence.ids)
            attention[row, : len(sequence)] = 1
        positions = torch.arange(width).expand(len(sequences), width)
    predictors, targets, sampled = [], [], []
    for start, sequence in zip(starts, sequences, strict=True):
        for j, trained in enumerate(sequence.mask):
            if trained:
                predictors.append(start + j - 1)
                targets.append(sequence.ids[j])
                sampled.append(sequence.logprobs[j])
    lengths = tuple(sequence.trained for sequence in sequences)
    return MicroBatch(
        ids=ids,
        positions=positions,
        attention=attention,
        predictors=torch.tensor(predictors, dtype=torch.long),
        targets=torch.tensor(targets, dtype=torch.long),
        advantages=torch.tensor([item.advantage for item in items]).repeat_interleave(torch.tensor(lengths)),
        old_logps=torch.cat([_old_logps(item) for item in items]),
        sampled_logps=torch.tensor(sampled),
        lengths=lengths,
        order=tuple(order) or tuple(range(len(items))),
    )


def _old_logps(item: Item) -> Tensor:
    return torch.full((item.tokens.trained,), torch.nan) if item.old_logps is None else item.old_logps


def split(
    items: Sequence[Item], *, mode: Literal["buckets", "packed"], max_tokens: int, pad_id: int
) -> list[MicroBatch]:
    """Micro-batches of at most `max_tokens` tokens, padding included; a longer sequence goes alone."""
    groups: list[list[int]] = []
    total = 0
    for index in sorted(range(len(items)), key=lambda index: len(items[index].tokens)):
        length = len(items[index].tokens)
        total += length
        size = total if mode == "packed" else length * (len(groups[-1]) + 1 if groups else 1)
        if not groups or size > max_tokens:
            groups.append([])
            total = length
        groups[-1].append(index)
    packed = mode == "packed"
    return [
        collate([items[index] for index in group], packed=packed, pad_id=pad_id, order=group)
        for group in groups
    ]


def shuffled_batches(count: int, *, size: int, seed: int, start: int = 0) -> Iterator[list[int]]:
    """Endless batches of indices below `count`, epoch after epoch, from batch `start` on.

    A pure function of its arguments, so a resumed run goes on where it was by counting its steps. A batch
    may span two epochs; within an epoch every index comes once.
    """
    if count < 1:
        raise ValueError("nothing to draw batches from")
    position = start * size
    while True:
        batch: list[int] = []
        while len(batch) < size:
            epoch, offset = divmod(position, count)
            taken = _order(count, seed, epoch)[offset : offset + size - len(batch)]
            batch += taken
            position += len(taken)
        yield batch


def _order(count: int, seed: int, epoch: int) -> list[int]:
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return order
