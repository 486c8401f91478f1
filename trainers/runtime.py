"""What SFT and RL share: processes, model, optimizer, schedule, checkpoints, trackers.

training = Training.start(recipe, "sft", total_steps=…, …)
training.finish()
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate.utils import gather_object
from torch import Tensor
from transformers import get_scheduler

from datamind_gen.rows import hash_text
from trainers import config as settings
from trainers.batching import Item, MicroBatch, split
from trainers.checkpoint import Checkpoints, TrainerState
from trainers.config import Recipe
from trainers.errors import TrainerError
from trainers.objective import StepResult, Term, fill_up, step, sum_over_processes
from trainers.policy import PolicyModel, export, load_policy
from trainers.tokens import TokenBuilder
from trainers.tracking import open_trackers

T = TypeVar("T")

PLACE_AND_PACE = {"out", "max_seconds", "hub_model_id", "processes", "device"}
WATCHING = {"evaluate", "checkpoints", "tracking"}
"""What of a recipe may change between a stop and going on."""


@dataclass(slots=True)
class Training:
    """A run in progress."""

    recipe: Recipe
    directory: Path
    accelerator: Any
    builder: TokenBuilder
    policy: PolicyModel
    """On this process, without DDP or FSDP around it."""
    model: Any
    """What to call for a training forward."""
    optimizer: Any
    schedule: Any
    checkpoints: Checkpoints
    state: TrainerState
    max_grad_norm: float
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def start(
        cls,
        recipe: Recipe,
        verb: str,
        *,
        accelerator: Any,
        tokenizer: Any,
        optimizer: settings.Optimizer,
        total_steps: int,
        weights: str | None = None,
    ) -> Training:
        """Loads or makes the model and resumes the run's last checkpoint, if there is one."""
        directory = recipe.directory / verb
        random.seed(recipe.seed)
        torch.manual_seed(recipe.seed)
        policy = load_policy(recipe.model, tokenizer, path=weights, seed=recipe.seed)
        raw_optimizer = torch.optim.AdamW(
            _parameter_groups(policy, optimizer.weight_decay), lr=optimizer.lr, betas=optimizer.betas
        )
        schedule = get_scheduler(
            "constant_with_warmup" if optimizer.schedule == "constant" else optimizer.schedule,
            raw_optimizer,
            num_warmup_steps=round(optimizer.warmup * (1 if optimizer.warmup >= 1 else total_steps)),
            num_training_steps=total_steps,
        )
        model, prepared = accelerator.prepare(policy, raw_optimizer)
        accelerator.register_for_checkpointing(schedule)
        checkpoints = Checkpoints(accelerator, directory, recipe.checkpoints, policy=policy)
        fingerprint = _fingerprint(recipe, verb)
        state = checkpoints.resume(fingerprint) or TrainerState(fingerprint=fingerprint)
        if accelerator.is_main_process:
            recipe.save(directory)
        open_trackers(accelerator, recipe, directory, verb=verb, after_step=state.step)
        return cls(
            recipe=recipe,
            directory=directory,
            accelerator=accelerator,
            builder=TokenBuilder(tokenizer),
            policy=policy,
            model=model,
            optimizer=prepared,
            schedule=schedule,
            checkpoints=checkpoints,
            state=state,
            max_grad_norm=optimizer.max_grad_norm,
        )

    def split(self, items: Sequence[Item]) -> list[MicroBatch]:
        """Micro-batches of this process's items."""
        batching = self.recipe.batching
        pad_id = self.builder.tokenizer.pad_token_id
        return split(items, mode=batching.mode, max_tokens=batching.max_tokens, pad_id=pad_id)

    def mine(self, things: Sequence[T]) -> list[T]:
        """This process's share of things that every process holds."""
        return list(things[self.accelerator.process_index :: self.accelerator.num_processes])

    def token_logps(self, items: Sequence[Item], *, temperature: float) -> list[Tensor]:
        """Log-probabilities of each item's trained tokens by the policy as it is, without gradient."""
        batches = fill_up(self.accelerator, self.split(items))
        found: list[Tensor] = [torch.zeros(0)] * len(items)
        self.model.eval()
        with torch.no_grad():
            for batch in batches:
                logps = self.model(batch.to(self.accelerator.device), temperature)[0].float().cpu()
                for index, part in zip(batch.order, logps.split(batch.lengths), strict=True):
                    found[index] = part
        return found

    def gather(self, values: list[Any]) -> list[Any]:
        """Every process's values, on every process."""
        if self.accelerator.num_processes == 1:
            return values
        gathered: list[Any] = gather_object(values)
        return gathered

    def sum_over_processes(self, values: Sequence[float]) -> list[float]:
        return sum_over_processes(self.accelerator, values)

    def update(self, terms: Sequence[Term]) -> StepResult:
        return step(self.accelerator, self.model, self.optimizer, terms, max_grad_norm=self.max_grad_norm)

    def log(self, values: dict[str, float]) -> None:
        """Hands numbers of the current step to every tracker."""
        self.accelerator.log(values, step=self.state.step)

    @property
    def out_of_time(self) -> bool:
        """Whether `max_seconds` are over on any process, so that all stop at the same step."""
        limit = self.recipe.max_seconds
        if limit is None:
            return False
        over = torch.tensor(int(time.monotonic() - self.began > limit), device=self.accelerator.device)
        return bool(self.accelerator.reduce(over, reduction="sum"))

    def save_if_due(self, *, last: bool) -> None:
        if last or self.state.step % self.recipe.checkpoints.every == 0:
            self.checkpoints.save(self.state)

    def throughput(self, tokens: int, seconds: float) -> dict[str, float]:
        """Tokens per second, and the share of the devices' peak where the recipe gives it.

        Model FLOPs are 6 per weight and token: attention, small at these lengths, is not counted.
        """
        values = {"tokens_per_second": tokens / seconds}
        peak = self.recipe.tracking.peak_tflops
        if peak is not None:
            weights = sum(parameter.numel() for parameter in self.policy.parameters())
            values["mfu"] = 6 * weights * tokens / seconds / (peak * 1e12 * self.accelerator.num_processes)
        if self.accelerator.device.type == "cuda":
            values["peak_memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
        return values

    def whole_state(self) -> dict[str, Tensor] | None:
        """The whole weights, gathered, where each process holds a part; None where it holds them all."""
        if self.accelerator.distributed_type in ("FSDP", "DEEPSPEED"):
            whole: dict[str, Tensor] = self.accelerator.get_state_dict(self.model)
            return whole
        return None

    def export(self, name: str = "model") -> Path:
        """Writes the model as a Hugging Face directory; every process must call it."""
        target = self.directory / name
        gathered = self.whole_state()
        if self.accelerator.is_main_process:
            export(self.policy, self.builder.tokenizer, target, state=gathered)
        self.accelerator.wait_for_everyone()
        return target

    def finish(self) -> Path:
        """Exports, pushes if asked, and closes the trackers."""
        target = self.export()
        if self.recipe.hub_model_id and self.accelerator.is_main_process:
            push(target, self.recipe.hub_model_id)
        self.accelerator.end_training()
        return target


def make_accelerator(recipe: Recipe) -> Any:
    """The processes of this run. Raises TrainerError where their number is not the one asked for."""
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    from transformers.utils import logging as transformers_logging

    # Bars for files of a second, and a line a save that tied weights are stored once: noise.
    transformers_logging.disable_progress_bar()
    logging.getLogger("accelerate.utils.other").setLevel(logging.ERROR)
    asked = recipe.processes or int(os.environ.get("WORLD_SIZE", "1"))
    precision = recipe.model.precision
    mixed = "no" if precision == "fp32" else precision  # YAML reads a bare no as false
    accelerator = Accelerator(mixed_precision=mixed, cpu=recipe.device == "cpu")
    if accelerator.num_processes != asked:
        raise TrainerError(
            f"{accelerator.num_processes} process(es) run, {asked} were asked for. Start with `accelerate "
            f"launch --num_processes {asked} -m trainers …`; on CPU with `torchrun --standalone "
            f"--nproc_per_node {asked} -m trainers …`, because accelerate's launcher may start one only"
        )
    set_seed(recipe.seed)
    return accelerator


def push(directory: Path, repo_id: str) -> None:
    """Uploads a model directory to the Hub."""
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repo_id, exist_ok=True)
    api.upload_folder(repo_id=repo_id, folder_path=directory)


def _parameter_groups(policy: PolicyModel, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases and norms do not."""
    trainable = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


def _fingerprint(recipe: Recipe, verb: str) -> str:
    other = {"sft": "rl", "rl": "sft"}[verb]
    plain = recipe.model_dump(mode="json", exclude=PLACE_AND_PACE | WATCHING | {other})
    return hash_text(json.dumps(plain, sort_keys=True))[:16]


def export_merged(recipe: Recipe) -> Path:
    """Folds the last trained LoRA adapter into whole weights, beside the run's model."""
    from trainers.policy import load_tokenizer

    trained = [recipe.directory / verb / "model" for verb in ("rl", "sft")]
    source = next((path for path in trained if (path / "adapter_config.json").is_file()), None)
    if source is None:
        raise TrainerError(f"{recipe.directory}: no LoRA adapter is trained there; other models are whole")
    tokenizer = load_tokenizer(recipe.model.model_copy(update={"path": str(source), "scratch": None}), [])
    policy = load_policy(recipe.model, tokenizer, path=str(source))
    target = source.with_name("model-merged")
    export(policy, tokenizer, target, state=None, merge=True)
    return target
