"""A real pipeline whose expert and judge sit behind real HTTP, at the simulated endpoint of tests/models."""

from __future__ import annotations

from pathlib import Path

from tests.run.pipelines import write_small_pipeline

OVER_HTTP = """\
name: over_http
seed: 5
sources:
  - bundled: state_crime_2009.csv
  - bundled: us_economy_quarterly.csv
taxonomy: taxonomy
queries: {{hops: {{1: 1}}}}
coverage: {{target: {target}, per_file: {target}, waves: 1}}
models:
  expert: &endpoint
    provider: openai
    model: tiny
    base_url: {url}
    concurrency: {concurrency}
    seed: 1
    {key}
  judge: *endpoint
sample: {{samples: 3, turns: 10, max_tokens: 512}}
judge: {{methods: [model], require: all, keep: all}}
reflect: {{rounds: 0}}
rules: [format]
run:
  retries: {{backoff_s: 0.05, backoff_max_s: 0.5}}
"""


def write_pipeline_over_http(
    path: Path, url: str, *, target: int = 36, concurrency: int = 8, key_env: str | None = None
) -> Path:
    """Writes it, with a taxonomy of its own beside it."""
    key = f"api_key_env: {key_env}" if key_env else ""
    text = OVER_HTTP.format(url=url, target=target, concurrency=concurrency, key=key)
    return write_small_pipeline(path, text)
