"""SFT and RL steps beside TRL's SFTTrainer and GRPOTrainer: same tiny model, same batch, same thread count.

    python -m tests.bench.trainer [--steps 8] [--rounds 3]

Each contender runs in a process of its own, by turns, so that a busy machine slows all of them alike. The
figure is the median over the steps but the first two; the table gives trained (SFT) or sampled (RL) tokens
a second, peak memory, and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCH, WORDS = 32, 60
PROMPTS, GROUP, COMPLETION = 8, 8, 48
SCRATCH = {"vocabulary": 512, "width": 192, "layers": 4, "heads": 6}


def conversations() -> list[list[dict[str, str]]]:
    """Rows of uneven length, as trajectories are."""
    return [
        [
            {"role": "system", "content": "Answer."},
            {"role": "user", "content": f"How many rows has table {i}?"},
            {
                "role": "assistant",
                "content": " ".join(f"row {(i * 7 + j) % 90}" for j in range(10 + i % WORDS)),
            },
        ]
        for i in range(256)
    ]


def setup() -> tuple[Any, Any]:
    """The tokenizer and the model that both train."""
    import torch

    from trainers.config import Scratch
    from trainers.policy import make_model, train_tokenizer

    torch.set_num_threads(1)
    rows = conversations()
    tokenizer = train_tokenizer((m["content"] for row in rows for m in row), vocabulary=512)
    return tokenizer, make_model(Scratch(**SCRATCH), tokenizer)


def ours_sft(steps: int, folder: Path) -> float:
    import torch
    from accelerate import Accelerator

    from datamind_gen.rows import Message
    from trainers.batching import Item, shuffled_batches, split
    from trainers.objective import expert_term, step
    from trainers.policy import PolicyModel
    from trainers.tokens import TokenBuilder

    tokenizer, causal = setup()
    builder = TokenBuilder(tokenizer)
    sequences = [builder.conversation([Message(**m) for m in row]) for row in conversations()]
    accelerator = Accelerator(cpu=True, mixed_precision="no")
    policy = PolicyModel(causal)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3)
    batches = shuffled_batches(len(sequences), size=BATCH, seed=0)
    times, tokens = [], []
    for _ in range(steps):
        items = [Item(sequences[index]) for index in next(batches)]
        began = time.perf_counter()
        term = expert_term(
            split(items, mode="buckets", max_tokens=4096, pad_id=0), weight=1.0, weighting="mu"
        )
        result = step(accelerator, policy, optimizer, [term], max_grad_norm=1.0)
        times.append(time.perf_counter() - began)
        tokens.append(result.tokens)
    return rate(times, tokens)


def trl_sft(steps: int, folder: Path) -> float:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    tokenizer, causal = setup()
    data = Dataset.from_list([{"prompt": row[:2], "completion": row[2:]} for row in conversations()])
    lengths = [
        len(tokenizer.apply_chat_template(row, tokenize=True, return_dict=False)) for row in conversations()
    ]
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter() - self.began)

    arguments = SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=BATCH,
        max_steps=steps,
        report_to=[],
        use_cpu=True,
        bf16=False,
        learning_rate=1e-3,
        logging_steps=1000,
        save_strategy="no",
        disable_tqdm=True,
        **PLAIN,
    )
    trainer = SFTTrainer(
        model=causal, args=arguments, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()]
    )
    trainer.train()
    return rate(times, [statistics.mean(lengths) * BATCH] * len(times))


def ours_rl(steps: int, folder: Path) -> float:
    from tests.trainers.published import write_bandit
    from trainers.config import Recipe
    from trainers.policy import PolicyModel, export
    from trainers.rl import train_rl
    from trainers.tracking import read_jsonl

    tokenizer, causal = setup()
    export(PolicyModel(causal), tokenizer, folder / "start", state=None)
    recipe = Recipe.model_validate(
        {
            "name": "bench",
            "out": str(folder / "out"),
            "device": "cpu",
            "model": {"scratch": SCRATCH, "precision": "fp32"},
            "data": {"dataset": str(write_bandit(folder / "dataset"))},
            "rl": {
                "start": str(folder / "start"),
                "optimizer": {"lr": 1e-6, "schedule": "constant"},
                "max_steps": steps,
                "group_size": GROUP,
                "prompts_per_step": PROMPTS,
                "prompts_per_generation": PROMPTS,
                "updates_per_step": 1,
                "gamma": {"peak": 0, "valley": 0},
                "dynamic_sampling": False,
                "mask_void": False,
                "sampling": {"temperature": 1.0},
                "limits": {"response_tokens": COMPLETION, "prompt_tokens": 200},
                "engine": {"max_batch": PROMPTS * GROUP},
                "eval_every": None,
            },
            "checkpoints": {"every": 1000},
        }
    )
    train_rl(recipe)
    rows = read_jsonl(folder / "out" / "rl" / "metrics.jsonl")
    times = [row["seconds/rollouts"] + row["seconds/updates"] for row in rows]
    return rate(times, [row["response_tokens"] * PROMPTS * GROUP for row in rows])


def trl_rl(steps: int, folder: Path) -> float:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from tests.trainers.published import guess

    tokenizer, causal = setup()
    causal.config.use_cache = causal.generation_config.use_cache = True  # as TRL's users have it
    data = Dataset.from_list([{"prompt": guess(i)[:2]} for i in range(256)])
    times: list[float] = []
    lengths: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter() - self.began)

    def reward(completions: list[Any], completion_ids: list[list[int]], **_: Any) -> list[float]:
        lengths.append(sum(map(len, completion_ids)))
        return [0.0] * len(completions)

    arguments = GRPOConfig(
        output_dir=str(folder),
        per_device_train_batch_size=PROMPTS * GROUP,
        num_generations=GROUP,
        steps_per_generation=1,
        max_completion_length=COMPLETION,
        loss_type="dapo",
        beta=0.0,
        temperature=1.0,
        max_steps=steps,
        report_to=[],
        use_cpu=True,
        bf16=False,
        learning_rate=1e-6,
        logging_steps=1000,
        save_strategy="no",
        disable_tqdm=True,
        **PLAIN,
    )
    trainer = GRPOTrainer(
        model=causal,
        reward_funcs=reward,
        args=arguments,
        train_dataset=data,
        processing_class=tokenizer,
        callbacks=[Clock()],
    )
    trainer.train()
    return rate(times, lengths)


PLAIN: dict[str, Any] = {"gradient_checkpointing": False}
CONTENDERS: dict[str, Callable[[int, Path], float]] = {
    "sft ours": ours_sft,
    "sft TRL": trl_sft,
    "rl ours": ours_rl,
    "rl TRL": trl_rl,
}


def rate(times: list[float], tokens: list[Any]) -> float:
    """Median tokens a second, the first two steps (allocation, caches) left out."""
    return statistics.median(t / s for s, t in list(zip(times, tokens, strict=False))[2:])


def run_one(name: str, steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        speed = CONTENDERS[name](steps, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("RESULT " + json.dumps({"speed": speed, "peak_mb": peak}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        run_one(arguments.only, arguments.steps)
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(arguments.rounds):
        for name in CONTENDERS:
            command = [
                sys.executable,
                "-m",
                "tests.bench.trainer",
                "--steps",
                str(arguments.steps),
                "--only",
                name,
            ]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if not lines:
                raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
            found[name].append(json.loads(lines[-1].removeprefix("RESULT ")))
    print(f"{'':10} {'tokens/s':>10} {'peak MB':>9}")
    for name, rows in found.items():
        speed = statistics.median(row["speed"] for row in rows)
        peak = max(row["peak_mb"] for row in rows)
        print(f"{name:10} {speed:10.0f} {peak:9.0f}")
    for verb in ("sft", "rl"):
        pairs = zip(found[f"{verb} ours"], found[f"{verb} TRL"], strict=True)
        ratios = [ours["speed"] / theirs["speed"] for ours, theirs in pairs]
        memory = [max(row["peak_mb"] for row in found[f"{verb} {who}"]) for who in ("ours", "TRL")]
        print(
            f"{verb}: ours is {statistics.median(ratios):.2f}x TRL's speed ({min(ratios):.2f} to "
            f"{max(ratios):.2f}), {memory[0] / memory[1]:.2f}x its memory"
        )


if __name__ == "__main__":
    main()
