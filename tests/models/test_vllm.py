"""A real vLLM, as server and in process, on a tiny random model: what it is asked is really honoured.

Optional: `DATAMIND_VLLM_PYTHON=/path/to/vllm-venv/bin/python python -m pytest -m vllm tests/models`
(docs/models.md says how to make that environment; a CPU is enough). Skipped without it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datamind_gen.models.base import ErrorKind, FinishReason, ProviderError, Role
from datamind_gen.models.router import Models
from datamind_gen.models.settings import RetrySettings
from tests.models.helpers import models_for, request, settings_for
from tests.models.honouring import honoured
from tests.models.server import ROOT

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

ENGINE = {
    "dtype": "bfloat16",
    "max_model_len": 1024,
    "max_num_seqs": 16,
    "enforce_eager": True,
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
}
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}


@pytest.fixture(scope="module")
def python() -> str:
    named = os.environ.get("DATAMIND_VLLM_PYTHON")
    if not named:
        pytest.skip("DATAMIND_VLLM_PYTHON names no Python that has vLLM")
    return named


@pytest.fixture(scope="module")
def model_folder(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("tiny")
    subprocess.run([python, str(ROOT / "tests/models/tiny_model.py"), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def server(python: str, model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--dtype", "bfloat16", "--max-model-len", "1024", "--max-num-seqs", "16", "--enforce-eager"]
    flags += ["--structured-outputs-config", json.dumps(ENGINE["structured_outputs_config"])]
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model_folder), *flags]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("vllm") / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(command, env=os.environ | ENVIRONMENT, stdout=out, stderr=out) as process,
    ):
        try:
            _wait_until_ready(port, process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        if process.poll() is not None:
            pytest.fail(f"vLLM ended: {log.read_text()[-3000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
            return
        except OSError:
            time.sleep(1)
    pytest.fail(f"vLLM did not come up: {log.read_text()[-3000:]}")


def assert_honoured(told: dict[str, Any]) -> None:
    assert told["distinct"] == 8, "each sample has a seed of its own"
    assert told["seeded alike"]
    assert told["greedy alike"]
    assert all(length <= 40 for length in told["lengths"])
    assert set(told["finish"]) <= {FinishReason.STOP.value, FinishReason.LENGTH.value}
    assert told["prompt tokens"] > 10
    assert told["stopped finish"] == FinishReason.STOP.value
    assert told["stop"] not in told["stopped"]
    assert told["whole"].startswith(told["stopped"])
    for finish, text in told["judged"]:
        assert finish == FinishReason.STOP.value
        assert json.loads(text).keys() == {"agree", "best"}
    assert told["overflow"] == ErrorKind.CONTEXT_OVERFLOW.value


def test_the_server_honours_what_it_is_asked(server: str) -> None:
    async def scenario() -> dict[str, Any]:
        settings = settings_for(server)
        roles = {Role.EXPERT: settings, Role.JUDGE: settings}
        models = Models.from_settings(roles, retries=RetrySettings(attempts=3, outage_s=5))
        (check,) = await models.check()
        assert check.ok, check.detail
        told = await honoured(models)
        await models.close()
        return told

    assert_honoured(asyncio.run(scenario()))


def test_the_servers_unknown_model_stops_the_run(server: str) -> None:
    async def scenario() -> None:
        models = models_for(server, model="tyni")
        with pytest.raises(ProviderError) as caught:
            await models.ask(request())
        assert caught.value.kind is ErrorKind.NOT_FOUND
        assert "tyni" in (models.stop_reason or "")
        await models.close()

    asyncio.run(scenario())


def test_the_engine_in_process_honours_what_it_is_asked(python: str, model_folder: Path) -> None:
    done = subprocess.run(
        [python, "-c", IN_PROCESS, str(model_folder), json.dumps(ENGINE)],
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.rsplit("TOLD ", 1)[1])
    assert_honoured(told)


IN_PROCESS = """
import asyncio, json, sys
from datamind_gen.models.base import Role
from datamind_gen.models.router import Models
from datamind_gen.models.settings import VLLMSettings
from tests.models.honouring import honoured

async def main():
    settings = VLLMSettings(provider="vllm", model=sys.argv[1], engine=json.loads(sys.argv[2]), seed=1)
    models = Models.from_settings({Role.EXPERT: settings, Role.JUDGE: settings})
    told = await honoured(models)
    await models.close()
    print("TOLD " + json.dumps(told))

if __name__ == "__main__":
    asyncio.run(main())
"""
