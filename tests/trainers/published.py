"""A published dataset of exactly the engine's schema, in small: sums over short CSV files.

The answer of each task is computed by pandas-free Python from the same numbers that the file holds, and the
expert conversation is what the sandbox really gives.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datamind_gen.publish.schema import SCHEMA_VERSION, SCHEMAS, Config
from datamind_gen.rows import Answer, AnswerType, encode

CARD = """---
configs:
- config_name: sft
  data_files: sft/*.parquet
- config_name: rl
  data_files: rl/*.parquet
---
"""


def conversation(number: int, answer: str) -> list[dict[str, str]]:
    name = f"t{number}.csv"
    code = f"print(sum(int(x) for x in open('data/files/{name}').read().split()[1:]))"
    total = sum(values(number))
    return [
        {"role": "system", "content": "Answer."},
        {"role": "user", "content": f"Sum of t{number}?"},
        {"role": "assistant", "content": f"<think>Add.</think>\n<code>\n{code}\n</code>"},
        {"role": "user", "content": f"<interpreter>\nThe code run successfully:\n{total}\n</interpreter>"},
        {"role": "assistant", "content": f"<think>Done.</think>\n<answer>{answer}</answer>"},
    ]


def values(number: int) -> list[int]:
    return [number, number + 1, 2]


def guess(number: int) -> list[dict[str, str]]:
    """A conversation without code that picks one of three arms by turns: right one time in three."""
    return [
        {"role": "system", "content": "Pick."},
        {"role": "user", "content": f"Which arm, {number % 2}?"},
        {"role": "assistant", "content": f"<think>Hm.</think>\n<answer>{'abc'[number % 3]}</answer>"},
    ]


def write_bandit(folder: Path, *, right: str = "b") -> Path:
    """A dataset whose experts guess among three arms, and whose reference is one of them."""
    write_dataset(folder, tasks=6)
    for config in (Config.SFT, Config.RL):
        path = folder / config.value / "train-00000.parquet"
        rows = pq.read_table(path).to_pylist()
        for number, row in enumerate(rows):
            messages = guess(number)
            row["messages" if config is Config.SFT else "trajectory"] = messages
            if config is Config.RL:
                row["prompt"] = messages[:2]
                row["extra_info"]["question"] = messages[1]["content"]
                row["extra_info"]["reference"] = encode(Answer(AnswerType.LABEL, right, right))
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS[config]), path)
    return folder


def write_dataset(folder: Path, *, tasks: int = 6, version: int = SCHEMA_VERSION) -> Path:
    """RUN/dataset with `tasks` questions, one conversation each."""
    (folder / "train_files").mkdir(parents=True)
    sft, rl = [], []
    for number in range(tasks):
        name, answer = f"t{number}.csv", str(sum(values(number)))
        text = "x\n" + "".join(f"{value}\n" for value in values(number))
        (folder / "train_files" / name).write_text(text, encoding="utf-8")
        messages = conversation(number, answer)
        about = {
            "format": "csv",
            "category": "aggregation" if number % 2 else "counting",
            "hops": 1,
            "level": "easy",
            "origin": "program",
            "verified": True,
        }
        question = f"Sum of t{number}?"
        sft.append(
            {
                "id": f"trajectory-{number}",
                "question": question,
                "messages": messages,
                "files": [name],
                "answer": answer,
                "lineage": "{}",
                "schema_version": version,
                **about,
            }
        )
        reference = Answer(AnswerType.NUMBER, answer, float(answer))
        rl.append(
            {
                "id": f"query-{number}",
                "data_source": "darl/python",
                "db_id": None,
                "task_id": None,
                "trajectory": messages,
                "prompt": messages[:2],
                "ability": "data_analysis",
                "reward_model": {
                    "ground_truth": {"ground_truth": answer, "task_id": None},
                    "style": "rule",
                },
                "extra_info": {
                    "index": number,
                    "question": question,
                    "split": "train",
                    "files": [{"name": name, "path": f"train_files/{name}", "sha256": ""}],
                    "answer_type": "number",
                    "reference": encode(reference),
                    **about,
                },
                "schema_version": version,
            }
        )
    for config, rows in ((Config.SFT, sft), (Config.RL, rl)):
        (folder / config.value).mkdir()
        table = pa.Table.from_pylist(rows, schema=SCHEMAS[config])
        pq.write_table(table, folder / config.value / "train-00000.parquet")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder


def write_twelve_k(path: Path, *, rows: int = 3) -> Path:
    """A file in the shape of datamind_12k.json."""
    items = [
        {"id": str(i), "filename": f"t{i}.csv", "level": "easy", "messages": conversation(i, "1")}
        for i in range(rows)
    ]
    path.write_text(json.dumps(items), encoding="utf-8")
    return path
