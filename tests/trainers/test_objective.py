"""The optimizer step: equal to TRL, to a plain derivation, and to itself however it is cut."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainers.helpers import make_accelerator, make_policy, make_tokenizer, random_items
from trainers.batching import Item, collate, split
from trainers.config import Optimizer, Rl
from trainers.objective import StepResult, Term, expert_term, policy_term, step
from trainers.policy import PolicyModel
from trainers.tokens import TokenBuilder

TOKENIZER = make_tokenizer()
BUILDER = TokenBuilder(TOKENIZER)
RL = Rl(optimizer=Optimizer(lr=1e-3))
LENGTHS = [5, 9, 9, 14, 30, 31]


class KeepGradients(torch.optim.SGD):
    """An optimizer that changes nothing and lets a test read the gradients of a step."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, lr=0.0)
        self.seen: list[Tensor] = []

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.seen = [
            p.grad.clone() for group in self.param_groups for p in group["params"] if p.grad is not None
        ]


def run(policy: PolicyModel, terms: list[Term]) -> tuple[StepResult, list[Tensor]]:
    optimizer = KeepGradients(policy.parameters())
    result = step(make_accelerator(), policy, optimizer, terms, max_grad_norm=1e9)
    return result, optimizer.seen


def joint(
    items: list[Item], *, gamma: float = 0.3, mode: Any = "buckets", max_tokens: int = 10**6
) -> list[Term]:
    """Half the items as rollouts, all as experts."""
    rollouts = split(items[::2], mode=mode, max_tokens=max_tokens, pad_id=0)
    experts = split(items, mode=mode, max_tokens=max_tokens, pad_id=0)
    return [
        policy_term(rollouts, weight=1 - gamma, config=RL),
        expert_term(experts, weight=gamma, weighting="mu"),
    ]


def close(a: list[Tensor], b: list[Tensor], tolerance: float = 1e-6) -> bool:
    return all(torch.allclose(x, y, atol=tolerance, rtol=0) for x, y in zip(a, b, strict=True))


def test_loss_and_gradients_equal_trl_dapo(tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    items = random_items(BUILDER, [12, 20, 7, 16], seed=3, masked_row=2)
    ours = make_policy(TOKENIZER)
    result, gradient = run(
        ours, [policy_term(split(items, mode="buckets", max_tokens=64, pad_id=0), weight=1.0, config=RL)]
    )

    theirs = make_policy(TOKENIZER).causal
    batch = collate(items, packed=False, pad_id=0)
    width = batch.ids.shape[1]
    mask = torch.zeros((4, width - 1), dtype=torch.long)
    old = torch.zeros((4, width - 1))
    for row, item in enumerate(items):
        trained = [j - 1 for j, on in enumerate(item.tokens.mask) if on]
        mask[row, trained] = 1
        old[row, trained] = item.old_logps
    assert batch.attention is not None
    inputs = {
        "prompt_ids": batch.ids[:, :1],
        "prompt_mask": batch.attention[:, :1],
        "completion_ids": batch.ids[:, 1:],
        "completion_mask": batch.attention[:, 1:],
        "tool_mask": mask,
        "advantages": torch.tensor([item.advantage for item in items]),
        "old_per_token_logps": old,
        "num_items_in_batch": mask.sum(),
    }
    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        report_to=[],
        use_cpu=True,
        bf16=False,
        loss_type="dapo",
        beta=0.0,
        epsilon=RL.clip_low,
        epsilon_high=RL.clip_high,
        delta=RL.dual_clip,
        temperature=RL.sampling.temperature,
        per_device_train_batch_size=4,
        num_generations=4,
        steps_per_generation=1,
    )
    trainer = GRPOTrainer(
        model=theirs,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": "x"}]),
        processing_class=TOKENIZER,
    )
    trainer.current_gradient_accumulation_steps = 1
    theirs.train()
    loss = trainer._compute_loss(theirs, inputs)
    loss.backward()
    reference = [p.grad for p in theirs.parameters()]
    assert result.metrics["loss"] == pytest.approx(loss.item(), abs=1e-6)
    assert close(gradient, reference)


def test_loss_and_gradients_equal_a_plain_derivation() -> None:
    """Re-derived with whole-logit softmax, one sequence at a time, with loops over tokens."""
    items = random_items(BUILDER, LENGTHS, seed=5)
    gamma = 0.3
    policy = make_policy(TOKENIZER)
    result, gradient = run(policy, joint(items, gamma=gamma, max_tokens=40))

    reference = make_policy(TOKENIZER)
    rl_sum = sft_sum = torch.zeros(())
    rl_count = sft_count = 0
    for index, item in enumerate(items):
        logits = reference.causal(input_ids=torch.tensor([item.tokens.ids]), use_cache=False).logits[0]
        seen = 0
        for j, on in enumerate(item.tokens.mask):
            if not on:
                continue
            target = item.tokens.ids[j]
            sft_sum = sft_sum - torch.log_softmax(logits[j - 1], -1)[target]
            sft_count += 1
            if index % 2 == 0:
                assert item.old_logps is not None
                ratio = (torch.log_softmax(logits[j - 1] / 0.7, -1)[target] - item.old_logps[seen]).exp()
                low, high = 1 - 0.2, 1 + 0.28
                value = min(ratio * item.advantage, ratio.clamp(low, high) * item.advantage)
                if item.advantage < 0:
                    value = torch.maximum(value, torch.tensor(10.0 * item.advantage))
                rl_sum, rl_count = rl_sum - value, rl_count + 1
                seen += 1
    loss = (1 - gamma) * rl_sum / rl_count + gamma * sft_sum / sft_count
    loss.backward()
    assert result.metrics["loss"] == pytest.approx(loss.item(), abs=1e-6)
    assert close(gradient, [p.grad for p in reference.parameters() if p.grad is not None])


@pytest.mark.parametrize("mode", ["buckets", "packed"])
@pytest.mark.parametrize("max_tokens", [1, 20, 45, 10**6])
def test_the_step_is_the_same_however_it_is_cut(mode: str, max_tokens: int) -> None:
    items = random_items(BUILDER, LENGTHS, seed=7, masked_row=1)
    whole, expected = run(make_policy(TOKENIZER), joint(items))
    cut, gradient = run(make_policy(TOKENIZER), joint(items, mode=mode, max_tokens=max_tokens))
    assert cut.metrics["loss"] == pytest.approx(whole.metrics["loss"], abs=1e-6)
    assert cut.tokens == whole.tokens
    assert close(gradient, expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_sequences_do_not_see_each_other(attention: str) -> None:
    items = random_items(BUILDER, [10, 17, 6], seed=1)
    policy = make_policy(TOKENIZER, attention=attention)
    with torch.no_grad():
        together = policy(collate(items, packed=True, pad_id=0))[0]
        apart = torch.cat([policy(collate([item], packed=True, pad_id=0))[0] for item in items])
    assert torch.allclose(together, apart, atol=1e-5)


def test_a_mean_per_micro_batch_would_be_another_number() -> None:
    """What the released code does; here to show that the invariance test above can fail."""
    items = random_items(BUILDER, LENGTHS, seed=7)
    whole, _ = run(make_policy(TOKENIZER), joint(items))
    policy = make_policy(TOKENIZER)
    parts = [run(policy, joint(items[i : i + 2]))[0].metrics["loss"] for i in (0, 2, 4)]
    assert abs(sum(parts) / 3 - whole.metrics["loss"]) > 1e-3


def test_gamma_one_is_sft_and_gamma_zero_is_rl() -> None:
    items = random_items(BUILDER, LENGTHS, seed=9)
    rollouts = split(items[::2], mode="buckets", max_tokens=64, pad_id=0)
    experts = split(items, mode="buckets", max_tokens=64, pad_id=0)
    sft = run(make_policy(TOKENIZER), [expert_term(experts, weight=1.0, weighting="mu")])
    rl = run(make_policy(TOKENIZER), [policy_term(rollouts, weight=1.0, config=RL)])
    for gamma, expected in ((1.0, sft), (0.0, rl)):
        result, gradient = run(make_policy(TOKENIZER), joint(items, gamma=gamma, max_tokens=64))
        assert result.metrics["loss"] == expected[0].metrics["loss"]
        assert all(torch.equal(a, b) for a, b in zip(gradient, expected[1], strict=True))


def test_logits_outside_the_mask_get_no_gradient() -> None:
    items = random_items(BUILDER, [12], seed=2)
    policy = make_policy(TOKENIZER)
    seen: list[Tensor] = []
    policy.causal.model.register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    batch = collate(items, packed=False, pad_id=0)
    logps, _ = policy(batch)
    (gradient,) = torch.autograd.grad(logps.sum(), seen)
    predicting = {j - 1 for j, on in enumerate(items[0].tokens.mask) if on}
    assert {j for j in range(12) if gradient[0, j].abs().sum() > 0} == predicting


def test_void_trajectories_give_no_gradient() -> None:
    items = random_items(BUILDER, LENGTHS, seed=4)
    void = random_items(BUILDER, [40], seed=8, masked_row=0)
    without = run(
        make_policy(TOKENIZER),
        [policy_term(split(items, mode="buckets", max_tokens=64, pad_id=0), weight=1.0, config=RL)],
    )
    with_void = run(
        make_policy(TOKENIZER),
        [policy_term(split(items + void, mode="buckets", max_tokens=64, pad_id=0), weight=1.0, config=RL)],
    )
    assert close(without[1], with_void[1], 1e-7)


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_scoring_in_chunks_changes_nothing(chunk: int) -> None:
    items = random_items(BUILDER, LENGTHS, seed=6)
    expected = run(make_policy(TOKENIZER), joint(items))
    result = run(make_policy(TOKENIZER, head_chunk=chunk), joint(items))
    assert result[0].metrics["loss"] == pytest.approx(expected[0].metrics["loss"], abs=1e-6)
    assert close(result[1], expected[1])


def test_gradient_checkpointing_changes_nothing() -> None:
    items = random_items(BUILDER, LENGTHS, seed=6)
    expected = run(make_policy(TOKENIZER), joint(items))
    result = run(make_policy(TOKENIZER, gradient_checkpointing=True), joint(items))
    assert close(result[1], expected[1])


def test_a_gradient_that_is_not_finite_changes_no_weight() -> None:
    items = random_items(BUILDER, [8], seed=0)
    broken = [Item(items[0].tokens, float("nan"), items[0].old_logps)]
    policy = make_policy(TOKENIZER)
    before = [p.clone() for p in policy.parameters()]
    optimizer = torch.optim.SGD(policy.parameters(), lr=1.0)
    term = policy_term(split(broken, mode="buckets", max_tokens=64, pad_id=0), weight=1.0, config=RL)
    assert step(make_accelerator(), policy, optimizer, [term], max_grad_norm=1.0).skipped
    assert all(torch.equal(a, b) for a, b in zip(before, policy.parameters(), strict=True))


def test_a_step_without_a_trained_token_is_refused() -> None:
    with pytest.raises(ValueError, match="without a single trained token"):
        run(make_policy(TOKENIZER), [expert_term([], weight=1.0, weighting="mu")])


@pytest.mark.parametrize("mode", ["buckets", "packed"])
def test_two_processes_give_the_gradients_of_one(mode: str, tmp_path: Path) -> None:
    """Also with shares so uneven that one process runs out of micro-batches."""
    items = random_items(BUILDER, LENGTHS, seed=11)
    _, expected = run(make_policy(TOKENIZER), joint(items, mode=mode))
    script = Path(__file__).with_name("two_processes.py")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        str(script),
    ]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    subprocess.run([*command, mode, str(tmp_path)], check=True, env=environment, cwd=root, timeout=240)
    for process in range(2):
        found = torch.load(tmp_path / f"{process}.pt")
        assert close(found, expected), f"process {process}"
