"""The stages' services over real files, the real sandbox and any chat model: one sandbox for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from datamind_gen.models.base import ChatReply, ChatRequest, Role
from datamind_gen.models.router import Models
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Level, Origin, Profile
from datamind_gen.sandbox import Sandbox
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.write import Assigned
from datamind_gen.taxonomy import Taxonomy, load_taxonomy
from tests.conftest import Loaded


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
def taxonomy() -> Taxonomy:
    return load_taxonomy("data_analysis")


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
        loaded: Loaded,
        category: str,
        *,
        hops: int = 1,
        origin: Origin = Origin.PROGRAM,
        index: int = 1,
        level: Level | None = None,
    ) -> Assigned:
        profile = loaded[0]
        id = f"assignment-{category}-{hops}-{origin.value}-{index}"
        return Assigned(Assignment(id, 1, profile.file.id, category, hops, origin, index, level), profile)

    return make
