"""Composes a run's questions without sampling anything: what the benches about questions read.

    async with open_desk(pipeline, sources) as desk:
        queries = await desk.compose(seed=7, count=300)

The plan, the write stage and the compose stage are the run's own; no model is asked.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from datamind_gen.files import FileError, SourceSpec, close_pool, find_sources, profile_limited
from datamind_gen.models.base import ChatReply, ChatRequest
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Profile, Query, Status
from datamind_gen.sandbox import Sandbox
from datamind_gen.spec.loader import load_pipeline
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.compose import ComposeStage
from datamind_gen.stages.plan import plan_wave
from datamind_gen.stages.write import Assigned, WriteStage
from datamind_gen.taxonomy import Taxonomy, load_taxonomy

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ROOT.parent / "shared" / "data"
CLEAN = ("csv", "json", "parquet", "sqlite", "xlsx")
"""The folders of the shared data whose files are as their makers meant them."""


def list_sources(*, shared: bool) -> list[SourceSpec]:
    """The bundled tables, and the shared data's clean files where they lie beside this clone."""
    sources = [SourceSpec(bundled="all")]
    if shared and (SHARED / "MANIFEST.tsv").exists():
        sources += [SourceSpec(glob=str(SHARED / folder / "*")) for folder in CLEAN]
    return sources


@dataclass
class Desk:
    """stages.base.Services over real files and the real sandbox, without an engine."""

    spec: PipelineSpec
    taxonomy: Taxonomy
    prompts: Prompts
    sandbox: Sandbox
    profiles: dict[str, Profile]
    places: dict[str, dict[str, Path]]

    async def ask(self, request: ChatRequest) -> ChatReply:
        raise AssertionError("a program's question asks no model")

    def profile(self, file_id: str) -> Profile:
        return self.profiles[file_id]

    def paths(self, file_id: str) -> Mapping[str, Path]:
        return self.places[file_id]

    async def compose(self, *, seed: int, count: int, per_file: int | None = None) -> list[Query]:
        """The questions of a plan for so many, at another seed than the pipeline's; sorted by id."""
        self.spec = self.spec.model_copy(update={"seed": seed})
        coverage = self.spec.coverage.model_copy(
            update={"target": count, "per_file": per_file or self.spec.coverage.per_file}
        )
        plan = plan_wave(
            coverage,
            self.spec.queries,
            self.taxonomy,
            sorted(self.profiles.values(), key=lambda profile: profile.file.id),
            (),
            wave=1,
            seed=seed,
            limit=None,
            expected_kept_per_query=1.0,
        )
        gate = asyncio.Semaphore(2 * len(os.sched_getaffinity(0)))

        async def make(assigned: Assigned) -> Query | None:
            async with gate:
                (written,) = await WriteStage().run(assigned, self)
                if written.status is not Status.KEPT or written.row is None:
                    return None
                (composed,) = await ComposeStage().run(written.row, self)
                return composed.row if composed.status is Status.KEPT else None

        made = await asyncio.gather(*(make(Assigned(one, self.profiles[one.file_id])) for one in plan))
        found = {query.question: query for query in made if query is not None}
        return sorted(found.values(), key=lambda query: query.id)


@asynccontextmanager
async def open_desk(pipeline: str, sources: Sequence[SourceSpec]) -> AsyncIterator[Desk]:
    """A desk over all files of the sources that the pipeline's reading takes."""
    spec = load_pipeline(ROOT / "pipelines" / f"{pipeline}.yaml").spec
    with tempfile.TemporaryDirectory() as work:
        found = find_sources(sources, ROOT, Path(work))
        profiles: dict[str, Profile] = {}
        places: dict[str, dict[str, Path]] = {}
        gate = asyncio.Semaphore(len(os.sched_getaffinity(0)))

        async def read(index: int) -> None:
            async with gate:
                try:
                    profile = await profile_limited(found[index], spec.read)
                except FileError as error:
                    print(f"left out {found[index].file.name}: {error}")
                    return
            names = [part.name for part in found[index].file.parts]
            profiles[profile.file.id] = profile
            places[profile.file.id] = dict(zip(names, found[index].paths, strict=True))

        await asyncio.gather(*(read(index) for index in range(len(found))))
        close_pool()
        async with Sandbox() as sandbox:
            yield Desk(spec, load_taxonomy(spec.taxonomy), Prompts(), sandbox, profiles, places)
