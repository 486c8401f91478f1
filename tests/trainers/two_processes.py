"""One joint step on two processes by torchrun; each writes the gradients it ends with.

torchrun --standalone --nproc_per_node 2 tests/trainers/two_processes.py buckets DIRECTORY
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import Accelerator

from tests.trainers.helpers import make_policy, random_items
from tests.trainers.test_objective import BUILDER, LENGTHS, RL, TOKENIZER, KeepGradients
from trainers.batching import split
from trainers.objective import expert_term, policy_term, step


def main(mode: str, directory: Path) -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True, mixed_precision="no")
    assert accelerator.num_processes == 2
    items = random_items(BUILDER, LENGTHS, seed=11)
    policy = make_policy(TOKENIZER, seed=accelerator.process_index)  # DDP must send out the first's weights
    model = accelerator.prepare(policy)
    optimizer = KeepGradients(model.parameters())
    rollouts, experts = items[::2], items
    # Process 0 has all rollouts in one-sequence micro-batches; process 1 has none of them.
    first = accelerator.is_main_process
    mine = split(rollouts if first else [], mode=mode, max_tokens=1, pad_id=0)  # type: ignore[arg-type]
    expert_share = experts[:2] if first else experts[2:]
    terms = [
        policy_term(mine, weight=0.7, config=RL),
        expert_term(split(expert_share, mode=mode, max_tokens=40, pad_id=0), weight=0.3, weighting="mu"),  # type: ignore[arg-type]
    ]
    step(accelerator, model, optimizer, terms, max_grad_norm=1e9)
    torch.save(optimizer.seen, directory / f"{accelerator.process_index}.pt")
    accelerator.end_training()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
