"""`ask`: a file's own questions offline, and any question with a model at an endpoint."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.models.server import Plan, ServerProcess


def test_proposed_questions_are_answered_offline(table: Path, datamind_gen: Run) -> None:
    listed = datamind_gen("ask", table, "--json")
    questions = [found["question"] for found in json.loads(listed.stdout)["questions"]]
    assert len(questions) >= 5, listed.stderr

    by_number = json.loads(datamind_gen("ask", table, "1", "--json").stdout)
    assert by_number["question"] == questions[0]
    assert by_number["stop"] == "answered"
    assert by_number["answer"]
    assert by_number["turns"][0]["status"] == "ok"

    shown = datamind_gen("ask", table, questions[0])
    assert shown.returncode == 0
    assert f"Answer: {by_number['answer']}" in shown.stdout


def test_a_free_question_needs_a_model(table: Path, datamind_gen: Run) -> None:
    asked = datamind_gen("ask", table, "What is the meaning of it all?")
    assert asked.returncode == 2
    assert "no language model" in asked.stderr
    assert "--model" in asked.stderr


def test_a_free_question_to_an_endpoint(table: Path, datamind_gen: Run) -> None:
    said = "<think>\nI know it.\n</think>\n<answer>Vermont</answer>"
    choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [choice]}
    with ServerProcess(Plan(reply=body)) as endpoint:
        asked = datamind_gen(
            "ask",
            table,
            "Which state is the calmest?",
            "--model",
            "tiny",
            "--base-url",
            endpoint.url,
            "--json",
        )
    found = json.loads(asked.stdout)
    assert asked.returncode == 0, asked.stderr
    assert (found["answer"], found["model"], found["stop"]) == ("Vermont", "tiny", "answered")


def test_an_endpoint_without_a_model_and_a_file_that_is_not_there(table: Path, datamind_gen: Run) -> None:
    lost = datamind_gen("ask", table, "Why?", "--base-url", "http://127.0.0.1:9/v1")
    assert (lost.returncode, "--model" in lost.stderr) == (2, True)
    absent = datamind_gen("ask", table.with_name("gone.csv"))
    assert (absent.returncode, "gone.csv" in absent.stderr) == (2, True)
