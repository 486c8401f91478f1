"""BIRD: SQL questions over real databases, scored by execution.

Official execution accuracy compares the *set* of rows of the predicted and the gold SQL (order and
duplicates do not count, column order does), each within 30 s. The agent answers with a result CSV; its SQL
is the last one that it ran. The paper instead asks that every gold column equals some column of the CSV,
each sorted on its own, with an absolute tolerance of 0.01: rows may be shuffled against each other.
`correct` is the official rule.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainers.attempts import Attempt, average
from trainers.benchmarks.base import FolderBenchmark, make_task
from trainers.rollouts import Rollout

QUESTIONS, DATABASES = "dev.json", "dev_databases"
SECONDS = 30.0


class Bird(FolderBenchmark):
    needs = (QUESTIONS, DATABASES)
    expects = f"a folder with {QUESTIONS} and {DATABASES}/DB/DB.sqlite (mini-dev: the same names)"

    def read(self, folder: Path) -> None:
        self._gold: dict[str, str] = {}
        for number, row in enumerate(json.loads((folder / QUESTIONS).read_text(encoding="utf-8"))):
            identity = str(row.get("question_id", number))
            self._gold[identity] = row["SQL"]
            database = folder / DATABASES / row["db_id"] / f"{row['db_id']}.sqlite"
            hint = f"\nHint: {row['evidence']}" if row.get("evidence") else ""
            task = make_task(
                identity,
                row["question"],
                {database.name: database},
                "",
                category=row["db_id"],
                level=row.get("difficulty", "unknown"),
                is_database=True,
                asked=row["question"] + hint,
            )
            self.tasks.append(task)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        import asyncio

        task, episode = rollout.job.task, rollout.episode
        (database,) = task.files.values()
        gold = await asyncio.to_thread(run_query, database, self._gold[task.id])
        sql = last_sql([turn.code for turn in episode.turns if turn.code])
        official = 0.0
        if sql is not None and episode.answer is not None:
            try:
                predicted = await asyncio.to_thread(run_query, database, sql)
                official = float(set(predicted) == set(gold))
            except sqlite3.Error:
                official = 0.0
        paper = 0.0
        if episode.result_csv is not None:
            paper = float(paper_table_match(gold, episode.result_csv))
        return {"correct": official, "paper": paper}

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        return {
            "execution accuracy, official": average(attempts, "correct"),
            "the paper's table match": average(attempts, "paper"),
        }


def run_query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query on a read-only connection. Raises sqlite3.Error, also after 30 s."""
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        deadline = time.monotonic() + SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def last_sql(codes: Sequence[str]) -> str | None:
    """The SQL of the last `execute_sql` call, where it is written as a literal."""
    for code in reversed(codes):
        try:
            calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        except SyntaxError:
            continue
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset), reverse=True):
            if isinstance(call.func, ast.Name) and call.func.id == "execute_sql":
                values = [word.value for word in call.keywords if word.arg == "sql"] or call.args[:1]
                if values and isinstance(values[0], ast.Constant) and isinstance(values[0].value, str):
                    return values[0].value
    return None


def paper_table_match(gold: Sequence[Sequence[Any]], result_csv: str) -> bool:
    """Whether every gold column equals some column of the CSV, each sorted on its own (DataMind's rule)."""
    rows = list(csv.reader(io.StringIO(result_csv)))[1:]
    columns = [_sorted(column) for column in zip(*rows, strict=False)]
    wanted = [_sorted([_text(value) for value in column]) for column in zip(*gold, strict=True)]
    return bool(rows or not gold) and all(
        any(_columns_equal(column, other) for other in columns) for column in wanted
    )


def _columns_equal(left: Sequence[str | float], right: Sequence[str | float]) -> bool:
    return len(left) == len(right) and all(_cells_equal(a, b) for a, b in zip(left, right, strict=True))


def _cells_equal(left: str | float, right: str | float) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        both_missing = math.isnan(left) and math.isnan(right)
        return both_missing or math.isclose(left, right, rel_tol=0, abs_tol=1e-2)
    return left == right


def _sorted(column: Sequence[str]) -> list[str | float]:
    return sorted((_cell(text) for text in column), key=lambda cell: (isinstance(cell, str), str(cell), cell))


def _cell(text: str) -> str | float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return text


def _text(value: Any) -> str:
    return "" if value is None else str(value)
