"""Small models, tokenizers and conversations made on the spot, for the trainer's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from datamind_gen.rows import Message
from trainers.batching import Item
from trainers.config import Model, Scratch
from trainers.policy import CHATML, PolicyModel, load_policy, train_tokenizer
from trainers.tokens import TokenBuilder, TokenSequence

PROMPT = (
    Message("system", "You answer questions about tables."),
    Message("user", "How many rows has sales.csv?"),
)
CONVERSATION = (
    *PROMPT,
    Message("assistant", "<think>Count the rows.</think>\n<code>\nprint(len(df))\n</code>"),
    Message("user", "<interpreter>\nThe code run successfully:\n12\n</interpreter>"),
    Message("assistant", "<think>There are 12.</think>\n<answer>12</answer>"),
)
TEXTS = [message.content for message in CONVERSATION] + ["0123456789 abcdefghijklmnopqrstuvwxyz <|>"]


def make_tokenizer(vocabulary: int = 320) -> Any:
    return train_tokenizer(TEXTS, vocabulary=vocabulary)


def hostile_tokenizer(*, flagged: bool = True, template: str = CHATML, extra: tuple[str, ...] = ()) -> Any:
    """Whole words beside their letters: every word has many encodings, and decoding joins them again.

    `flagged=False` adds the control tokens without the special flag, as some released models do.
    """
    words = ["answer", "ans", "wer", "print", "row", "rows", "in", "12", "</answer>", "</code>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(words * 5, trainer)
    controls = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *extra)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=template)
    wrapped.add_tokens([AddedToken(text, special=flagged, normalized=False) for text in controls])
    wrapped.pad_token = "<|endoftext|>"
    wrapped.eos_token = "<|im_end|>"
    return wrapped


def make_policy(
    tokenizer: Any, *, seed: int = 0, width: int = 32, layers: int = 2, tie: bool = True, **model: Any
) -> PolicyModel:
    scratch = Scratch(vocabulary=512, width=width, layers=layers, heads=2, tie_embeddings=tie)
    return load_policy(Model(scratch=scratch, precision="fp32", **model), tokenizer, seed=seed)


def random_items(
    builder: TokenBuilder, lengths: list[int], *, seed: int = 0, masked_row: int | None = None
) -> list[Item]:
    """Sequences of random ids and masks, with advantages and old log-probabilities."""
    generator = torch.Generator().manual_seed(seed)
    items = []
    for row, length in enumerate(lengths):
        ids = torch.randint(3, len(builder.tokenizer), (length,), generator=generator).tolist()
        mask = (torch.rand(length, generator=generator) < 0.6).int().tolist()
        mask[0] = 0
        mask[-1] = 1
        if row == masked_row:
            mask = [0] * length
        tokens = TokenSequence(ids, mask, [0.0] * length, 1, builder)
        old = torch.randn(tokens.trained, generator=generator) * 0.3 - 5.5
        advantage = torch.randn(1, generator=generator).item()
        items.append(Item(tokens, advantage, old))
    return items


def make_accelerator() -> Accelerator:
    return Accelerator(cpu=True, mixed_precision="no")


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def save_jsonl(path: Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
