"""QRData: 411 statistical and causal questions over data sheets, scored by the paper's rule.

Numbers count within 3 %, multiple choice exactly; with `evaluate.rewards.judge` a model settles the rest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datamind_gen.rows import Answer, AnswerType
from trainers.attempts import Attempt, average
from trainers.benchmarks.base import FolderBenchmark, make_task
from trainers.rollouts import Rollout

QUESTIONS, DATA = "QRData.json", "data"


class QRData(FolderBenchmark):
    needs = (QUESTIONS, DATA)
    expects = f"a folder with {QUESTIONS} and {DATA}/"

    def read(self, folder: Path) -> None:
        for number, row in enumerate(json.loads((folder / QUESTIONS).read_text(encoding="utf-8"))):
            about = row["meta_data"]
            chosen = about["question_type"] == "multiple_choice"
            asked = f"{row['data_description']}\n{row['question']}"
            if chosen:
                asked += "\n" + "\n".join(about["multiple_choices"])
            task = make_task(
                f"{number:03d}",
                row["question"],
                {name: folder / DATA / name for name in row["data_files"]},
                _reference(str(row["answer"]), chosen=chosen),
                category=(about.get("keywords") or ["unknown"])[0],
                level=about["question_type"],
                asked=asked,
            )
            self.tasks.append(task)

    async def score(self, rollout: Rollout) -> dict[str, float]:
        scores = await self.paper(rollout)
        return {"correct": scores["paper"], **scores}

    def measures(self, attempts: Sequence[Attempt]) -> dict[str, Any]:
        return {"the paper's score (0.9 answer + 0.1 form)": average(attempts, "paper_score")}


def _reference(text: str, *, chosen: bool) -> Answer:
    if chosen:
        return Answer(AnswerType.LABEL, text, text)
    number = float(text.rstrip("%"))
    kind = AnswerType.PERCENT if text.endswith("%") else AnswerType.NUMBER
    return Answer(kind, text, number, unit="%" if kind is AnswerType.PERCENT else None)
