"""The engine in this process: what it reports is what the trainer computes, whatever is batched together."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import torch

from tests.trainers.helpers import make_policy, make_tokenizer
from trainers.batching import Item, collate
from trainers.engines.base import EngineError, Sample, SampleRequest, probe
from trainers.engines.hf import HfEngine
from trainers.errors import TrainerError
from trainers.tokens import TokenBuilder, TokenSequence

TOKENIZER = make_tokenizer()
BUILDER = TokenBuilder(TOKENIZER)


def engine_of(policy, *, max_batch: int = 8) -> HfEngine:  # type: ignore[no-untyped-def]
    return HfEngine(
        policy, end_of_turn=BUILDER.end_of_turn, pad_id=TOKENIZER.pad_token_id, max_batch=max_batch
    )


def request(text: str, *, seed: int = 0, temperature: float = 0.7, top_p: float = 1.0) -> SampleRequest:
    return SampleRequest(
        ids=tuple(TOKENIZER.encode(text)), max_tokens=12, temperature=temperature, top_p=top_p, seed=seed
    )


def sample_all(engine: HfEngine, requests: list[SampleRequest]) -> list[Sample]:
    async def run() -> list[Sample]:
        async def episode(one: SampleRequest) -> Sample:
            async with engine.episode():
                return await engine.sample(one)

        return list(await asyncio.gather(*(episode(one) for one in requests)))

    return asyncio.run(run())


REQUESTS = [
    request(text, seed=seed) for seed, text in enumerate(["row", "print the rows", "row", "12", "a b c"])
]


def test_reported_log_probabilities_are_the_trainers_at_the_sampling_temperature() -> None:
    policy = make_policy(TOKENIZER)
    for asked, sample in zip(REQUESTS, sample_all(engine_of(policy), REQUESTS), strict=True):
        ids = [*asked.ids, *sample.ids]
        mask = [0] * len(asked.ids) + [1] * len(sample.ids)
        tokens = TokenSequence(ids, mask, [0.0] * len(ids), len(asked.ids), BUILDER)
        with torch.no_grad():
            logps = policy(collate([Item(tokens)], packed=False, pad_id=0), asked.temperature)[0]
        assert torch.allclose(logps, torch.tensor(sample.logprobs), atol=1e-4)


@pytest.mark.parametrize("max_batch", [1, 2, 8])
def test_a_draw_depends_on_its_seed_and_not_on_the_batch(max_batch: int) -> None:
    policy = make_policy(TOKENIZER)
    together = sample_all(engine_of(policy, max_batch=max_batch), REQUESTS)
    alone = [sample_all(engine_of(policy), [one])[0] for one in REQUESTS]
    assert [sample.ids for sample in together] == [sample.ids for sample in alone]
    assert together[0].ids != together[2].ids


def test_sampling_follows_the_distribution() -> None:
    policy = make_policy(TOKENIZER)
    with torch.no_grad():
        policy.causal.get_output_embeddings().weight.mul_(8)
    draws = [
        SampleRequest(ids=tuple(TOKENIZER.encode("row")), max_tokens=1, temperature=1.3, seed=seed)
        for seed in range(4000)
    ]
    found = Counter(sample.ids[0] for sample in sample_all(engine_of(policy, max_batch=4000), draws))
    with torch.no_grad():
        logits = policy.causal(torch.tensor([draws[0].ids])).logits[0, -1]
    expected = torch.softmax(logits / 1.3, -1)
    for token in expected.topk(5).indices.tolist():
        share = expected[token].item()
        assert abs(found[token] / 4000 - share) < 5 * (share * (1 - share) / 4000) ** 0.5


def test_top_p_keeps_the_nucleus_and_temperature_zero_the_likeliest() -> None:
    policy = make_policy(TOKENIZER)
    with torch.no_grad():
        policy.causal.get_output_embeddings().weight.mul_(8)
        logits = policy.causal(torch.tensor([TOKENIZER.encode("row")])).logits[0, -1]
    shares, order = torch.softmax(logits / 0.7, -1).sort(descending=True)
    nucleus = set(order[: int((shares.cumsum(0) < 0.5).sum()) + 1].tolist())
    draws = [request("row", seed=seed, top_p=0.5) for seed in range(300)]
    assert {sample.ids[0] for sample in sample_all(engine_of(policy, max_batch=300), draws)} <= nucleus
    greedy = sample_all(engine_of(policy), [request("row", seed=seed, temperature=0) for seed in range(3)])
    assert len({sample.ids for sample in greedy}) == 1
    assert greedy[0].ids[0] == order[0]


def test_greedy_equals_generate() -> None:
    policy = make_policy(TOKENIZER)
    (sample,) = sample_all(engine_of(policy), [request("print the rows", temperature=0)])
    ids = torch.tensor([TOKENIZER.encode("print the rows")])
    reference = policy.causal.generate(
        ids, max_new_tokens=12, do_sample=False, use_cache=True, eos_token_id=BUILDER.end_of_turn
    )
    assert list(sample.ids) == reference[0, ids.shape[1] :].tolist()


def test_a_round_waits_for_every_live_episode_and_ends_with_the_last() -> None:
    """Two turns of one episode and one of another: three requests, two rounds, no deadlock."""
    engine = engine_of(make_policy(TOKENIZER))
    rounds: list[int] = []
    decode = engine._decode
    engine._decode = lambda requests: (rounds.append(len(requests)), decode(requests))[1]  # type: ignore[method-assign,assignment]

    async def episode(turns: int) -> None:
        async with engine.episode():
            for turn in range(turns):
                await engine.sample(request("row", seed=turn))
                await asyncio.sleep(0.01 * turns)

    async def run() -> None:
        await asyncio.gather(episode(2), episode(1))

    asyncio.run(run())
    assert rounds == [2, 1]


def test_a_failure_in_decoding_fails_the_episodes_and_not_the_engine() -> None:
    engine = engine_of(make_policy(TOKENIZER))
    bad = SampleRequest(ids=(10**9,), max_tokens=3, temperature=1.0, seed=0)
    with pytest.raises(EngineError, match="decoding failed"):
        sample_all(engine, [bad])
    assert sample_all(engine, [request("row")])[0].ids


def test_the_probe_passes_with_the_same_weights_and_fails_loudly_with_others() -> None:
    policy = make_policy(TOKENIZER)
    texts = ["print the rows", "answer 12"]

    def check(engine: HfEngine) -> float:
        return asyncio.run(probe(engine, policy, BUILDER, texts, tolerance=0.01, device=torch.device("cpu")))

    assert check(engine_of(policy)) < 1e-5
    with pytest.raises(TrainerError, match="does not serve the weights"):
        check(engine_of(make_policy(TOKENIZER, seed=5)))
