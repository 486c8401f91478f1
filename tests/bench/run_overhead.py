"""What a row costs when nothing is asked of a model: spec, graph, engine, ledger, publishing.

    python -m tests.bench.run_overhead [ROWS]

Ours takes ROWS questions about a hundred files through the real graph, engine and ledger, with stages
that only hand on a row of realistic size, and publishes them. Beside it, in the same run, plain
distilabel takes the same number of rows through as many no-op steps with its defaults (batch 50).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from datamind_gen.ledger import Ledger
from datamind_gen.ledger.funnel import Funnel
from datamind_gen.prompts.render import Prompts
from datamind_gen.publish import Finished, write_dataset
from datamind_gen.rows import (
    AnswerType,
    Candidate,
    Column,
    DataFile,
    FileFormat,
    FilePart,
    Group,
    Hop,
    Level,
    Message,
    Origin,
    Profile,
    Query,
    ReadPlan,
    SemanticType,
    Stage,
    StopReason,
    Trajectory,
    Turn,
    Verdict,
    decode,
    hash_text,
    make_id,
)
from datamind_gen.rows import (
    Table as DataTable,
)
from datamind_gen.run.engine import Engine
from datamind_gen.run.flow import FLOW, Step
from datamind_gen.run.job import Job
from datamind_gen.run.server import StepServer
from datamind_gen.run.traffic import Traffic
from datamind_gen.spec.loader import load_pipeline
from datamind_gen.stages.base import Outcome, kept
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.write import Assigned
from datamind_gen.taxonomy import load_taxonomy

FILES = 100
CODE = "import pandas as pd\ndf = pd.read_csv('data/files/table.csv')\nprint(df.head(3))\n" * 4
STEPS = 10


class HandOn:
    """A stage that only makes the next row."""

    version = 1

    def __init__(self, real: Any) -> None:
        self.name = real.name
        self.unit = real.unit

    def settings(self, spec: object) -> str:
        return "{}"

    def templates(self) -> tuple[str, ...]:
        return ()

    async def run(self, row: Any, services: Any) -> Sequence[Outcome[Any]]:
        match self.name:
            case Stage.PROFILE:
                return [kept(row.id, make_profile(row))]
            case Stage.WRITE:
                query = make_query(row)
                return [kept(query.id, query)]
            case Stage.SAMPLE:
                group = Group(make_id("group", row.id), row, (make_trajectory(row),))
                return [kept(group.id, group)]
            case Stage.JUDGE:
                verdict = Verdict(True, "rule", 0, (0,), 1.0)
                return [kept(row.id, Group(row.id, row.query, row.trajectories, (verdict,)))]
            case Stage.FILTER:
                candidate = Candidate(
                    make_id("candidate", row.id), row.query, row.trajectories[0], row.verdicts[0]
                )
                return [kept(candidate.id, candidate)]
            case _:
                return [kept(row.id, row)]


def make_file(number: int, path: Path) -> DataFile:
    path.write_text(f"a,b\n{number},1\n", encoding="utf-8")
    data = path.read_bytes()
    part = FilePart(path.name, hashlib.sha256(data).hexdigest(), len(data))
    return DataFile(make_id("file", str(number)), path.name, "bench", FileFormat.CSV, (part,), "CC0-1.0")


def make_profile(file: DataFile) -> Profile:
    column = Column("a", "int", SemanticType.NUMBER, 1, 0, 1)
    plan = ReadPlan(file.name, (), f"df = pd.read_csv('data/files/{file.name}')")
    return Profile(make_id("profile", file.id), file, (DataTable("t", 1, (column,), 1, plan),))


def make_query(row: Assigned) -> Query:
    number = row.assignment.index
    question = f"What is the {hash_text(str(number))[:12]} of column a in row {number}?"
    return Query(
        id=make_id("query", row.assignment.id),
        file_id=row.profile.file.id,
        question=question,
        category="counting",
        hops=(Hop("counting", question, "the value"),),
        level=Level.EASY,
        origin=Origin.PROGRAM,
        tables=("t",),
        answer_type=AnswerType.NUMBER,
    )


def make_trajectory(query: Query) -> Trajectory:
    observation = "<interpreter>\nThe code run successfully:\n" + "1 2 3\n" * 40 + "</interpreter>"
    turn = Turn(
        f"<think>Look.</think>\n<code>\n```python\n{CODE}```\n</code>", "Look.", CODE, observation, "ok"
    )
    last = Turn("<think>Done.</think>\n<answer>1</answer>", "Done.", None, None)
    prompt = (Message("system", "You are an analyst. " * 60), Message("user", query.question))
    return Trajectory(
        make_id("trajectory", query.id), query.id, 0, 0, prompt, (turn, turn, last), StopReason.ANSWERED, "1"
    )


class FixedWaves:
    """One wave with so many questions a file."""

    limit = None

    def __init__(self, files: Sequence[DataFile], rows: int) -> None:
        self._plan = tuple(
            Assignment(make_id("assignment", str(number)), 1, file.id, "counting", 1, Origin.PROGRAM, number)
            for number in range(rows)
            for file in [files[number % len(files)]]
        )
        self.planned = rows

    async def plan(self, wave: int) -> tuple[Assignment, ...]:
        return self._plan

    async def start_next(self, wave: int, delivered: object) -> bool:
        return False


async def run_ours(rows: int, place: Path) -> tuple[float, float, int]:
    """Seconds through the graph, seconds for publishing, rows published."""
    files = [make_file(number, place / f"table_{number}.csv") for number in range(FILES)]
    paths = {file.id: {file.name: place / file.name} for file in files}
    flow = {
        stage: Step(HandOn(step.runner), step.row, step.makes, step.takes)
        for stage, step in FLOW.items()  # type: ignore[arg-type]
    }
    spec = load_pipeline("quickstart").spec
    with Ledger.open(place / "ledger") as ledger:
        engine = Engine(
            spec=spec,
            ledger=ledger,
            prompts=Prompts(None),
            taxonomy=load_taxonomy("data_analysis"),
            sandbox=None,  # type: ignore[arg-type]
            models=None,  # type: ignore[arg-type]
            paths=paths,
            flow=flow,
        )
        engine.waves = FixedWaves(files, rows)  # type: ignore[assignment]
        traffic = Traffic(engine, files)
        server = StepServer(traffic, Job("", (), str(place)), on_lost=lambda step: sys.exit(f"lost {step}"))
        await server.start(place / "socket")
        started = time.perf_counter()
        graph = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "datamind_gen.run.dag"),
            *(str(place / "socket"), str(place / "run.log"), str(os.getpid())),
            stderr=subprocess.DEVNULL,
        )
        await server.finished.wait()
        await graph.wait()
        moved = time.perf_counter() - started
        await server.close()
        candidates = tuple(decode(Candidate, found.payload) for found in traffic.delivered.values())
        finished = Finished(
            "bench", "", "name: bench\n", {}, candidates, (), dict(engine.profiles), paths,
            Funnel(engine.stage_counts()), (), (), 0,
        )  # fmt: skip
        published = write_dataset(place / "dataset", finished)
    return moved, time.perf_counter() - started - moved, published.sft


PLAIN = """
import sys
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, StepInput, step

@step(inputs=["id", "payload"], outputs=["id", "payload"])
def noop(inputs: StepInput):
    yield inputs

with Pipeline(name="plain", cache_dir=sys.argv[2]) as pipeline:
    rows = [{"id": str(number), "payload": "x" * 4000} for number in range(int(sys.argv[1]))]
    previous = LoadDataFromDicts(data=rows)
    for number in range(int(sys.argv[3])):
        current = noop(name=f"noop_{number}")
        previous >> current
        previous = current

if __name__ == "__main__":
    assert len(pipeline.run(use_cache=False)["default"]["train"]) == int(sys.argv[1])
"""


def run_plain(rows: int, place: Path) -> float:
    """Seconds that plain distilabel takes for as many rows through as many steps."""
    script = place / "plain.py"
    script.write_text(PLAIN, encoding="utf-8")
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, str(script), str(rows), str(place / "cache"), str(STEPS - 1)],
        check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - started


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        moved, published, count = asyncio.run(run_ours(rows, place))
        plain = run_plain(rows, place)
    table = Table(title=f"{rows:,} rows, {STEPS} steps, no model")
    for name in ("", "seconds", "ms a row", "of plain distilabel"):
        table.add_column(name, justify="left" if not name else "right")
    for name, seconds in (
        ("ours: graph, engine, ledger", moved),
        (f"ours: publishing ({count:,} rows)", published),
        ("ours in all", moved + published),
        ("plain distilabel, its defaults", plain),
    ):
        table.add_row(name, f"{seconds:.1f}", f"{1000 * seconds / rows:.2f}", f"{seconds / plain:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
