"""The stages' services over real files, the real sandbox and any chat model: one sandbox for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from datamind_gen.files import SourceSpec, find_sources, profile_file
from datamind_gen.models.base import ChatReply, ChatRequest, Role
from datamind_gen.models.router import Models
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Origin, Profile
from datamind_gen.sandbox import Sandbox
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.write import Assigned
from datamind_gen.taxonomy import Taxonomy, load_taxonomy

T = TypeVar("T")
Do = Callable[[Awaitable[T]], T]
Loaded = tuple[Profile, dict[str, Path]]


@dataclass
class StageServices:
    """stages.base.Services, without an engine. `asked` keeps every request."""

    spec: PipelineSpec
    taxonomy: Taxonomy
    prompts: Prompts
    sandbox: Sandbox
    files: dict[str, Loaded]
    answer: Callable[[ChatRequest], Awaitable[ChatReply]]
    asked: list[ChatRequest] = field(default_factory=list)
    replies: list[ChatReply] = field(default_factory=list)

    async def ask(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        reply = await self.answer(request)
        self.replies.append(reply)
        return reply

    def profile(self, file_id: str) -> Profile:
        return self.files[file_id][0]

    def paths(self, file_id: str) -> Mapping[str, Path]:
        return self.files[file_id][1]


@pytest.fixture(scope="session")
def do() -> Iterator[Do]:
    """Runs an awaitable to its end on the tests' loop."""

    async def whole(awaitable: Awaitable[T]) -> T:
        return await awaitable

    with asyncio.Runner() as runner:
        yield lambda awaitable: runner.run(whole(awaitable))


@pytest.fixture(scope="session")
def sandbox(do: Do) -> Iterator[Sandbox]:
    opened = Sandbox()
    do(opened.__aenter__())
    yield opened
    do(opened.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return load_taxonomy("data_analysis")


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """A bundled file by name: its profile, and where its parts lie."""
    work = tmp_path_factory.mktemp("bundled")
    known: dict[str, Loaded] = {}

    def load(name: str) -> Loaded:
        if name not in known:
            (found,) = find_sources([SourceSpec(bundled=name)], Path.cwd(), work)
            names = (part.name for part in found.file.parts)
            known[name] = (profile_file(found), dict(zip(names, found.paths, strict=True)))
        return known[name]

    return load


@pytest.fixture
def serve(sandbox: Sandbox, taxonomy: Taxonomy) -> Callable[..., StageServices]:
    """Services for files, by the scripted model or by what `answer` says; settings as in a pipeline."""

    def make(
        *files: Loaded,
        answer: Callable[[ChatRequest], Awaitable[ChatReply]] | None = None,
        taxonomy: Taxonomy = taxonomy,
        **settings: object,
    ) -> StageServices:
        spec = PipelineSpec.model_validate({"name": "test", **settings})
        models = Models.from_settings({role: spec.models.of(role) for role in Role})
        known = {profile.file.id: (profile, paths) for profile, paths in files}
        return StageServices(spec, taxonomy, Prompts(), sandbox, known, answer or models.ask)

    return make


@pytest.fixture
def assign() -> Callable[..., Assigned]:
    """An entry of a plan."""

    def make(
        loaded: Loaded, category: str, *, hops: int = 1, origin: Origin = Origin.PROGRAM, index: int = 1
    ) -> Assigned:
        profile = loaded[0]
        id = f"assignment-{category}-{hops}-{origin.value}-{index}"
        return Assigned(Assignment(id, 1, profile.file.id, category, hops, origin, index), profile)

    return make
