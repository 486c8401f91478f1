"""The report's figures: everything that is counted over all rows, whether the reader holds them or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.publish.audit import read_audit
from datamind_gen.publish.manifest import Manifest
from datamind_gen.publish.report.cases import Plain
from datamind_gen.publish.sources import Source
from datamind_gen.rows import FileFormat, Level

_LENGTH_STEPS = (0, 100, 200, 400, 800, 1_600, 3_200, 6_400)


@dataclass(slots=True)
class Counts:
    """Counted while rows pass by."""

    rows: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    hops: Counter[int] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    """By the step of _LENGTH_STEPS that the trajectory's words reach."""
    levels: Counter[str] = field(default_factory=Counter)
    answer_types: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    rounds: Counter[int] = field(default_factory=Counter)
    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, row: Plain) -> None:
        """Counts a row of `sft`, its lineage parsed."""
        lineage = row["lineage"]
        self.rows["sft"] += 1
        self.verified += row["verified"]
        self.turns[len(lineage["trajectory"]["turns"])] += 1
        self.hops[row["hops"]] += 1
        words = sum(len(message["content"].split()) for message in row["messages"][1:])
        self.words[max(step for step in _LENGTH_STEPS if step <= words)] += 1
        self.levels[row["level"]] += 1
        self.answer_types[lineage["query"]["answer_type"]] += 1
        self.formats[row["format"]] += 1
        self.origins[row["origin"]] += 1
        self.rounds[lineage["trajectory"]["round"]] += 1
        self.matrix[row["category"], row["format"]] += 1


def make_overview(
    counts: Counts,
    *,
    title: str,
    funnel: Funnel | None,
    manifest: Manifest | None,
    audit: str | None,
    sources: list[Source],
) -> Plain:
    """The figures as JSON for the page."""
    return {
        "title": title,
        "rows": dict(counts.rows),
        "verified": counts.verified,
        "origins": dict(counts.origins),
        "funnel": _funnel(funnel),
        "matrix": _matrix(counts, funnel),
        "charts": _charts(counts),
        "diversity": [list(line) for line in manifest.diversity.lines()]
        if manifest is not None and manifest.diversity is not None
        else [],
        "run": _run(manifest),
        "audit": [asdict(line) for line in read_audit(audit)] if audit else [],
        "sources": [
            {
                "path": source.path,
                "license": source.license,
                "action": source.action.value,
                "size": source.size,
                "trajectories": source.trajectories,
            }
            for source in sources
        ],
    }


def _funnel(funnel: Funnel | None) -> list[Plain]:
    if funnel is None:
        return []
    return [
        {
            "stage": count.stage.value,
            "unit": count.unit,
            "kept": count.kept,
            "rejected": [[reason.value, number] for reason, number in count.rejected],
            "failed": [[reason.value, number] for reason, number in count.failed],
        }
        for count in funnel.stages
    ]


def _matrix(counts: Counts, funnel: Funnel | None) -> Plain:
    planned: Counter[tuple[str, str]] = Counter()
    for cell in funnel.cells if funnel else ():
        planned[cell.category, cell.format.value] += cell.queries
    keys = {*counts.matrix, *planned}
    categories = sorted({category for category, _ in keys})
    formats = [kind.value for kind in FileFormat if any(kind.value == seen for _, seen in keys)]
    return {
        "categories": categories,
        "formats": formats,
        "kept": [[counts.matrix[category, kind] for kind in formats] for category in categories],
        "planned": [[planned[category, kind] for kind in formats] for category in categories],
    }


def _charts(counts: Counts) -> list[Plain]:
    levels = [[level.value, counts.levels[level.value]] for level in Level if counts.levels[level.value]]
    words = [[_step(step), counts.words[step]] for step in _LENGTH_STEPS if counts.words[step]]
    return [
        {"name": "Turns", "note": "of a trajectory", "bars": _ordered(counts.turns)},
        {"name": "Words", "note": "of a trajectory, without the system prompt", "bars": words},
        {"name": "Hops", "note": "of a question", "bars": _ordered(counts.hops)},
        {"name": "Level", "note": "of a question", "bars": levels},
        {"name": "Answer", "note": "by type", "bars": _ranked(counts.answer_types)},
        {"name": "Format", "note": "of the data file", "bars": _ranked(counts.formats)},
    ]


def _step(step: int) -> str:
    return f"{step:,}+" if step else f"under {_LENGTH_STEPS[1]}"


def _ordered(counter: Counter[int]) -> list[list[Any]]:
    return [[str(value), count] for value, count in sorted(counter.items())]


def _ranked(counter: Counter[str]) -> list[list[Any]]:
    return [[value, count] for value, count in sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))]


def _run(manifest: Manifest | None) -> Plain | None:
    if manifest is None:
        return None
    return {
        "outcome": manifest.outcome,
        "message": manifest.message,
        "started": manifest.started,
        "wall_s": manifest.wall_s,
        "starts": manifest.starts,
        "isolation": manifest.isolation,
        "models": [
            {
                "model": usage.model,
                "roles": [role.value for role in usage.roles],
                "calls": usage.calls,
                "replayed": usage.replayed,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "uncounted": usage.uncounted,
                "usd": usage.usd,
            }
            for usage in manifest.usage
        ],
        "throughput": [asdict(tick) for tick in manifest.throughput],
        "packages": [list(pair) for pair in manifest.packages],
        "python": manifest.python,
        "platform": manifest.platform,
        "cores": manifest.cores,
    }
