"""Reading what the engine publishes, and refusing what this trainer does not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datamind_gen.rows import Answer
from tests.trainers.published import write_dataset, write_twelve_k
from trainers.config import Data
from trainers.data import is_held_out, open_dataset
from trainers.errors import TrainerError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("run") / "dataset", tasks=20)


def test_conversations_and_tasks_come_as_published(dataset: Path) -> None:
    opened = open_dataset(Data(dataset=str(dataset)))
    conversations, tasks = opened.conversations(), opened.tasks(held_out=False)
    assert len(conversations) == len(tasks) == 20
    assert [m.role for m in conversations[3].messages] == ["system", "user", "assistant", "user", "assistant"]
    assert isinstance(tasks[3].reference, Answer)
    assert tasks[3].reference.value == 9.0
    assert tasks[3].files["t3.csv"].read_text(encoding="utf-8") == "x\n3\n4\n2\n"
    assert tasks[3].expert == conversations[3].messages


def test_held_out_questions_are_in_no_training_row(dataset: Path) -> None:
    opened = open_dataset(Data(dataset=str(dataset), holdout=0.3))
    held_out = {task.question for task in opened.tasks(held_out=True)}
    assert 0 < len(held_out) < 20
    assert held_out.isdisjoint(row.question for row in opened.conversations())
    assert held_out.isdisjoint(task.question for task in opened.tasks(held_out=False))
    assert held_out == {q for i in range(20) if is_held_out(q := f"Sum of t{i}?", 0.3)}


def test_the_holdout_grows_with_its_share() -> None:
    questions = [f"q{i}" for i in range(500)]
    small = {q for q in questions if is_held_out(q, 0.1)}
    large = {q for q in questions if is_held_out(q, 0.3)}
    assert small < large
    assert 30 < len(small) < 75


def test_an_unknown_schema_version_is_refused(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "dataset", tasks=2, version=99)
    opened = open_dataset(Data(dataset=str(folder)))
    with pytest.raises(TrainerError, match="schema_version 99; this trainer knows 1"):
        opened.conversations()


def test_datamind_12k_json_is_read_as_it_is(tmp_path: Path) -> None:
    opened = open_dataset(Data(dataset=str(write_twelve_k(tmp_path / "datamind_12k.json"))))
    assert [row.id for row in opened.conversations()] == ["0", "1", "2"]
    with pytest.raises(TrainerError, match="conversations only"):
        opened.tasks(held_out=False)


def test_json_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"conversations": []}]), encoding="utf-8")
    with pytest.raises(TrainerError, match="item 0 has no `messages`"):
        open_dataset(Data(dataset=str(path))).conversations()


@pytest.mark.parametrize("name", ["runs/none/dataset", "/no/such/place", "nowhere"])
def test_a_dataset_that_is_not_there_says_what_to_do(name: str) -> None:
    with pytest.raises(TrainerError, match=r"data\.dataset"):
        open_dataset(Data(dataset=name))
