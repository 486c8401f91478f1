"""The vLLM client over real HTTP, against a small server that speaks vLLM's routes over the HF engine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from tests.trainers.helpers import make_policy, make_tokenizer
from trainers.config import Engine, Lora, Model
from trainers.engines.base import EngineError, SampleRequest, probe
from trainers.engines.hf import HfEngine
from trainers.engines.vllm_http import VllmEngine
from trainers.errors import TrainerError
from trainers.policy import PolicyModel, export, load_policy
from trainers.tokens import TokenBuilder

TOKENIZER = make_tokenizer()
BUILDER = TokenBuilder(TOKENIZER)


class FakeVllm(BaseHTTPRequestHandler):
    """Serves `policy`; reloads it from disk when told, unless `forgets` (answers 200 and keeps the old)."""

    policy: ClassVar[PolicyModel]
    calls: ClassVar[list[tuple[str, Any]]] = []
    adapters: ClassVar[dict[str, PolicyModel]] = {}
    base: ClassVar[Path]
    forgets: ClassVar[bool] = False

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        type(self).calls.append((self.path, body))
        match self.path:
            case "/v1/completions":
                self.reply(self.complete(body))
            case "/collective_rpc":
                if not self.forgets:
                    path = body["kwargs"]["weights_path"]
                    type(self).policy = load_policy(Model(path=path, precision="fp32"), TOKENIZER)
                self.reply({"results": [None]})
            case "/v1/load_lora_adapter":
                model = Model(path=str(self.base), precision="fp32", lora=Lora())
                self.adapters[body["lora_name"]] = load_policy(model, TOKENIZER, path=body["lora_path"])
                self.reply("Success: LoRA adapter added")
            case "/v1/unload_lora_adapter":
                del self.adapters[body["lora_name"]]
                self.reply("Success")
            case _:
                self.reply({})

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        policy = self.adapters.get(body["model"], self.policy)
        engine = HfEngine(policy, end_of_turn=BUILDER.end_of_turn, pad_id=TOKENIZER.pad_token_id, max_batch=1)
        if "prompt_logprobs" in body:
            (scores,) = asyncio.run(engine.logprobs([body["prompt"]]))
            entries = [{str(i): {"logprob": s}} for i, s in zip(body["prompt"][1:], scores, strict=True)]
            return {"choices": [{"prompt_logprobs": [None, *entries], "finish_reason": "length"}]}
        asked = SampleRequest(
            ids=tuple(body["prompt"]),
            max_tokens=body["max_tokens"],
            temperature=body["temperature"],
            top_p=body["top_p"],
            seed=body["seed"],
        )
        sample = asyncio.run(engine.sample(asked))
        choice = {
            "token_ids": list(sample.ids),
            "logprobs": {"token_logprobs": list(sample.logprobs)},
            "finish_reason": sample.finish_reason,
        }
        return {"choices": [choice]}

    def reply(self, payload: Any, status: int = 200) -> None:
        raw = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain" if isinstance(payload, str) else "application/json")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    FakeVllm.policy = make_policy(TOKENIZER, tie=False)
    FakeVllm.calls.clear()
    FakeVllm.adapters.clear()
    FakeVllm.forgets = False
    running = ThreadingHTTPServer(("127.0.0.1", 0), FakeVllm)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()


def engine_of(policy: PolicyModel, url: str, folder: Path) -> VllmEngine:
    config = Engine(kind="vllm", url=url, served_model="base", sync_dir=str(folder), timeout_s=30)
    return VllmEngine(config, policy, BUILDER, sends_weights=True)


ASKED = SampleRequest(ids=(7, 8, 9), max_tokens=6, temperature=0.9, seed=5)


async def run_probe(engine: VllmEngine, policy: PolicyModel) -> float:
    return await probe(
        engine, policy, BUILDER, ["print the rows"], tolerance=0.01, device=torch.device("cpu")
    )


def test_token_ids_go_in_and_come_out(server: str, tmp_path: Path) -> None:
    async def run() -> None:
        engine = engine_of(FakeVllm.policy, server, tmp_path)
        sample = await engine.sample(ASKED)
        local = HfEngine(FakeVllm.policy, end_of_turn=BUILDER.end_of_turn, pad_id=0, max_batch=1)
        assert sample == await local.sample(ASKED)
        await engine.close()

    asyncio.run(run())
    (path, body), *_ = FakeVllm.calls
    assert path == "/v1/completions"
    assert body["prompt"] == [7, 8, 9]
    assert body["return_token_ids"] is True
    assert body["stop_token_ids"] == [BUILDER.end_of_turn]


def test_whole_weights_are_synced_and_probed(server: str, tmp_path: Path) -> None:
    newer = make_policy(TOKENIZER, seed=3, tie=False)

    async def run() -> None:
        engine = engine_of(newer, server, tmp_path)
        with pytest.raises(TrainerError, match="does not serve the weights"):
            await run_probe(engine, newer)
        await engine.sync(1)
        assert await run_probe(engine, newer) < 1e-5
        await engine.sync(2)
        await engine.close()

    asyncio.run(run())
    paths = [path for path, _ in FakeVllm.calls if path != "/v1/completions"]
    assert paths == ["/pause?mode=keep", "/collective_rpc", "/reset_prefix_cache", "/resume"] * 2
    assert [folder.name for folder in tmp_path.iterdir()] == ["policy-2"]


def test_a_server_that_answers_200_and_keeps_the_old_weights_is_found_out(
    server: str, tmp_path: Path
) -> None:
    newer = make_policy(TOKENIZER, seed=3, tie=False)
    FakeVllm.forgets = True

    async def run() -> None:
        engine = engine_of(newer, server, tmp_path)
        await engine.sync(1)
        await run_probe(engine, newer)

    with pytest.raises(TrainerError, match="does not serve the weights"):
        asyncio.run(run())


def test_lora_adapters_are_loaded_under_a_name_a_step(server: str, tmp_path: Path) -> None:
    FakeVllm.base = tmp_path / "base"
    export(FakeVllm.policy, TOKENIZER, FakeVllm.base, state=None)
    policy = load_policy(Model(path=str(FakeVllm.base), precision="fp32", lora=Lora()), TOKENIZER)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)

    async def run() -> None:
        engine = engine_of(policy, server, tmp_path / "sync")
        for step in (1, 2):
            await engine.sync(step)
            assert await run_probe(engine, policy) < 1e-5
        await engine.close()

    asyncio.run(run())
    assert list(FakeVllm.adapters) == ["policy-2"]


@pytest.mark.parametrize(
    ("reply", "status", "message"),
    [
        ({"choices": [{"text": "x", "finish_reason": "stop"}]}, 200, "no token ids"),
        ({"error": "out of memory"}, 500, "500: .*out of memory"),
    ],
)
def test_a_server_that_fails_fails_the_episode(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Any, status: int, message: str
) -> None:
    monkeypatch.setattr(FakeVllm, "do_POST", lambda self: self.reply(reply, status))

    async def run() -> None:
        await engine_of(FakeVllm.policy, server, tmp_path).sample(ASKED)

    with pytest.raises(EngineError, match=message):
        asyncio.run(run())


def test_a_server_that_is_not_there_fails_the_episode(tmp_path: Path) -> None:
    async def run() -> None:
        await engine_of(make_policy(TOKENIZER), "http://127.0.0.1:9", tmp_path).sample(ASKED)

    with pytest.raises(EngineError, match="ConnectError"):
        asyncio.run(run())
