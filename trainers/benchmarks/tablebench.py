"""TableBench: 886 questions over tables from Wikipedia, of which the paper asks 786.

Official rules: exact match position by position (fractional) for facts, numbers and most analysis, the same
with 10 % tolerance for correlation, trend and statistics, ROUGE-L for descriptions, anomalies and causes.
The paper leaves out the 50 charts and the 50 trend forecasts and scores the rest by its judge. Charts
cannot be drawn under the agent's protocol: they are not asked, and are wrong in the official figure.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from trainers.attempts import Attempt, average
from trainers.benchmarks.base import FolderBenchmark, make_task
from trainers.rollouts import Rollout

QUESTIONS = "TableBench.jsonl"
TOLERANT = {"CorrelationAnalysis", "TrendForecasting", "StatisticalAnalysis"}
ROUGE = {"DescriptiveAnalysis", "AnomalyDetection", "CausalAnalysis"}


class TableBench(FolderBenchmark):
    needs = (QUESTIONS,)
    expects = f"a folder with {QUESTIONS}; tables are written beside it as tables/*.csv"

    def read(self, folder: Path) -> None:
        self._kinds: dict[str, str] = {}
        self._charts = 0
        (folder / "tables").mkdir(exist_ok=True)
        for number, line in enumerate((folder / QUESTIONS).read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            if row["qtype"] == "Visualization":
                self._charts += 1
                continue
            identity = f"{number:04d}-{row['id']}"  # one id occurs twice
            self._kinds[identity] = row["qsubtype"]
            table = _write_table(folder / "tables" / f"{identity[:24]}.csv", row["table"])
            task = make_task(
                identity,
                row["question"],
                {table.name: table},
                str(row["answer"]),
                category=row["qtype"],
                level=row["qsubtype"],
            )
            self.tasks.append(task)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        task = rollout.job.task
        official = official_score(
            rollout.episode.answer or "", task.reference_text, subtype=self._kinds[task.id]
        )
        paper = await self.paper(rollout)
        return {"correct": paper["paper"], "official": official, **paper}

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        asked = {attempt.task for attempt in attempts}
        in_paper = [a for a in attempts if self._kinds[a.task] != "TrendForecasting"]
        total = average(attempts, "official") * len(asked)
        return {
            "official, over those asked": average(attempts, "official"),
            f"official, over all (with {self._charts} charts as wrong)": total / (len(asked) + self._charts),
            "the paper's rule on the paper's questions": average(in_paper, "paper"),
            "the paper's questions": len({attempt.task for attempt in in_paper}),
        }


def official_score(answer: str, reference: str, *, subtype: str) -> float:
    """Between 0 and 1, by the rule of the question's subtype."""
    said = answer.rpartition("Final Answer:")[2].strip()
    if subtype in ROUGE:
        return rouge_l(said, reference)
    return exact_match(said, reference, tolerance=0.1 if subtype in TOLERANT else None)


def exact_match(said: str, reference: str, *, tolerance: float | None = None) -> float:
    """The share of comma-separated parts that agree, place by place; numbers are rounded half up to the
    fewest decimals that the reference has."""
    expected = [part.strip() for part in reference.split(",")]
    given = [part.strip() for part in said.split(",")]
    numbers = [number for part in expected if (number := _number(part)) is not None]
    places = min(map(_places, numbers), default=0)
    pairs = zip(expected, given, strict=False)
    return sum(_agrees(one, other, tolerance, places) for one, other in pairs) / len(expected)


def _agrees(expected: str, given: str, tolerance: float | None, places: int) -> bool:
    left, right = _number(expected), _number(given)
    if left is None or right is None:
        return expected == given
    if tolerance is not None:
        return abs(left - right) <= Decimal(str(tolerance)) * abs(left)
    return _rounded(left, places) == _rounded(right, places)


def _number(text: str) -> Decimal | None:
    try:
        if text.endswith("%"):
            return _rounded(Decimal(text[:-1]) / 100, 4)
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def rouge_l(said: str, reference: str) -> float:
    """ROUGE-L F1 over lower-cased alphanumeric words."""
    left, right = (re.findall(r"[a-z0-9]+", text.lower()) for text in (said, reference))
    if not left or not right:
        return 0.0
    lengths = [0] * (len(right) + 1)
    for word in left:
        previous = 0
        for column, other in enumerate(right, start=1):
            current = lengths[column]
            lengths[column] = previous + 1 if word == other else max(lengths[column], lengths[column - 1])
            previous = current
    precision, recall = lengths[-1] / len(left), lengths[-1] / len(right)
    return 2 * precision * recall / (precision + recall) if lengths[-1] else 0.0


def _write_table(path: Path, table: dict[str, Any]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table["columns"])
        writer.writerows(table["data"])
    return path
