"""The dataset card (README.md): written from templates/README.md.jinja, so that its words are edited there.

Two parts change after the run: `audit RUN` measures the filters, and `push` knows where the dataset will
live. `with_audit` and `with_location` put them into a finished card, between marks that Markdown hides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from datamind_gen import __version__
from datamind_gen.files.licenses import UNKNOWN
from datamind_gen.ledger.funnel import Funnel, StageCount
from datamind_gen.publish.audit import read_audit
from datamind_gen.publish.finished import Finished
from datamind_gen.publish.records import messages_of
from datamind_gen.publish.schema import COLUMN_NOTES, SCHEMAS, Config
from datamind_gen.publish.sources import Source
from datamind_gen.publish.statistics import Coverage, RowCounts
from datamind_gen.rows import Candidate
from datamind_gen.spec.publish import LicenseAction
from datamind_gen.stages.diversity import Diversity

NAME = "README.md"
_TEMPLATES = Path(__file__).parent / "templates"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LOCATION = re.compile(r'^DATASET = ".*?"', re.MULTILINE)
_AUDIT = re.compile(r"<!-- audit -->.*?<!-- /audit -->", re.DOTALL)
_NOUNS = {Config.SFT: "trajectories", Config.RL: "tasks", Config.REJECTED: "rejected rows"}
_EXAMPLE_CHARACTERS = 1_200


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says."""

    finished: Finished
    funnel: Funnel
    shards: Mapping[Config, tuple[str, ...]]
    """Each config's files."""
    counts: RowCounts
    tasks: int
    rejected: int
    sources: Sequence[Source]
    plots: Sequence[str]
    diversity: Diversity
    left_behind: int
    """Files that were asked about and are not published, since no published row is about them."""


@dataclass(frozen=True, slots=True)
class ConfigCount:
    """One config on the card."""

    name: str
    rows: int
    noun: str
    columns: tuple[tuple[str, str, str], ...]
    """Name, type and meaning."""


def write_card(folder: Path, facts: CardFacts) -> None:
    (folder / NAME).write_bytes(render_card(facts).encode("utf-8", "replace"))


def render_card(facts: CardFacts) -> str:
    """The card as Markdown, with its YAML block."""
    finished, counts = facts.finished, facts.counts
    coverage = counts.cover(facts.funnel.cells)
    title = finished.title or finished.name
    body = _environment().get_template("README.md.jinja")
    return body.render(
        front=_front_matter(facts, title),
        title=title,
        description=finished.description.strip(),
        location=finished.settings.repo_id or "dataset",
        configs=_configs(facts),
        records=counts.rows,
        verified=counts.verified,
        referenced=counts.referenced,
        by_program=counts.by_program,
        files=len(facts.sources),
        tasks=facts.tasks,
        has_databases=counts.has_databases,
        stages=[_stage_line(count) for count in facts.funnel.stages],
        problems=facts.funnel.problems(),
        coverage=coverage,
        matrix=_matrix(coverage),
        diversity=facts.diversity.lines() if counts.rows else (),
        example=_show(counts.shortest) if counts.shortest else None,
        judging=_settings_lines(finished.pipeline_yaml, "judge", "reflect"),
        sampling=_settings_lines(finished.pipeline_yaml, "sample"),
        rules=_rules(finished.pipeline_yaml),
        audit=_render_audit(None),
        models=sorted(set(finished.models), key=lambda use: (use.role, use.model, use.served)),
        is_scripted=any(use.role == "expert" and use.provider == "scripted" for use in finished.models),
        templates=sorted(finished.templates),
        sources=facts.sources,
        warned=[source for source in facts.sources if source.action is LicenseAction.WARN],
        isolation=sorted(counts.isolation),
        plots=facts.plots,
        seed=finished.seed,
        left_behind=facts.left_behind,
        version=__version__,
    )


def with_location(card: str, repo_id: str) -> str:
    """The card with its quick start reading from the Hub."""
    return _LOCATION.sub(f'DATASET = "{repo_id}"', card, count=1)


def with_audit(card: str, audit: str) -> str:
    """The card with what an audit measured; `audit` is the text of RUN/audit.json."""
    block = f"<!-- audit -->\n{_render_audit(audit)}\n<!-- /audit -->"
    return _AUDIT.sub(lambda _: block, card, count=1)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["cell"] = _cell
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["fenced"] = _fenced
    return environment


def _cell(value: object) -> str:
    """Text from data in a Markdown table: no markup, no new cell, no new line."""
    text = " ".join(str(value).split())
    return re.sub(r"([\\`*_{}\[\]<>#|~$!])", r"\\\1", text)


def _fenced(text: str) -> str:
    """A code block that nothing inside the text can close."""
    ticks = max((len(run) for run in re.findall(r"`{3,}", text)), default=2) + 1
    return f"{'`' * max(3, ticks)}text\n{text.rstrip()}\n{'`' * max(3, ticks)}"


def _front_matter(facts: CardFacts, title: str) -> str:
    settings = facts.finished.settings
    plain = {
        "pretty_name": title,
        "license": _card_license(facts.sources),
        "language": list(settings.language),
        "task_categories": ["text-generation", "table-question-answering", "question-answering"],
        "size_categories": [_size(facts.counts.rows)],
        "tags": sorted({"datamind_gen", "synthetic", "agent", "data-analysis", "code", *settings.tags}),
        "configs": [
            {
                "config_name": config.value,
                "data_files": [{"split": "train", "path": list(facts.shards[config])}],
                **({"default": True} if config is Config.SFT else {}),
            }
            for config in Config
        ],
    }
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).strip()


def _card_license(sources: Sequence[Source]) -> str:
    """The Hub's id when all sources agree on one; a mixture is `other`, spelt out on the card."""
    licenses = {source.license.strip().lower() for source in sources}
    if not licenses or UNKNOWN in licenses:
        return UNKNOWN
    only = next(iter(licenses))
    return only if len(licenses) == 1 and re.fullmatch(r"[a-z0-9][a-z0-9.-]*", only) else "other"


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")


def _configs(facts: CardFacts) -> list[ConfigCount]:
    rows = {Config.SFT: facts.counts.rows, Config.RL: facts.tasks, Config.REJECTED: facts.rejected}
    return [
        ConfigCount(
            name=config.value,
            rows=rows[config],
            noun=_NOUNS[config],
            columns=tuple(
                (field.name, _type_name(str(field.type)), COLUMN_NOTES[config][field.name])
                for field in SCHEMAS[config]
            ),
        )
        for config in Config
    ]


def _type_name(arrow: str) -> str:
    plain = arrow.replace("element: ", "").replace("item: ", "")
    if plain.startswith("list<struct<role"):
        return "list of messages"
    if plain.startswith("struct"):
        return "struct"
    return plain.replace("list<string>", "list of string")


def _stage_line(count: StageCount) -> dict[str, object]:
    reasons = sorted((*count.rejected, *count.failed), key=lambda pair: (-pair[1], pair[0]))
    return {
        "stage": count.stage.value,
        "unit": count.unit,
        "rows": count.taken + count.made,
        "kept": count.kept,
        "rejected": count.rejected_total,
        "failed": count.failed_total,
        "reasons": ", ".join(f"{reason.value} {number:,}" for reason, number in reasons),
    }


def _matrix(coverage: Coverage) -> list[tuple[str, list[str], int]]:
    def cell(category: str, kind: object) -> str:
        kept = coverage.kept.get((category, kind), 0)  # type: ignore[arg-type]
        planned = coverage.planned.get((category, kind), 0)  # type: ignore[arg-type]
        return f"{kept:,} / {planned:,}" if planned else f"{kept:,}" if kept else ""

    return [
        (category, [cell(category, kind) for kind in coverage.formats], coverage.category_kept(category))
        for category in coverage.categories
    ]


def _show(row: Candidate) -> str:
    """A trajectory's turns, cut: what a row looks like."""
    parts = [f"[{message.role}]\n{message.content}" for message in messages_of(row.trajectory)[1:]]
    short = [
        part if len(part) <= _EXAMPLE_CHARACTERS else part[:_EXAMPLE_CHARACTERS] + "\n[…]" for part in parts
    ]
    return "\n\n".join(short)


def _settings_lines(pipeline_yaml: str, *sections: str) -> list[tuple[str, str]]:
    pipeline = yaml.safe_load(pipeline_yaml) or {}
    return [
        (f"{section}.{key}", json.dumps(value, ensure_ascii=False))
        for section in sections
        for key, value in (pipeline.get(section) or {}).items()
    ]


def _rules(pipeline_yaml: str) -> list[tuple[str, str]]:
    pipeline = yaml.safe_load(pipeline_yaml) or {}
    rules = []
    for rule in pipeline.get("rules") or []:
        name, settings = next(iter(rule.items())) if isinstance(rule, dict) else (rule, {})
        rules.append((name, ", ".join(f"{key}: {json.dumps(value)}" for key, value in settings.items())))
    return rules


def _render_audit(audit: str | None) -> str:
    lines = read_audit(audit) if audit else []
    return _environment().get_template("audit.md.jinja").render(audit=lines).strip()
