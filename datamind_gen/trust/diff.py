"""Diff: what is different between two runs, from their settings to their rows and what each row cost.

    diff = compare_runs(one, other)

Rows are told apart by id: the same id stands for the same sample of the same query, so a run that only
judged or filtered differently gains and loses rows, and changes none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

import pyarrow.parquet as pq

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.manifest import Manifest, read_manifest
from datamind_gen.rows import dump_json, hash_text
from datamind_gen.trust.published import find_dataset
from datamind_gen.trust.settings import flatten, read_settings


@dataclass(frozen=True, slots=True)
class Change:
    """One setting. JSON text; None where a run does not have it."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class StageChange:
    """What one stage kept, and why it did not keep the rest."""

    stage: str
    taken: tuple[int, int]
    kept: tuple[int, int]
    reasons: tuple[tuple[str, int, int], ...]
    """Rejections and failures, by reason: before and after."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number is distributed over the rows. None of an empty dataset."""

    mean: float | None
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class SpreadChange:
    name: str
    before: Spread
    after: Spread


@dataclass(frozen=True, slots=True)
class CountChange:
    """Rows by some value of theirs."""

    name: str
    counts: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run's rows cost. None is unknown, never zero."""

    rows: int
    calls: int | None
    tokens_per_row: float | None
    usd_per_row: float | None
    wall_s_per_row: float | None


@dataclass(frozen=True, slots=True)
class Diff:
    settings: tuple[Change, ...]
    funnel: tuple[StageChange, ...]
    spreads: tuple[SpreadChange, ...]
    counts: tuple[CountChange, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    changed: tuple[str, ...]
    """In both, with other contents."""
    same: int
    cost: tuple[Cost, Cost]

    @property
    def is_empty(self) -> bool:
        """Whether settings and rows are the same."""
        return not (self.settings or self.gained or self.lost or self.changed)


def compare_runs(before: Path, after: Path) -> Diff:
    """All that is different. Takes run directories or datasets. Raises NotPublished."""
    one, other = _Rows.read(before), _Rows.read(after)
    both = one.digests.keys() & other.digests.keys()
    changed = sorted(id for id in both if one.digests[id] != other.digests[id])
    return Diff(
        settings=tuple(_compare_settings(read_settings(before), read_settings(after))),
        funnel=tuple(_compare_funnels(PublishedRun.open(before).funnel(), PublishedRun.open(after).funnel())),
        spreads=tuple(
            SpreadChange(name, _spread(one.numbers[name]), _spread(other.numbers[name]))
            for name in one.numbers
        ),
        counts=tuple(CountChange(name, _pair(one.kinds[name], other.kinds[name])) for name in one.kinds),
        gained=tuple(sorted(other.digests.keys() - both)),
        lost=tuple(sorted(one.digests.keys() - both)),
        changed=tuple(changed),
        same=len(both) - len(changed),
        cost=(_cost(before, len(one.digests)), _cost(after, len(other.digests))),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is compared of the published rows of one run."""

    digests: dict[str, str]
    numbers: dict[str, list[int]]
    kinds: dict[str, Counter[str]]

    @classmethod
    def read(cls, run: Path) -> _Rows:
        rows = cls(
            {},
            {name: [] for name in ("turns", "assistant characters", "all characters", "answer characters")},
            {name: Counter() for name in ("answer type", "category", "level", "format", "hops", "origin")},
        )
        for path in sorted((find_dataset(run) / "sft").glob("*.parquet")):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=500):
                    for row in batch.to_pylist():
                        rows._add(row)
        return rows

    def _add(self, row: Mapping[str, Any]) -> None:
        messages = [(message["role"], message["content"]) for message in row["messages"]]
        said = [content for role, content in messages if role == "assistant"]
        contents = [row["question"], row["answer"], row["verified"], row["category"], messages]
        self.digests[row["id"]] = hash_text(dump_json(contents))
        self.numbers["turns"].append(len(said))
        self.numbers["assistant characters"].append(sum(map(len, said)))
        self.numbers["all characters"].append(sum(len(content) for _, content in messages))
        self.numbers["answer characters"].append(len(row["answer"]))
        self.kinds["answer type"][json.loads(row["lineage"])["query"]["answer_type"]] += 1
        for name in ("category", "level", "format", "hops", "origin"):
            self.kinds[name][str(row[name])] += 1


def _compare_settings(before: object, after: object) -> Iterable[Change]:
    one, other = flatten(before), flatten(after)
    for key in sorted(one.keys() | other.keys()):
        mine = dump_json(one[key]) if key in one else None
        theirs = dump_json(other[key]) if key in other else None
        if mine != theirs:
            yield Change(key, mine, theirs)


def _compare_funnels(before: Funnel | None, after: Funnel | None) -> Iterable[StageChange]:
    one = {count.stage: count for count in before.stages} if before else {}
    other = {count.stage: count for count in after.stages} if after else {}
    for stage in dict.fromkeys([*one, *other]):
        pair = (one.get(stage), other.get(stage))
        taken = [count.taken + count.made if count else 0 for count in pair]
        kept = [count.kept if count else 0 for count in pair]
        reasons = [
            Counter({reason.value: number for reason, number in (*count.rejected, *count.failed)})
            if count
            else Counter[str]()
            for count in pair
        ]
        yield StageChange(stage.value, (taken[0], taken[1]), (kept[0], kept[1]), _pair(*reasons))


def _pair(one: Counter[str], other: Counter[str]) -> tuple[tuple[str, int, int], ...]:
    return tuple((value, one[value], other[value]) for value in sorted(one.keys() | other.keys()))


def _spread(numbers: Sequence[int]) -> Spread:
    if not numbers:
        return Spread(None, None, None)
    if len(numbers) == 1:
        return Spread(*[float(numbers[0])] * 3)
    tenths = quantiles(numbers, n=10, method="inclusive")
    return Spread(fmean(numbers), tenths[4], tenths[8])


def _cost(run: Path, rows: int) -> Cost:
    manifest = read_manifest(PublishedRun.open(run).run)
    if manifest is None or not rows:
        return Cost(rows, None, None, None, None)
    return Cost(
        rows=rows,
        calls=sum(model.calls for model in manifest.usage),
        tokens_per_row=_tokens(manifest, rows),
        usd_per_row=_usd(manifest, rows),
        wall_s_per_row=manifest.wall_s / rows,
    )


def _tokens(manifest: Manifest, rows: int) -> float | None:
    if any(model.uncounted for model in manifest.usage):
        return None
    return sum(model.prompt_tokens + model.completion_tokens for model in manifest.usage) / rows


def _usd(manifest: Manifest, rows: int) -> float | None:
    if any(model.usd is None for model in manifest.usage):
        return None
    return sum(model.usd or 0.0 for model in manifest.usage) / rows
