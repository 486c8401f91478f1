"""A finished run to publish: real files on disk, rows of every kind, nothing that was really sampled."""

from __future__ import annotations

import csv
import hashlib
import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from openpyxl import Workbook

from datamind_gen.ledger.funnel import Cell, Funnel, StageCount
from datamind_gen.models.base import Role
from datamind_gen.models.usage import ModelUsage
from datamind_gen.publish import Dropped, Finished, ModelUse
from datamind_gen.publish.manifest import Manifest, Tick
from datamind_gen.rows import (
    Answer,
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
    Reason,
    SemanticType,
    Slot,
    Stage,
    Status,
    StopReason,
    Table,
    Trajectory,
    Turn,
    Usage,
    Verdict,
    encode,
    make_id,
)
from datamind_gen.spec.publish import PublishSettings

CATEGORIES = ("aggregation", "ranking", "correlation", "anomaly_detection", "multi_hop_fact")
SYSTEM = "You are an expert-level data analyst. Use <think>, <code>, <interpreter> and <answer> tags."
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><b>bold</b> | pipe ``` fence"
PIPELINE = """\
name: sample
seed: 7
sample: {samples: 3, turns: 10, temperature: 0.7}
judge: {methods: [rule, model], require: all, keep: best}
reflect: {rounds: 1}
rules:
- format
- answer_length: {max_tokens: 1024}
"""


def write_files(folder: Path) -> dict[str, Path]:
    """Real files, two of them with one name: key -> path."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        "north": folder / "north" / "sales.csv",
        "south": folder / "south" / "sales.csv",
        "book": folder / "survey 2024 – Übersicht.xlsx",
        "database": folder / "shop.sqlite",
    }
    for key in ("north", "south"):
        paths[key].parent.mkdir(exist_ok=True)
        with paths[key].open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["region", "units", "note"])
            writer.writerows([[key, n, HOSTILE if n == 3 else "ok"] for n in range(20)])
    book = Workbook()
    book.active.append(["name", "score"])
    book.active.append(["Ana", 3.5])
    book.save(paths["book"])
    with sqlite3.connect(paths["database"]) as database:
        database.execute("create table if not exists orders (id integer primary key, total real)")
        database.executemany("insert or replace into orders values (?, ?)", [(1, 9.5), (2, 20.25)])
    database.close()
    return paths


def make_profile(path: Path, kind: FileFormat, license: str, ddl: str = "") -> Profile:
    raw = path.read_bytes()
    part = FilePart(name=path.name, sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))
    file = DataFile(make_id("file", part.sha256), path.name, path.parent.name, kind, (part,), license)
    column = Column("units", "int", SemanticType.NUMBER, 20, 0, 20)
    plan = ReadPlan(path.name, (), f"df = pd.read_csv('data/files/{path.name}')")
    return Profile(make_id("profile", file.id), file, (Table(path.stem, 20, (column,), 1, plan),), ddl=ddl)


def make_query(profile: Profile, number: int, rng: random.Random) -> Query:
    category = CATEGORIES[number % len(CATEGORIES)]
    is_program = rng.random() < 0.7
    is_database = profile.file.format.is_database
    answer = (
        Answer(AnswerType.TABLE, "2 rows", ((1, 9.5), (2, 20.25)), columns=("id", "total"))
        if is_database
        else Answer(AnswerType.NUMBER, f"{number * 1.5:.2f}", number * 1.5, decimals=2)
    )
    topic = HOSTILE if number == 4 else "the top region"
    hops = tuple(
        Hop(
            category=category,
            question=f"Which region sold most in step {step + 1}?",
            phrase="the region with the most units",
            program=f"{category}/top_group" if is_program else None,
            slots=(Slot("measure", column="units", table=profile.tables[0].name), Slot("n", value=3)),
            wiring="filter" if step else None,
            reference=answer if is_program else None,
        )
        for step in range(1 + number % 3)
    )
    return Query(
        id=make_id("query", profile.id, str(number)),
        file_id=profile.file.id,
        question=f"Question {number} about {profile.file.name}: what are the units of {topic}?",
        category=category,
        hops=hops,
        level=list(Level)[number % 4],
        origin=Origin.PROGRAM if is_program else Origin.MODEL,
        tables=(profile.tables[0].name,),
        answer_type=answer.type,
        reference=answer if is_program else None,
        template="write_query.jinja",
        misread="other_column" if number == 5 else None,
    )


def make_trajectory(profile: Profile, query: Query, sample: int, rng: random.Random) -> Trajectory:
    name = profile.file.parts[0].name
    is_database = profile.file.format.is_database
    prompt = (
        Message("system", SYSTEM),
        Message("user", f"{query.question}\n**The data source path is 'data/files/{name}'.**"),
    )
    turns = []
    for number in range(1 + rng.randrange(4)):
        failed = number == 0 and rng.random() < 0.2
        body = (
            'execute_sql(sql="select id, total from orders", output_path="result.csv")'
            if is_database
            else "import pandas as pd\n# look at the data\n"
            f"df = pd.read_csv('data/files/{name}')\nprint(df.head({number + 3}))"
        )
        thought = f"Step {number + 1}: I look at `{name}` & think <hard>."
        output = "KeyError: 'unitz'" if failed else f"region units {HOSTILE}\n0 north {rng.randrange(100)}"
        report = f"The code run {'failed' if failed else 'successfully'}:\n{output}"
        turns.append(
            Turn(
                text=f"<think>\n{thought}\n</think>\n<code>\n```python\n{body}\n```\n</code>",
                thought=thought,
                code=body,
                observation=f"<interpreter>\n{report}\n</interpreter>",
                status="error" if failed else "ok",
                finish_reason="stop",
                usage=Usage(400 + 10 * number, 60),
            )
        )
    answer = "'result.csv'" if is_database else (query.reference.text if query.reference else "42")
    turns.append(
        Turn(
            text=f"<think>\nI know it now.\n</think>\n<answer>\n{answer}\n</answer>",
            thought="I know it now.",
            code=None,
            observation=None,
            finish_reason="stop",
            usage=Usage(700, 20),
        )
    )
    return Trajectory(
        id=make_id("trajectory", query.id, str(sample)),
        query_id=query.id,
        sample=sample,
        round=0,
        prompt=prompt,
        turns=tuple(turns),
        stop=StopReason.ANSWERED,
        answer=answer,
        result_csv="id,total\n1,9.5\n2,20.25\n" if is_database else None,
        model="scripted",
        served_model="scripted-1",
        sampling=(("temperature", 0.7), ("max_tokens", 4096)),
        seed=sample + 11,
        isolation="full",
        faults=("wrong_column",) if rng.random() < 0.1 else (),
    )


def make_finished(folder: Path, queries: int = 24, *, settings: PublishSettings | None = None) -> Finished:
    """A run over four files; each sixth query's samples disagree, each fifth keeps two trajectories."""
    rng = random.Random(5)
    found = write_files(folder)
    profiles = [
        make_profile(found["north"], FileFormat.CSV, "CC0-1.0"),
        make_profile(found["south"], FileFormat.CSV, "CC-BY-4.0"),
        make_profile(found["book"], FileFormat.XLSX, "unknown"),
        make_profile(found["database"], FileFormat.SQLITE, "MIT", ddl="CREATE TABLE orders (id, total)"),
    ]
    kept: list[Candidate] = []
    dropped = [_unreadable()]
    cells: Counter[tuple[str, FileFormat, int, Level]] = Counter()
    kept_cells: Counter[tuple[str, FileFormat, int, Level]] = Counter()
    for number in range(queries):
        profile = profiles[number % len(profiles)]
        query = make_query(profile, number, rng)
        samples = tuple(make_trajectory(profile, query, sample, rng) for sample in range(3))
        key = (query.category, profile.file.format, len(query.hops), query.level)
        cells[key] += 1
        if number % 6 == 5:
            verdict = Verdict(False, "rule", None, (), 1 / 3, "The three answers differ.")
            group = Group(make_id("group", query.id), query, samples, (verdict,))
            dropped.append(
                Dropped(group.id, Stage.REFLECT, Status.REJECTED, Reason.INCONSISTENT, "1/3", encode(group))
            )
            continue
        verdict = Verdict(True, "rule+model", 1, (1, 0, 2), 1.0, "All say the same.")
        for place, sample in enumerate(verdict.agreeing):
            id = make_id("candidate", samples[sample].id)
            row = Candidate(id, query, samples[sample], verdict, "full", rank=place)
            if place <= (number % 5 == 0):
                kept.append(row)
                kept_cells[key] += 1
            else:
                dropped.append(
                    Dropped(
                        row.id,
                        Stage.JUDGE,
                        Status.REJECTED,
                        Reason.NOT_CHOSEN,
                        "another is best",
                        encode(row),
                    )
                )
    return Finished(
        name="sample",
        description="A sample run, for tests.",
        pipeline_yaml=PIPELINE,
        recipe={},
        kept=tuple(kept),
        dropped=tuple(dropped),
        profiles={profile.file.id: profile for profile in profiles},
        paths={
            profile.file.id: {profile.file.parts[0].name: path}
            for profile, path in zip(profiles, found.values(), strict=True)
        },
        funnel=_funnel(queries, kept, dropped, cells, kept_cells),
        templates=(("react_system.jinja", "a" * 64), ("judge_consistency.jinja", "b" * 64)),
        models=(
            ModelUse("expert", "scripted", "scripted", "scripted-1", "embedded"),
            ModelUse("judge", "openai", "gpt-4o-mini", "gpt-4o-mini-2024", "http://10.0.0.1:8000/v1"),
        ),
        seed=7,
        settings=settings or PublishSettings(),
    )


def shuffled(finished: Finished, seed: int) -> Finished:
    """The same rows in another order of arrival."""
    rng = random.Random(seed)
    return replace(
        finished,
        kept=tuple(rng.sample(finished.kept, len(finished.kept))),
        dropped=tuple(rng.sample(finished.dropped, len(finished.dropped))),
        profiles=dict(rng.sample(sorted(finished.profiles.items()), len(finished.profiles))),
    )


def _unreadable() -> Dropped:
    file = DataFile(
        make_id("file", "x"),
        "broken.xlsx",
        "x",
        FileFormat.XLSX,
        (FilePart("broken.xlsx", "0" * 64, 3),),
        "MIT",
    )
    return Dropped(file.id, Stage.READ, Status.FAILED, Reason.CORRUPT, "not a zip archive", encode(file))


def _funnel(
    queries: int,
    kept: Sequence[Candidate],
    dropped: Sequence[Dropped],
    cells: Counter[tuple[str, FileFormat, int, Level]],
    kept_cells: Counter[tuple[str, FileFormat, int, Level]],
) -> Funnel:
    unchosen = sum(row.reason is Reason.NOT_CHOSEN for row in dropped)
    groups = sum(row.reason is Reason.INCONSISTENT for row in dropped)
    stages = (
        StageCount(Stage.READ, "file", 5, 0, 4, failed=((Reason.CORRUPT, 1),)),
        StageCount(Stage.WRITE, "query", 0, queries, queries),
        StageCount(
            Stage.REFLECT, "group", queries, 0, queries - groups, rejected=((Reason.INCONSISTENT, groups),)
        ),
        StageCount(
            Stage.FILTER,
            "trajectory",
            0,
            len(kept) + unchosen,
            len(kept),
            rejected=((Reason.NOT_CHOSEN, unchosen),),
        ),
    )
    return Funnel(
        stages,
        tuple(Cell(*key, queries=cells[key], kept=kept_cells[key]) for key in sorted(cells)),
    )


def make_manifest() -> Manifest:
    """What a run beside the dataset leaves: two models, one of them without a known price."""
    usage = ModelUsage(
        model="scripted",
        endpoint="embedded",
        roles=(Role.AUTHOR, Role.EXPERT),
        calls=310,
        replayed=12,
        retries=0,
        rate_limited=0,
        failed=0,
        prompt_tokens=120_000,
        completion_tokens=9_000,
        uncounted=0,
        tokens_at_most=129_000,
        usd=0.5,
        usd_at_most=0.5,
        priced=True,
        in_flight=0,
        waiting=0,
        limit=8,
        down_s=0.0,
        last_error=None,
    )
    judge = replace(usage, model="gpt-4o-mini", roles=(Role.JUDGE,), calls=24, uncounted=2, usd=None)
    return Manifest(
        name="sample",
        pipeline_sha256="c" * 64,
        outcome="stopped",
        message="the budget of 1 usd is spent",
        started="2025-01-02T03:04:05+00:00",
        ended="2025-01-02T03:14:05+00:00",
        wall_s=600.0,
        starts=2,
        waves=1,
        isolation="full",
        models=(),
        usage=(usage, judge),
        python="3.11.9",
        platform="Linux x86_64 glibc 2.36",
        cores=2,
        packages=(("pandas", "3.1.1"),),
        throughput=tuple(Tick(60.0 * n, settled=20 * n, kept=2 * n) for n in range(11)),
    )
