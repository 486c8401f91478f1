"""InfiAgent-DABench: 257 closed-form questions over 52 CSV tables.

The official rule reads `@name[value]` from the answer and compares strings, or numbers within 1e-6. Its
accuracy is over the *answered* questions, so a model that answers ten is scored over ten; that number is
printed beside the one over all. The paper scores by a judge instead (numbers within 3 %): give
`evaluate.rewards.judge` for that; without one its rule is the matcher's.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainers.attempts import Attempt, average
from trainers.benchmarks.base import FolderBenchmark, make_task
from trainers.rollouts import Rollout

QUESTIONS, LABELS, TABLES = "da-dev-questions.jsonl", "da-dev-labels.jsonl", "da-dev-tables"
_NAMED_VALUE = re.compile(r"@(\w+)\[(.*?)\]")


class DABench(FolderBenchmark):
    needs = (QUESTIONS, LABELS, TABLES)
    expects = f"a folder with {QUESTIONS}, {LABELS} and {TABLES}/"

    def read(self, folder: Path) -> None:
        labels = {row["id"]: row["common_answers"] for row in _first_by_id(folder / LABELS)}
        self._labels: dict[str, list[tuple[str, str]]] = {}
        self._concepts: dict[str, list[str]] = {}
        for row in _first_by_id(folder / QUESTIONS):
            identity = str(row["id"])
            label = [(name, value) for name, value in labels[row["id"]]]
            self._labels[identity], self._concepts[identity] = label, row["concepts"]
            # The constraints override the question: labels follow them.
            asked = (
                f"{row['question']}\n{row['constraints']}\n"
                f"The answer has this format: {row['format']}"
            )  # fmt: skip
            task = make_task(
                identity,
                row["question"],
                {row["file_name"]: folder / TABLES / row["file_name"]},
                "; ".join(f"{name}: {value}" for name, value in label),
                category=row["concepts"][0],
                level=row["level"],
                asked=asked,
            )
            self.tasks.append(task)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        right = official_matches(rollout.episode.answer or "", self._labels[rollout.job.task.id])
        return {
            "correct": float(all(right)),
            "answered": float(bool(rollout.episode.answer)),
            "sub_answers_right": float(sum(right)),
            "sub_answers": float(len(right)),
            **await self.paper(rollout),
        }

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        answered = [attempt for attempt in attempts if attempt.scores.get("answered")]
        labels = sum(len(self._labels[attempt.task]) for attempt in attempts)
        shares = [a.scores["sub_answers_right"] / a.scores["sub_answers"] for a in answered]
        return {
            "accuracy by question, over all": average(attempts, "correct"),
            "accuracy by question, official (over answered)": average(answered, "correct"),
            "accuracy proportional to sub-answers, official": sum(shares) / len(shares) if shares else 0.0,
            "accuracy by sub-question, over all": (
                sum(a.scores.get("sub_answers_right", 0.0) for a in attempts) / labels if labels else 0.0
            ),
            "accuracy by the paper's rule": average(attempts, "paper"),
            "accuracy by concept": self._by_concept(attempts),
        }

    def _by_concept(self, attempts: Sequence[Attempt]) -> dict[str, float]:
        grouped: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            for concept in self._concepts[attempt.task]:
                grouped[concept].append(attempt)
        return {concept: round(average(part, "correct"), 4) for concept, part in sorted(grouped.items())}


def official_matches(response: str, labels: Sequence[tuple[str, str]]) -> list[bool]:
    """Which labels the response has, by the official rule: the last value of a name counts."""
    found: Mapping[str, str] = dict(_NAMED_VALUE.findall(response))
    return [_is_equal(found.get(name), value) for name, value in labels]


def _is_equal(response: str | None, label: str) -> bool:
    if response is None or response == label:
        return response is not None
    try:
        return abs(float(response) - float(label)) < 1e-6
    except ValueError:
        return False


def _first_by_id(path: Path) -> list[dict[str, Any]]:
    rows: dict[Any, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            row = json.loads(line)
            rows.setdefault(row["id"], row)
    return list(rows.values())
