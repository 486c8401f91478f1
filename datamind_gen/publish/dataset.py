"""Writes RUN/dataset: the parquet configs, the data files behind them, the side files, the card.

    published = write_dataset(run / "dataset", finished)

The folder is written beside its place and renamed, so a reader sees the old dataset or the new one, never
half of one. The same rows give the same bytes, whatever order they come in. What a row may not hold
(times, costs, places) goes to the manifest (`manifest.py`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.publish.card import CardFacts, write_card
from datamind_gen.publish.finished import Finished, PublishError
from datamind_gen.publish.licenses import Guarded, guard
from datamind_gen.publish.plots import draw_plots
from datamind_gen.publish.recipe import NAME as PIPELINE
from datamind_gen.publish.recipe import count_left_behind, publish_pipeline, write_parts
from datamind_gen.publish.records import (
    Task,
    make_records,
    make_tasks,
    rejected_table,
    rl_table,
    sft_table,
    sort_dropped,
)
from datamind_gen.publish.schema import SCHEMAS, Config
from datamind_gen.publish.sources import Source, list_sources, write_sources
from datamind_gen.publish.statistics import RowCounts, count_rows
from datamind_gen.publish.train_files import TrainFile, copy_files, place_files
from datamind_gen.spec.publish import LicenseAction
from datamind_gen.stages.diversity import Diversity, measure_diversity

GOLD = "gold_csv_results"
DB_SCHEMA = "db_schema.json"
_GROUP_ROWS = 1_000
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PublishedDataset:
    """What was written."""

    folder: Path
    pipeline: str
    """The text of its pipeline.yaml."""
    sft: int
    rl: int
    rejected: int
    files: int
    """Data files under train_files/."""
    funnel: Funnel
    """The run's funnel with its publish stage: what funnel.json and every table should show."""
    diversity: Diversity
    """Of the questions that were kept, over all files that were read."""
    warnings: tuple[str, ...]
    """What whoever publishes this should know: licences, tasks without a gold table."""


def write_dataset(folder: Path, finished: Finished) -> PublishedDataset:
    """Writes the dataset, in place of an older one.

    Raises PublishError when a data file is gone or has changed since it was read, and OSError when the
    disk does not take it; the older dataset is then still there.
    """
    folder = folder.absolute()
    guarded = guard(finished)
    beside = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        published = _fill(beside, finished, guarded, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _swap(beside, folder)
    return published


def _swap(new: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _fill(folder: Path, finished: Finished, guarded: Guarded, place: Path) -> PublishedDataset:
    counts = count_rows(guarded.kept, finished.profiles)
    placed = _place(finished, counts)
    records = make_records(guarded.kept, placed, finished)
    tasks, without_gold = make_tasks(guarded.kept, placed, finished.profiles)
    dropped = sort_dropped(guarded.dropped)
    shard_rows = finished.settings.shard_rows
    shards = {
        Config.SFT: _write_config(folder, Config.SFT, records, shard_rows, lambda rows, _: sft_table(rows)),
        Config.RL: _write_config(
            folder, Config.RL, tasks, shard_rows, lambda rows, first: rl_table(rows, first_index=first)
        ),
        Config.REJECTED: _write_config(
            folder, Config.REJECTED, dropped, shard_rows, lambda rows, _: rejected_table(rows)
        ),
    }
    copy_files(folder, placed, finished.paths)
    _write_gold(folder, tasks)
    sources = list_sources(counts.by_file, placed, finished.settings.licenses)
    write_sources(folder, sources)
    write_parts(folder, finished.recipe)
    pipeline = publish_pipeline(finished.pipeline_yaml, finished.recipe, placed, finished.profiles)
    (folder / PIPELINE).write_text(pipeline, encoding="utf-8")
    profiles = [finished.profiles[file_id] for file_id in sorted(finished.profiles)]
    diversity = measure_diversity(tuple(counts.queries.values()), profiles)
    plots = draw_plots(folder, guarded.funnel, counts)
    write_card(
        folder,
        CardFacts(
            finished=finished,
            funnel=guarded.funnel,
            shards=shards,
            counts=counts,
            tasks=len(tasks),
            rejected=len(dropped),
            sources=sources,
            plots=plots,
            diversity=diversity,
            left_behind=count_left_behind(finished.pipeline_yaml, placed, finished.profiles),
        ),
    )
    return PublishedDataset(
        folder=place,
        pipeline=pipeline,
        sft=len(records),
        rl=len(tasks),
        rejected=len(dropped),
        files=len(sources),
        funnel=guarded.funnel,
        diversity=diversity,
        warnings=_warnings(sources, without_gold),
    )


def _place(finished: Finished, counts: RowCounts) -> dict[str, tuple[TrainFile, ...]]:
    missing = sorted(counts.by_file.keys() - finished.paths.keys())
    if missing:
        raise PublishError(f"kept rows are about files that were not handed over: {', '.join(missing)}")
    return place_files(finished.profiles[file_id].file for file_id in counts.by_file)


def _write_config(
    folder: Path,
    config: Config,
    rows: Sequence[Row],
    shard_rows: int,
    to_table: Callable[[Sequence[Row], int], pa.Table],
) -> tuple[str, ...]:
    """Writes shards named after their content. Returns their paths in the dataset.

    An empty config is one shard with columns and no rows.
    `datasets` keys its cache by the folder's name and the paths on the card, and every run's folder is
    called `dataset`: without the content in the names, it would answer with the rows of another run.
    """
    (folder / config).mkdir()
    shards = max(1, -(-len(rows) // shard_rows))
    content = hashlib.sha256()
    for shard in range(shards):
        first = shard * shard_rows
        place = folder / config / f"train-{shard:05d}-of-{shards:05d}.parquet"
        with pq.ParquetWriter(place, SCHEMAS[config], compression="zstd") as writer:
            # no group where there are no rows: `datasets` cannot read one
            for start in range(first, min(first + shard_rows, len(rows)), _GROUP_ROWS):
                end = min(start + _GROUP_ROWS, first + shard_rows)
                writer.write_table(to_table(rows[start:end], start))
        with place.open("rb") as written:
            while part := written.read(1 << 20):
                content.update(part)
    prefix = f"train-{content.hexdigest()[:8]}-"
    return tuple(
        f"{config.value}/{place.rename(place.with_name(place.name.replace('train-', prefix, 1))).name}"
        for place in sorted((folder / config).iterdir())
    )


def _write_gold(folder: Path, tasks: Sequence[Task]) -> None:
    """Gold tables and schema texts as the released data has them: one of each a database task.

    Schema texts are listed by task and by database, so that either id finds them.
    """
    (folder / GOLD).mkdir()
    schemas: dict[str, str] = {}
    for task in tasks:
        if task.task_id is None or task.db_id is None:
            continue
        (folder / GOLD / f"{task.task_id}.csv").write_bytes(task.ground_truth.encode("utf-8", "replace"))
        schemas[task.db_id] = schemas[task.task_id] = task.profile.ddl
    listed = [{"id": key, "omni_db_ddl": ddl} for key, ddl in sorted(schemas.items())]
    text = json.dumps(listed, ensure_ascii=False, indent=1)
    (folder / DB_SCHEMA).write_bytes((text + "\n").encode("utf-8", "replace"))


def _warnings(sources: Sequence[Source], without_gold: Sequence[str]) -> tuple[str, ...]:
    warnings = [
        f"{source.path}: licence {source.license!r} ({source.license_class}); write `license: NAME` under "
        "its source, or list it under `publish.licenses`"
        for source in sources
        if source.action is LicenseAction.WARN
    ]
    if without_gold:
        warnings.append(
            f"{len(without_gold)} database queries have neither a reference nor a result CSV and are left "
            f"out of `rl`: {', '.join(without_gold[:3])}{' …' if len(without_gold) > 3 else ''}"
        )
    return tuple(warnings)
