"""The end of a run: what the whole set decides, the dataset, the funnel, the manifest."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from datamind_gen.ledger import RecordKind
from datamind_gen.ledger.funnel import Cell, Funnel, StageCount
from datamind_gen.ledger.shelf import Lazy, at_hand
from datamind_gen.models.base import Role
from datamind_gen.publish import Dropped, Finished, ModelUse, PublishedDataset, write_dataset
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.manifest import (
    Manifest,
    Tick,
    describe_platform,
    hash_pipeline,
    package_versions,
    read_manifest,
    write_manifest,
)
from datamind_gen.publish.report import write_report
from datamind_gen.rows import (
    Candidate,
    FileFormat,
    Level,
    Query,
    Reason,
    Stage,
    Status,
    encode,
)
from datamind_gen.run.delivered import Delivered
from datamind_gen.run.engine import Engine
from datamind_gen.run.events import Ended
from datamind_gen.run.folder import RunFolder, write_json
from datamind_gen.run.stopping import ExitCode, StopKind
from datamind_gen.run.traffic import Traffic
from datamind_gen.run.waves import read_query
from datamind_gen.spec.pipeline import resolved_yaml
from datamind_gen.spec.queries import CoverageSettings
from datamind_gen.stages.matrix import Gap, find_gaps
from datamind_gen.stages.plan import Cell as PlannedCell
from datamind_gen.stages.plan import find_reach
from datamind_gen.stages.select import select


@dataclass(frozen=True, slots=True)
class Sorted:
    """All rows at the end of the graph, told apart."""

    kept: Sequence[Candidate]
    dropped: Sequence[Dropped]
    queries: Sequence[Query]
    reasons: Counter[Reason]
    """Why the whole set left candidates out."""


def finish_run(
    engine: Engine,
    traffic: Traffic,
    folder: RunFolder,
    *,
    recipe: Mapping[str, bytes],
    started: float,
    ticks: tuple[Tick, ...],
) -> Ended:
    """Publishes what passed, and says how the run ended. Raises OSError where the disk refuses."""
    found = sort_rows(traffic.delivered, engine)
    funnel = make_funnel(engine, found, wave=traffic.wave)
    finished = Finished(
        name=engine.spec.name,
        title=engine.spec.title,
        description=engine.spec.description,
        pipeline_yaml=resolved_yaml(engine.spec),
        recipe=recipe,
        kept=found.kept,
        dropped=found.dropped,
        profiles=dict(engine.profiles),
        paths={file: engine.paths(file) for file in engine.profiles},
        funnel=funnel,
        templates=_templates(engine),
        models=_model_uses(engine, found.kept),
        seed=engine.spec.seed,
        settings=engine.spec.publish,
    )
    published = write_dataset(folder.dataset, finished)
    asked = Counter(query.file_id for query in found.queries)
    why_short = describe_shortfall(
        engine.spec.coverage,
        {file: asked[file] for file in engine.profiles},
        planned=engine.waves.planned,
        limit=engine.waves.limit,
        wave=traffic.wave,
    )
    ended = replace(describe_end(engine, published, why_short), warnings=published.warnings)
    _write_funnel(folder, published.funnel, ended)
    manifest = _manifest(engine, traffic, folder, published, finished.models, ended, started, ticks)
    if (earlier := read_manifest(folder.root)) is not None:
        manifest = manifest.after(earlier)
    write_manifest(folder.root, replace(manifest, gaps=_gaps(engine, funnel)))
    write_report(PublishedRun.open(folder.root), folder.report)
    return ended


def sort_rows(delivered: Delivered, engine: Engine) -> Sorted:
    """Candidates that go out, everything else with its reason, and all queries; each sorted by id."""
    candidates: list[tuple[str, int]] = []
    rest: list[tuple[str, Stage, int]] = []
    queries: dict[str, int] = {}
    for place in delivered.places():
        envelope = delivered.at(place)
        query = read_query(envelope)
        if query is not None:
            queries[query.id] = place
        if envelope.kept:
            candidates.append((envelope.id, place))
        else:
            rest.append((envelope.id, envelope.stage, place))
    candidates.sort()
    unwanted = select(_candidates(delivered, candidates), engine.spec)
    rest += [(id, Stage.PUBLISH, place) for id, place in candidates if id in unwanted]

    def drop(row: tuple[str, Stage, int]) -> Dropped:
        id, stage, place = row
        envelope = delivered.at(place)
        if stage is Stage.PUBLISH:
            return Dropped(id, stage, Status.REJECTED, *unwanted[id], envelope.payload)
        reason = envelope.reason or Reason.INTERNAL
        return Dropped(id, stage, envelope.status, reason, envelope.detail, envelope.payload)

    def query_at(place: int) -> Query:
        query = read_query(delivered.at(place))
        assert query is not None
        return query

    return Sorted(
        kept=_candidates(delivered, [row for row in candidates if row[0] not in unwanted]),
        dropped=at_hand(Lazy(sorted(rest), drop)),
        queries=at_hand(Lazy([queries[id] for id in sorted(queries)], query_at)),
        reasons=Counter(reason for reason, _ in unwanted.values()),
    )


def _candidates(delivered: Delivered, rows: Sequence[tuple[str, int]]) -> Sequence[Candidate]:
    return at_hand(Lazy([place for _, place in rows], delivered.candidate_at))


def make_funnel(engine: Engine, found: Sorted, *, wave: int) -> Funnel:
    """The stages' counts, the whole set's decisions as the last one, and the coverage matrix."""
    late = found.reasons
    last = StageCount(
        stage=Stage.PUBLISH,
        unit="trajectory",
        taken=len(found.kept) + late.total(),
        made=0,
        kept=len(found.kept),
        rejected=tuple(sorted(late.items())),
    )
    return Funnel(stages=(*engine.stage_counts(), last), cells=make_cells(engine, found), wave=wave)


def make_cells(engine: Engine, found: Sorted) -> tuple[Cell, ...]:
    """Queries asked and trajectories kept, by category, format, hops and level."""

    def place(query: Query) -> tuple[str, FileFormat, int, Level]:
        file = engine.profiles[query.file_id].file
        return query.category, file.format, len(query.hops), query.level

    asked = Counter(place(query) for query in found.queries)
    kept = Counter(place(row.query) for row in found.kept)
    return tuple(Cell(*cell, queries=asked[cell], kept=kept[cell]) for cell in sorted(asked | kept))


def _gaps(engine: Engine, funnel: Funnel) -> tuple[Gap, ...]:
    """Which cells stay empty, and why."""
    profiles = [engine.profiles[file] for file in sorted(engine.profiles)]
    if not profiles:
        return ()
    kept = {PlannedCell(cell.category, cell.format.value, cell.hops) for cell in funnel.cells if cell.kept}
    reach = engine.waves.reach or find_reach(engine.spec.queries, engine.taxonomy, profiles)
    return find_gaps(engine.spec, engine.taxonomy, profiles, kept, reach)


def describe_end(engine: Engine, published: PublishedDataset, why_short: str) -> Ended:
    """The exit code, a sentence, and what to do about it; `why_short` is for a run that misses its target."""
    problems = published.funnel.problems()
    if problems:
        return Ended(ExitCode.FAILED, f"the funnel does not add up: {'; '.join(problems)}")
    kept = f"{published.sft:,} trajectories kept"
    if engine.stop is not None and engine.stop.kind is StopKind.BUG:
        return Ended(
            ExitCode.FAILED, f"the engine failed: {engine.stop.message}", "run.log has the traceback"
        )
    if engine.stop is not None:
        return Ended(
            ExitCode.STOPPED,
            f"stopped: {engine.stop.message}; {kept} so far are published",
            "nothing that was settled is lost: run the same command again to go on",
        )
    if not published.sft:
        return Ended(
            ExitCode.FAILED,
            "no trajectory was kept",
            "the funnel says at which stage rows were lost",
        )
    target = engine.spec.coverage.target
    if published.sft >= target:
        return Ended(ExitCode.DONE, kept)
    return Ended(ExitCode.DONE, f"{kept}, short of the {target:,} wanted", why_short)


def describe_shortfall(
    coverage: CoverageSettings, asked: Mapping[str, int], *, planned: int, limit: int | None, wave: int
) -> str:
    """What kept a run that came to its end from asking more; `asked` is how many queries of each file."""
    if limit is not None and planned >= limit:
        return f"--limit {limit:,} allowed no more queries"
    if asked and min(asked.values()) >= coverage.per_file:
        return f"each file was asked its coverage.per_file ({coverage.per_file:,}): raise it, or add files"
    if wave >= coverage.waves:
        return f"coverage.waves ({coverage.waves}) are over: raise it and run again, which adds to this"
    return "the files have room for no more questions: add files, or programs to the taxonomy"


def _write_funnel(folder: RunFolder, funnel: Funnel, ended: Ended) -> None:
    state = {ExitCode.DONE: "finished", ExitCode.STOPPED: "stopped"}.get(ended.code, "failed")
    write_json(
        folder.funnel, {"state": state, "message": ended.message, "funnel": json.loads(encode(funnel))}
    )


def _templates(engine: Engine) -> tuple[tuple[str, str], ...]:
    found = {pair for fingerprint in engine.fingerprints.values() for pair in fingerprint.templates}
    return tuple(sorted(found))


def _model_uses(engine: Engine, kept: Iterable[Candidate]) -> tuple[ModelUse, ...]:
    served = sorted({row.trajectory.served_model for row in kept} - {""})
    return tuple(
        ModelUse(
            role=role.value,
            provider=settings.provider,
            model=settings.model_name,
            served=", ".join(served) if role.value == "expert" else "",
            endpoint=settings.endpoint,
        )
        for role, settings in ((role, engine.spec.models.of(role)) for role in Role)
    )


def _manifest(
    engine: Engine,
    traffic: Traffic,
    folder: RunFolder,
    published: PublishedDataset,
    models: tuple[ModelUse, ...],
    ended: Ended,
    started: float,
    ticks: tuple[Tick, ...],
) -> Manifest:
    now = time.time()
    return Manifest(
        name=engine.spec.name,
        pipeline_sha256=hash_pipeline(published.pipeline),
        outcome={ExitCode.DONE: "finished", ExitCode.STOPPED: "stopped"}.get(ended.code, "failed"),
        message=ended.message,
        started=_iso(started),
        ended=_iso(now),
        wall_s=round(now - started, 3),
        starts=engine.ledger.count(RecordKind.RUN),
        waves=traffic.wave,
        isolation=str(engine.sandbox.isolation),
        models=models,
        usage=engine.crew.usage(),
        python=platform.python_version(),
        platform=describe_platform(),
        cores=os.cpu_count() or 1,
        packages=package_versions(),
        throughput=ticks,
        diversity=published.diversity,
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
