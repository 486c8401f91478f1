"""Engines: token ids in, sampled token ids and their log-probabilities out.

`hf` decodes in this process; `vllm` talks to a vLLM server over HTTP, which lives in an environment of its
own. Another engine is one file that implements `base.SampleEngine`, and a branch here.
"""

from __future__ import annotations

from typing import Any

from trainers.config import Engine
from trainers.engines.base import SampleEngine
from trainers.engines.hf import HfEngine
from trainers.engines.vllm_http import VllmEngine
from trainers.policy import PolicyModel
from trainers.tokens import TokenBuilder


def build_engine(
    config: Engine,
    policy: PolicyModel | None,
    builder: TokenBuilder,
    *,
    autocast: Any = None,
    main: bool = True,
) -> SampleEngine:
    """The recipe's engine. `policy` is None where a server's own weights are evaluated."""
    if config.kind == "vllm":
        return VllmEngine(config, policy, builder, sends_weights=main)
    assert policy is not None
    return HfEngine(
        policy,
        end_of_turn=builder.end_of_turn,
        pad_id=builder.tokenizer.pad_token_id,
        max_batch=config.max_batch,
        autocast=autocast,
    )
