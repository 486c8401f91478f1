"""LoRA, merging and exporting; and models that this trainer would get wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM

from tests.trainers.helpers import make_accelerator, make_policy, make_tokenizer, random_items
from trainers.batching import split
from trainers.config import Lora, Model
from trainers.errors import TrainerError
from trainers.objective import expert_term, step
from trainers.policy import PolicyModel, export, load_policy
from trainers.tokens import TokenBuilder

TOKENIZER = make_tokenizer()
BUILDER = TokenBuilder(TOKENIZER)
ITEMS = random_items(BUILDER, [12, 20])
BATCHES = split(ITEMS, mode="buckets", max_tokens=64, pad_id=0)


def train(policy: PolicyModel) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW([p for p in policy.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(3):
        step(
            make_accelerator(),
            policy,
            optimizer,
            [expert_term(BATCHES, weight=1.0, weighting="mu")],
            max_grad_norm=1.0,
        )
    policy.eval()
    return optimizer


def logps(policy: PolicyModel) -> torch.Tensor:
    with torch.no_grad():
        return policy(BATCHES[0])[0]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    export(make_policy(TOKENIZER, tie=False), TOKENIZER, folder, state=None)
    return folder


def lora_model(base: Path) -> Model:
    return Model(path=str(base), precision="fp32", lora=Lora(rank=4, alpha=8))


def test_lora_trains_the_adapter_and_leaves_the_base_bitwise(base: Path) -> None:
    policy = load_policy(lora_model(base), TOKENIZER)
    before = {name: p.clone() for name, p in policy.named_parameters() if not p.requires_grad}
    start = logps(policy)
    optimizer = train(policy)
    assert not torch.equal(start, logps(policy))
    assert all(torch.equal(p, before[n]) for n, p in policy.named_parameters() if not p.requires_grad)
    assert all("lora_" in name for name, p in policy.named_parameters() if p.requires_grad)
    assert len(optimizer.state) == sum(p.requires_grad for p in policy.parameters())


def test_an_exported_adapter_is_the_same_policy_in_plain_peft(base: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    policy = load_policy(lora_model(base), TOKENIZER)
    train(policy)
    export(policy, TOKENIZER, tmp_path / "adapter", state=None)
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "adapter")
    assert torch.allclose(logps(PolicyModel(plain)), logps(policy), atol=1e-6)
    again = load_policy(lora_model(base), TOKENIZER, path=str(tmp_path / "adapter"))
    again.eval()
    assert torch.equal(logps(again), logps(policy))


def test_a_merged_export_is_the_adapter_model_and_leaves_the_policy_alone(base: Path, tmp_path: Path) -> None:
    policy = load_policy(lora_model(base), TOKENIZER)
    train(policy)
    expected = logps(policy)
    export(policy, TOKENIZER, tmp_path / "merged", state=None, merge=True)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert torch.allclose(logps(PolicyModel(merged)), expected, atol=1e-4)
    assert torch.equal(logps(policy), expected)


@pytest.mark.parametrize("tie", [True, False])
def test_an_export_loads_to_the_same_policy(tie: bool, tmp_path: Path) -> None:
    policy = make_policy(TOKENIZER, tie=tie)
    export(
        policy,
        TOKENIZER,
        tmp_path / "m",
        state={f"causal.{k}": v for k, v in policy.causal.state_dict().items()},
    )
    again = load_policy(Model(path=str(tmp_path / "m"), precision="fp32"), TOKENIZER)
    assert torch.equal(logps(again), logps(policy))


def test_an_export_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = make_policy(TOKENIZER)
    export(policy, TOKENIZER, tmp_path / "m", state=None)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(TOKENIZER, "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        export(policy, TOKENIZER, tmp_path / "m", state=None)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "m")


def test_a_model_that_changes_its_logits_is_refused() -> None:
    config = Gemma2Config(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        final_logit_softcapping=0.05,
    )
    with pytest.raises(TrainerError, match="changes its logits after the head"):
        PolicyModel(Gemma2ForCausalLM(config)).check_head()


def test_making_a_model_leaves_the_random_state_alone() -> None:
    state = torch.random.get_rng_state()
    first, second = make_policy(TOKENIZER, seed=3), make_policy(TOKENIZER, seed=3)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
