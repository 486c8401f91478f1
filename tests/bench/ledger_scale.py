"""What a run costs when its ledger is large: open, status, resume, set-wide decisions, publishing, report.

    python -m tests.bench.ledger_scale [--rows 1000000] [--keep DIR]

Writes a synthetic ledger: ROWS queries over ROWS/1000 files, each with the filter's result (one trajectory
kept and one left out, some 3 KB of JSON each) and five model replies. Each phase runs in its own process.
`resume` takes every row through the engine's filter stage, as starting again does; what follows publishes
what came out. Seconds of wall and of CPU, and the process's memory at its highest.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from datamind_gen.ledger import Ledger, RecordKind
from datamind_gen.models.base import ChatReply, FinishReason
from datamind_gen.models.router import Models
from datamind_gen.models.usage import ModelUsage
from datamind_gen.prompts.render import Prompts
from datamind_gen.publish import Finished, write_dataset
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.report import write_report
from datamind_gen.rows import (
    Candidate,
    DataFile,
    Origin,
    Profile,
    Reason,
    Stage,
    Status,
    Usage,
    Verdict,
    dump_json,
    encode,
    hash_text,
    make_id,
)
from datamind_gen.run.engine import Engine
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.finish import make_funnel, sort_rows
from datamind_gen.run.flow import FLOW
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.keys import result_key
from datamind_gen.run.snapshot import take_snapshot
from datamind_gen.run.status import read_status
from datamind_gen.run.traffic import Traffic
from datamind_gen.run.waves import settle
from datamind_gen.spec.loader import load_pipeline
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.write import Assigned
from datamind_gen.taxonomy import load_taxonomy
from tests.bench.run_overhead import make_file, make_profile, make_query, make_trajectory

ROWS_A_FILE = 1000
WORDS = tuple("mean median total share growth lowest highest spread count ratio trend gap".split())  # noqa: SIM905


class NoModels(Models):
    """Nobody to ask: everything is recorded."""

    def __init__(self) -> None:
        super().__init__({})

    def usage(self) -> tuple[ModelUsage, ...]:
        return ()


@contextmanager
def measured(name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took, worked = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<34} {took:>9.1f} {worked:>9.1f} {peak:>10,.0f}", flush=True)


def in_a_process(phase: Callable[[Path, int], None], place: Path, rows: int) -> None:
    """Memory's highest is a process's own, so each phase has one."""
    process = multiprocessing.get_context("spawn").Process(target=phase, args=(place, rows))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{phase.__name__} ended with {process.exitcode}")


def make_files(place: Path, rows: int) -> list[DataFile]:
    (place / "files").mkdir(exist_ok=True)
    count = max(1, rows // ROWS_A_FILE)
    return [make_file(number, place / "files" / f"table_{number}.csv") for number in range(count)]


def open_engine(place: Path, ledger: Ledger, profiles: list[Profile]) -> Engine:
    engine = Engine(
        spec=load_pipeline("quickstart").spec,
        ledger=ledger,
        prompts=Prompts(None),
        taxonomy=load_taxonomy("data_analysis"),
        sandbox=None,  # type: ignore[arg-type]
        models=NoModels(),
        paths={
            profile.file.id: {profile.file.name: place / "files" / profile.file.name} for profile in profiles
        },
        flow={Stage.FILTER: FLOW[Stage.FILTER]},
    )
    for profile in profiles:
        engine.learn(profile.file.id, profile)
    return engine


def envelope_of(number: int, profile: Profile) -> Envelope:
    payload = dump_json({"group": number})
    return Envelope(
        make_id("group", str(number)), profile.file.id, 1, Stage.JUDGE, Status.KEPT, payload=payload
    )


def make_result(number: int, profile: Profile) -> str:
    """What the filter recorded for a group: one trajectory kept, one not chosen."""
    planned = Assignment(
        make_id("assignment", str(number)), 1, profile.file.id, "counting", 1, Origin.PROGRAM, number
    )
    query = make_query(Assigned(planned, profile))
    verdict = Verdict(True, "rule", 0, (0,), 1.0)
    ends = []
    for sample, (status, reason) in enumerate(((Status.KEPT, None), (Status.REJECTED, Reason.NOT_CHOSEN))):
        trajectory = make_trajectory(query)
        id = make_id("candidate", query.id, str(sample))
        row = encode(Candidate(id, query, trajectory, verdict))
        ends.append([id, status.value, reason.value if reason else None, "", row, False])
    return dump_json(ends)


def write(place: Path, rows: int, replies: int = 5) -> None:
    profiles = [make_profile(file) for file in make_files(place, rows)]
    with measured("write the ledger"), Ledger.open(place / "ledger") as ledger:
        engine = open_engine(place, ledger, profiles)
        fingerprint = engine.fingerprints[Stage.FILTER]
        for number in range(rows):
            profile = profiles[number % len(profiles)]
            for turn in range(replies):
                words = " ".join(WORDS[(number + turn * step) % len(WORDS)] for step in range(60))
                reply = ChatReply(
                    text=f"<think>{words}</think>{number}",
                    finish_reason=FinishReason.STOP,
                    usage=Usage(400 + turn, 80),
                )
                ledger.put(RecordKind.REPLY, hash_text("reply", str(number), str(turn)), encode(reply))
            key = result_key(fingerprint, envelope_of(number, profile).payload)
            ledger.put(RecordKind.RESULT, key, make_result(number, profile))


def open_again(place: Path, rows: int) -> None:
    with measured("open"), Ledger.open(place / "ledger") as ledger:
        found = ledger.count(RecordKind.RESULT), ledger.count(RecordKind.REPLY)
    assert found[0] == rows, found


def open_without_indexes(place: Path, rows: int) -> None:
    for index in (place / "ledger").glob("*.index"):
        index.unlink()
    with measured("open after kill -9 (no index)"), Ledger.open(place / "ledger") as ledger:
        assert ledger.count(RecordKind.RESULT) == rows


def look(place: Path, rows: int) -> None:
    with measured("status"):
        assert read_status(place).results == rows


def resume_and_publish(place: Path, rows: int) -> None:
    asyncio.run(_resume_and_publish(place, rows))


async def _resume_and_publish(place: Path, rows: int) -> None:
    files = make_files(place, rows)
    profiles = [make_profile(file) for file in files]
    folder = RunFolder(place)
    with Ledger.open(folder.ledger) as ledger:
        engine = open_engine(place, ledger, profiles)
        traffic = Traffic(engine, files)
        with measured("resume"):
            for number in range(rows):
                for row in await traffic.step(
                    Stage.FILTER, envelope_of(number, profiles[number % len(profiles)])
                ):
                    traffic.deliver(row)
        # `take_snapshot` reads the tallies of all stages; here there is one
        with measured("1000 snapshots for the display"):
            for _ in range(1000):
                take_snapshot(engine, traffic, None)
        with measured("settle a wave"):
            settled = settle(traffic.delivered, engine)
        assert sum(query.kept_trajectories for query in settled) == rows
        del settled
        with measured("sort and set-wide rules"):
            found = sort_rows(traffic.delivered, engine)
        funnel = make_funnel(engine, found, wave=1)
        finished = Finished(
            "bench", "", "name: bench\n", {}, found.kept, found.dropped, dict(engine.profiles),
            {file.id: engine.paths(file.id) for file in files}, funnel, (), (), 0,
        )  # fmt: skip
        with measured("publish"):
            assert write_dataset(folder.dataset, finished).sft == rows
    with measured("report"):
        report = write_report(PublishedRun.open(place), folder.report)
    print(f"report.html: {report.size / 1e6:.1f} MB, text of {report.readable:,} of {report.cases:,} queries")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="use this folder, and leave it there")
    arguments = parser.parse_args()
    place = arguments.keep or Path(tempfile.mkdtemp(prefix="ledger-scale-"))
    place.mkdir(parents=True, exist_ok=True)
    rows: int = arguments.rows
    try:
        print(f"{'':<34} {'wall, s':>9} {'CPU, s':>9} {'peak, MB':>10}")
        if not (place / "ledger").exists():
            in_a_process(write, place, rows)
        size = sum(path.stat().st_size for path in (place / "ledger").iterdir())
        for phase in (open_again, open_without_indexes, look, resume_and_publish):
            in_a_process(phase, place, rows)
        print(f"{rows:,} rows, ledger of {size / 1e9:.2f} GB on disk")
    finally:
        if arguments.keep is None:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
