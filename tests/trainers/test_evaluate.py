"""Evaluation end to end: a chat endpoint over real HTTP, k tries, crashes, intervals, and going on."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.trainers.published import values, write_dataset
from trainers.attempts import Attempt
from trainers.config import Recipe
from trainers.evaluate import bootstrap, evaluate, summarise
from trainers.tracking import read_jsonl


class Analyst(BaseHTTPRequestHandler):
    """Answers from what it observed; task 1 it gets wrong every second time, task 2 is refused."""

    requests: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.requests.append(body)
        messages = body["messages"]
        number = int(re.findall(r"t(\d+)", messages[1]["content"])[0])
        cells = f"open('data/files/t{number}.csv').read().split()[1:]"
        text = f"<think>Add.</think>\n<code>\nprint(sum(int(x) for x in {cells}))"
        if len(messages) > 2:
            total = re.findall(r"\n(\d+)\n", messages[3]["content"])[0]
            wrong = number == 1 and sum("t1?" in r["messages"][1]["content"] for r in self.requests) % 4 == 2
            text = f"<think>Done.</think>\n<answer>{'nothing' if wrong else total}"
        self.reply(400 if number == 2 else 200, text)

    def reply(self, status: int, text: str) -> None:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        payload = json.dumps(
            {"id": "1", "object": "chat.completion", "created": 0, "model": "analyst", "choices": [choice]}
        ).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def endpoint() -> Iterator[str]:
    Analyst.requests.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Analyst)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()


def recipe(dataset: Path, out: Path, endpoint: str) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "t",
            "out": str(out),
            "model": {"path": "unused"},
            "data": {"dataset": str(dataset), "holdout": 0.999},
            "evaluate": {
                "endpoint": {"provider": "openai", "model": "analyst", "base_url": endpoint},
                "samples": 2,
                "concurrency": 1,
            },
        }
    )


def test_an_endpoint_is_evaluated_over_the_real_sandbox(tmp_path: Path, endpoint: str) -> None:
    dataset = write_dataset(tmp_path / "dataset", tasks=4)
    run = recipe(dataset, tmp_path / "out", endpoint)
    report = evaluate(run)
    assert report["pass@1"]["value"] == pytest.approx((2 + 1 + 0 + 2) / 8)
    assert report["pass@2"]["value"] == pytest.approx(3 / 4)
    assert [crash["task"] for crash in report["crashes"]] == ["query-2", "query-2"]
    assert report["categories"]["aggregation"]["tasks"] == 2
    attempts = read_jsonl(Path(report["attempts"]))
    assert {row["answer"] for row in attempts if row["task"] == "query-3"} == {str(sum(values(3)))}

    asked = len(Analyst.requests)
    Path(report["attempts"]).write_text(
        "".join(json.dumps(row) + "\n" for row in attempts[:-1]), encoding="utf-8"
    )
    again = evaluate(run)
    assert again["pass@1"]["value"] == report["pass@1"]["value"]
    assert 0 < len(Analyst.requests) - asked <= 2


def attempt(
    task: str, sample: int, correct: bool, *, level: str = "easy", error: str | None = None
) -> Attempt:
    return Attempt(task, sample, "c", level, {"correct": float(correct)}, None, "answered", error, 1)


def test_pass_at_one_is_the_mean_and_pass_at_k_the_union() -> None:
    attempts = [attempt("a", i, i == 0) for i in range(3)] + [attempt("b", i, False) for i in range(3)]
    report = summarise(attempts, samples=3, seed=0)
    assert report["pass@1"]["value"] == pytest.approx(1 / 6)
    assert report["pass@3"]["value"] == 0.5


def test_a_category_and_a_level_of_the_same_name_are_not_mixed() -> None:
    attempts = [
        Attempt("a", 0, "hard", "easy", {"correct": 1.0}, None, "answered", None, 1),
        Attempt("b", 0, "other", "hard", {"correct": 0.0}, None, "answered", None, 1),
    ]
    report = summarise(attempts, samples=1, seed=0)
    assert (report["categories"]["hard"]["tasks"], report["categories"]["hard"]["pass@1"]["value"]) == (
        1,
        1.0,
    )
    hard = report["levels"]["hard"]
    assert (hard["tasks"], hard["pass@1"]["value"]) == (1, 0.0)


def test_a_crash_is_wrong_and_stays_in_the_denominator() -> None:
    attempts = [attempt("a", 0, True), Attempt("b", 0, "c", "hard", {}, None, "sandbox_error", "died", 0)]
    report = summarise(attempts, samples=1, seed=0)
    assert report["pass@1"]["value"] == 0.5
    assert report["crashes"] == [{"task": "b", "sample": 0, "error": "died"}]


def test_intervals_cover_and_narrow() -> None:
    few, many = bootstrap([0.0, 1.0] * 10, seed=1), bootstrap([0.0, 1.0] * 500, seed=1)
    assert few.low < 0.5 < few.high
    assert many.high - many.low < 0.08 < few.high - few.low
    assert bootstrap([1.0] * 5, seed=0).low == 1.0
    assert bootstrap([0.0, 1.0] * 10, seed=1) == few
