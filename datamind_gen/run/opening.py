"""Opens what an engine needs: files, models, sandbox; and says what cannot be used of what the user gave."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from datamind_gen.files import FileError, FoundFile, find_sources
from datamind_gen.ledger import Ledger
from datamind_gen.models.base import Role
from datamind_gen.models.budget import budget_problems
from datamind_gen.models.router import Models
from datamind_gen.models.settings import ModelSettings
from datamind_gen.prompts.render import Prompts
from datamind_gen.run.engine import Engine
from datamind_gen.run.flow import FLOW
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.job import Job
from datamind_gen.run.records import LedgerRecorder
from datamind_gen.run.watching import Watcher
from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings, SandboxUnavailable
from datamind_gen.spec.loader import LoadedPipeline
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.taxonomy import load_taxonomy


class BadInput(Exception):
    """Something that the user gave cannot be used. Exit code 2."""


async def open_engine(
    loaded: LoadedPipeline,
    ledger: Ledger,
    paths: Mapping[str, Mapping[str, Path]],
    job: Job,
    stack: AsyncExitStack,
) -> Engine:
    """An engine with its models and its sandbox, which the stack closes. Raises BadInput."""
    spec = loaded.spec
    try:
        models = Models.from_settings(
            models_of(spec),
            recorder=LedgerRecorder(ledger),
            retries=spec.run.retries,
            recorded_only=(Role.AUTHOR, Role.EXPERT) if job.recorded_only else (),
        )
    except ValueError as error:  # a key that is not there, a class that cannot be used
        raise BadInput(f"{loaded.origin}: {error}") from error
    stack.push_async_callback(models.close)
    if unpriced := budget_problems(spec.run.budget, models.usage()):
        raise BadInput(f"{loaded.origin}: {'; '.join(unpriced)}")
    try:
        sandbox = await stack.enter_async_context(Sandbox(sandbox_settings(spec, job)))
    except SandboxUnavailable as error:
        raise BadInput(str(error)) from error
    return Engine(
        spec=spec,
        ledger=ledger,
        prompts=Prompts(loaded.prompts_folder),
        taxonomy=load_taxonomy(loaded.taxonomy_folder or spec.taxonomy),
        sandbox=sandbox,
        models=models,
        paths=paths,
        flow=FLOW,
        limit=job.limit,
        recorded_only=job.recorded_only,
        watcher=Watcher(job.preview) if job.preview is not None else None,
    )


def find_files(loaded: LoadedPipeline, folder: RunFolder) -> list[FoundFile]:
    """All files of the pipeline's sources. Raises BadInput."""
    try:
        return find_sources(loaded.spec.sources, loaded.folder, folder.sources)
    except FileError as error:
        raise BadInput(f"{loaded.origin}: sources: {error}") from error


def models_of(spec: PipelineSpec) -> dict[Role, ModelSettings]:
    """The settings of every role, with the concurrency that `run` puts in their place."""
    concurrency = spec.run.concurrency
    found = {role: spec.models.of(role) for role in Role}
    if concurrency is None:
        return found
    return {role: entry.model_copy(update={"concurrency": concurrency}) for role, entry in found.items()}


def sandbox_settings(spec: PipelineSpec, job: Job) -> SandboxSettings:
    """The pipeline's limits, and what `run` says about this machine."""
    limits = spec.sandbox.model_dump(exclude={"allow_unsandboxed"})
    return SandboxSettings(
        **limits,
        concurrency=spec.run.turns,
        on_error=OnError(spec.sample.on_error),
        awake_memory_mb=spec.run.awake_memory_mb,
        allow_unsandboxed=job.allow_unsandboxed or spec.sandbox.allow_unsandboxed,
        scratch=Path(spec.run.scratch) if spec.run.scratch else None,
    )


def locate(found: list[FoundFile]) -> Mapping[str, Mapping[str, Path]]:
    return {
        item.file.id: {part.name: path for part, path in zip(item.file.parts, item.paths, strict=True)}
        for item in found
    }
