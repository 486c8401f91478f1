"""Supervised fine-tuning on the kept trajectories: the cold start.

One epoch after another over all conversations, `batch_size` of them a step over all processes, loss on
what the assistant wrote and nothing else. Resuming goes on at the very next batch: batches are a function
of the seed and the step.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from rich.console import Console

from trainers import config as settings
from trainers.batching import Item, shuffled_batches
from trainers.config import Recipe
from trainers.data import Conversation, open_dataset
from trainers.display import progress
from trainers.errors import TrainerError
from trainers.objective import expert_term
from trainers.policy import load_tokenizer
from trainers.runtime import Training, make_accelerator
from trainers.tokens import TokenBuilder, TokenSequence


def train_sft(recipe: Recipe) -> Path:
    """Runs the recipe's `sft` section; returns the exported model's directory."""
    if recipe.sft is None:
        raise TrainerError(f"{recipe.name}: the recipe has no `sft:` section")
    accelerator = make_accelerator(recipe)
    conversations = open_dataset(recipe.data).conversations()
    tokenizer = load_tokenizer(recipe.model, texts_of(conversations))
    sequences = tokenize(conversations, TokenBuilder(tokenizer), max_tokens=recipe.data.max_tokens)
    total_steps = planned_steps(recipe.sft, len(sequences))
    if accelerator.is_main_process:
        Console(stderr=True).print(
            f"{len(sequences):,} of {len(conversations):,} conversations are trained on: "
            f"{total_steps:,} steps of {recipe.sft.batch_size}",
            highlight=False,
        )
    training = Training.start(
        recipe,
        "sft",
        accelerator=accelerator,
        tokenizer=tokenizer,
        optimizer=recipe.sft.optimizer,
        total_steps=total_steps,
    )
    run_sft(training, recipe.sft, sequences, total_steps)
    return training.finish()


def run_sft(
    training: Training, config: settings.Sft, sequences: list[TokenSequence], total_steps: int
) -> None:
    """The steps from the training's state on."""
    state = training.state
    batches = shuffled_batches(
        len(sequences), size=config.batch_size, seed=training.recipe.seed, start=state.step
    )
    with progress("sft", total_steps, state.step, show=training.accelerator.is_main_process) as advance:
        while state.step < total_steps and not training.out_of_time:
            began = time.perf_counter()
            items = [Item(sequences[index]) for index in next(batches)]
            term = expert_term(training.split(training.mine(items)), weight=1.0, weighting=config.weighting)
            result = training.update([term])
            lr = training.schedule.get_last_lr()[0]
            training.schedule.step()
            state.step += 1
            seconds = time.perf_counter() - began
            training.log(
                {
                    **result.metrics,
                    "lr": lr,
                    "epoch": state.step * config.batch_size / len(sequences),
                    "skipped": float(result.skipped),
                    **training.throughput(result.tokens, seconds),
                }
            )
            advance(loss=result.metrics["loss"])
            training.save_if_due(last=state.step == total_steps)
    if state.step < total_steps:
        training.checkpoints.save(state)


def planned_steps(config: settings.Sft, conversations: int) -> int:
    """Optimizer steps of the whole run."""
    steps = max(math.ceil(config.epochs * conversations / config.batch_size), 1)
    return min(steps, config.max_steps) if config.max_steps else steps


def tokenize(
    conversations: list[Conversation], builder: TokenBuilder, *, max_tokens: int
) -> list[TokenSequence]:
    """The conversations that fit, as sequences. Says how many did not, and raises when none did."""
    sequences, malformed = [], 0
    for conversation in conversations:
        try:
            sequences.append(builder.conversation(conversation.messages))
        except ValueError:
            malformed += 1
    fitting = [sequence for sequence in sequences if len(sequence) <= max_tokens]
    if malformed or len(fitting) < len(sequences):
        Console(stderr=True).print(
            f"[yellow]left out of training:[/] {malformed} conversations whose roles do not alternate, "
            f"{len(sequences) - len(fitting)} longer than data.max_tokens={max_tokens}"
        )
    if not fitting:
        raise TrainerError(f"none of the {len(conversations)} conversations can be trained on")
    return fitting


def texts_of(conversations: list[Conversation]) -> list[str]:
    """What a scratch tokenizer learns from."""
    return [message.content for conversation in conversations for message in conversation.messages]
