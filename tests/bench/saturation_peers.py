"""Two other engines on the single-turn part: plain distilabel, and bespoke curator where it is installed.

Curator does not live in one environment with the engine: `python3.11 -m venv VENV && VENV/bin/pip install
bespokelabs-curator`, and DATAMIND_CURATOR_PYTHON=VENV/bin/python. Both run with their defaults; curator's
stated rate limits are lifted, as the endpoint has none. This file imports neither at its top, and is also
the script that each of them is run by.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LIFTED = 1_000_000_000


def run_distilabel(url: str, prompts: Sequence[str]) -> int:
    """How many prompts got a reply."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    with tempfile.TemporaryDirectory() as folder, Pipeline(cache_dir=folder) as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": prompt} for prompt in prompts])
        task = TextGeneration(llm=OpenAILLM(model="tiny", base_url=url))
        load >> task
        made = pipeline.run(use_cache=False)
    return sum(text is not None for text in made["default"]["train"]["generation"])


class _Bytes:
    def encode(self, text: str, **ignored: object) -> list[int]:
        return list(text.encode())


def run_curator(url: str, prompts: Sequence[str]) -> int:
    """How many prompts got a reply."""
    import tiktoken

    try:
        tiktoken.get_encoding("cl100k_base")
    except OSError:  # no internet: its tokens are only counted for rate limits, so bytes will do
        tiktoken.get_encoding = tiktoken.encoding_for_model = lambda name: _Bytes()
    from bespokelabs import curator

    llm = curator.LLM(
        model_name="tiny",
        backend="openai",
        backend_params={
            "base_url": url,
            "api_key": "none",
            "max_requests_per_minute": LIFTED,
            "max_tokens_per_minute": LIFTED,
            "require_all_responses": False,
        },
    )
    made = llm(list(prompts))
    rows = getattr(made, "dataset", made)
    return sum(bool(row["response"]) for row in rows)


PEERS = {"distilabel": run_distilabel, "curator": run_curator}


def find_python(name: str) -> str | None:
    """The Python that a peer is installed in."""
    return sys.executable if name == "distilabel" else os.environ.get("DATAMIND_CURATOR_PYTHON")


def time_peer(name: str, url: str, prompts: Sequence[str]) -> tuple[float, int]:
    """Wall seconds of a process of its own, and the rows that got a reply."""
    python = find_python(name)
    assert python is not None
    with tempfile.TemporaryDirectory() as place:
        asked = Path(place) / "prompts.json"
        asked.write_text(json.dumps(list(prompts)), encoding="utf-8")
        quiet = {"TELEMETRY_ENABLED": "false", "CURATOR_CACHE_DIR": place, "HF_HOME": place}
        environment = os.environ | quiet | {"OPENAI_API_KEY": "none", "CURATOR_DISABLE_CACHE": "true"}
        began = time.monotonic()
        done = subprocess.run(
            [python, __file__, name, url, str(asked)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        wall = time.monotonic() - began
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
    return wall, int(done.stdout.rsplit("REPLIES ", 1)[1])


if __name__ == "__main__":
    replies = PEERS[sys.argv[1]](sys.argv[2], json.loads(Path(sys.argv[3]).read_text(encoding="utf-8")))
    print(f"REPLIES {replies}")
