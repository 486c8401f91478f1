"""RUN/report.html: one offline file with the run's figures and a reader of its trajectories.

    write_report(PublishedRun.open(run), run / "report.html")

Reads RUN/dataset, funnel.json, manifest.json and audit.json, and nothing else. The page's words are in
page.html.jinja, its looks in style.css, its behaviour in the .js files; they are put into the file here. Text
from data and models reaches the page only as compressed JSON and is shown only as text; a content security
policy allows the page's own script and style by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from datamind_gen import __version__
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.manifest import read_manifest
from datamind_gen.publish.report.cases import (
    Case,
    Plain,
    add_dropped,
    add_kept,
    case_id,
    parse_payload,
)
from datamind_gen.publish.report.overview import Counts, make_overview
from datamind_gen.publish.report.payload import Payload, pack, squeeze
from datamind_gen.publish.schema import Config
from datamind_gen.publish.sources import read_sources
from datamind_gen.rows import hash_text

NAME = "report.html"
MOST_CASES = 20_000
"""Cases in the index; of more, a sample."""
_ASSETS = Path(__file__).parent
_SCRIPTS = ("dom.js", "highlight.js", "charts.js", "overview.js", "reader.js", "main.js")


@dataclass(frozen=True, slots=True)
class Report:
    path: Path
    size: int
    """Bytes."""
    cases: int
    """Queries and other rows that the run has."""
    listed: int
    """Those in the report's list."""
    readable: int
    """Those whose text is in the report."""


def write_report(published: PublishedRun, out: Path) -> Report:
    """Writes the report beside and renames it. Raises PublishError for a dataset it cannot read."""
    counts, chosen, total = _survey(published)
    cases = _collect(published, chosen)
    payload = pack(sorted(cases, key=lambda case: _draw(case.id)))
    overview = make_overview(
        counts,
        title=_title(published),
        funnel=published.funnel(),
        manifest=read_manifest(published.run),
        audit=published.audit(),
        sources=read_sources(published.dataset),
    )
    overview["cases"] = {"total": total, "listed": len(cases), "readable": payload.shown}
    page = _render(overview, payload)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    beside.write_text(page, encoding="utf-8")
    beside.replace(out)
    return Report(out, out.stat().st_size, total, len(cases), payload.shown)


def _survey(published: PublishedRun) -> tuple[Counts, set[str], int]:
    """Counts everything, and draws the cases that the report will list."""
    counts = Counts()
    ids: set[str] = set()
    for row in _kept(published):
        counts.add(row)
        ids.add(case_id(row))
    counts.rows["rl"] = published.count(Config.RL)
    for row, payload in _dropped(published):
        counts.rows["rejected"] += 1
        ids.add(case_id(row, payload))
    chosen = ids if len(ids) <= MOST_CASES else set(heapq.nsmallest(MOST_CASES, ids, key=_draw))
    return counts, chosen, len(ids)


def _collect(published: PublishedRun, chosen: set[str]) -> list[Case]:
    cases: dict[str, Case] = {}
    file_names: dict[str, str] = {}
    for row in _kept(published):
        query = row["lineage"]["query"]
        file_names[query["file_id"]] = ", ".join(file["name"] for file in row["lineage"]["files"])
        if query["id"] in chosen:
            add_kept(cases.setdefault(query["id"], Case(query["id"])), row)
    for row, payload in _dropped(published):
        name = case_id(row, payload)
        if name in chosen:
            add_dropped(cases.setdefault(name, Case(name)), row, payload, file_names)
    return list(cases.values())


def _kept(published: PublishedRun) -> Iterator[Plain]:
    for row in published.rows(Config.SFT):
        yield row | {"lineage": json.loads(row["lineage"])}


def _dropped(published: PublishedRun) -> Iterator[tuple[Plain, Plain]]:
    for row in published.rows(Config.REJECTED):
        yield row, parse_payload(row["payload"])


def _draw(identity: str) -> str:
    return hash_text("report", identity)


def _title(published: PublishedRun) -> str:
    pipeline = yaml.safe_load((published.dataset / "pipeline.yaml").read_text(encoding="utf-8")) or {}
    return str(pipeline.get("name") or published.run.name)


def _render(overview: Plain, payload: Payload) -> str:
    script = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f"(() => {{\n'use strict';\n{script}\n}})();\n"
    style = (_ASSETS / "style.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(_ASSETS), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    return environment.get_template("page.html.jinja").render(
        title=overview["title"],
        version=__version__,
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
        overview=squeeze(overview),
        index=payload.index,
        chunks=payload.chunks,
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
