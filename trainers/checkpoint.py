"""Checkpoints that a kill at any moment cannot spoil, and going on from the last good one.

    checkpoints = Checkpoints(accelerator, directory, config, policy=policy)
    state = checkpoints.resume()         # None, or the TrainerState of the last complete checkpoint
    checkpoints.save(state)

A checkpoint is written beside its place, flushed to disk and then renamed, so a directory with a
checkpoint's name is always whole. It holds accelerate's state (weights, optimizer, schedule, random
states of each process) and `trainer_state.json`. A LoRA run's holds the adapter, not the base weights.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainers import config as settings
from trainers.errors import TrainerError


@dataclass(slots=True)
class TrainerState:
    """What the loops need to go on; the same on every process."""

    step: int = 0
    fingerprint: str = ""
    """Of the parts of the recipe that decide the result: another one is refused."""
    drawn: int = 0
    """Prompts that RL has drawn from its stream."""
    surplus: list[Any] = field(default_factory=list)
    """Groups that dynamic sampling kept for the next step, as JSON."""


class Checkpoints:
    """The checkpoints of a run's directory."""

    def __init__(
        self, accelerator: Any, directory: Path, config: settings.Checkpoints, *, policy: Any
    ) -> None:
        self._accelerator = accelerator
        self._directory = directory / "checkpoints"
        self._config = config
        if hasattr(policy.causal, "peft_config"):
            _save_adapter_only(accelerator, policy)

    def complete(self) -> list[Path]:
        """The whole checkpoints, oldest first."""
        return sorted(self._directory.glob("step-[0-9]*[0-9]"))

    def resume(self, fingerprint: str) -> TrainerState | None:
        """Restores the last whole checkpoint. Raises TrainerError where the recipe is another one."""
        found = self.complete()
        if not found or self._config.resume == "never":
            return None
        latest = found[-1]
        state = TrainerState(**json.loads((latest / "trainer_state.json").read_text(encoding="utf-8")))
        if state.fingerprint != fingerprint:
            raise TrainerError(
                f"{latest} was written under another recipe, seed or number of processes; give another "
                "out=DIR, or checkpoints.resume=never to start over"
            )
        self._accelerator.load_state(str(latest))
        return state

    def save(self, state: TrainerState) -> None:
        """Writes a checkpoint and removes those beyond `keep_last`. Every process must call it."""
        target = self._directory / f"step-{state.step:07d}"
        partial = self._directory / f".{target.name}.partial"
        if self._accelerator.is_main_process:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        self._accelerator.wait_for_everyone()
        self._accelerator.save_state(str(partial))
        self._accelerator.wait_for_everyone()
        if self._accelerator.is_main_process:
            text = json.dumps(asdict(state))
            (partial / "trainer_state.json").write_text(text, encoding="utf-8")
            _flush(partial)
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
            _flush(self._directory)
            for old in self.complete()[: -self._config.keep_last]:
                shutil.rmtree(old)
        self._accelerator.wait_for_everyone()


def _flush(directory: Path) -> None:
    for path in [*directory.rglob("*"), directory]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _save_adapter_only(accelerator: Any, policy: Any) -> None:
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file, save_file

    def save(models: list[Any], weights: list[Any], directory: str) -> None:
        weights.clear()
        if accelerator.is_main_process:
            tensors = get_peft_model_state_dict(policy.causal)
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, _adapter(directory))

    def load(models: list[Any], directory: str) -> None:
        models.clear()
        set_peft_model_state_dict(policy.causal, load_file(_adapter(directory)))

    accelerator.register_save_state_pre_hook(save)
    accelerator.register_load_state_pre_hook(load)


def _adapter(directory: str) -> str:
    return str(Path(directory) / "adapter.safetensors")
