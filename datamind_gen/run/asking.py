"""One question about one file, live: what `ask` runs, on the stages' own loop and sandbox.

    async with open_desk(spec, prompts=Prompts(), taxonomy=load_taxonomy("data_analysis"), path=path) as desk:
        proposed = await propose_questions(desk)
        trajectory = await ask(desk, proposed[0], on_turn=print)

Nothing is recorded, judged or published here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from datamind_gen.files import ReadSettings, find_file, profile_limited
from datamind_gen.models.base import ChatReply, ChatRequest, Role
from datamind_gen.models.router import Models
from datamind_gen.models.settings import ScriptedSettings
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import (
    AnswerType,
    Level,
    Origin,
    Profile,
    Query,
    Status,
    Trajectory,
    Turn,
    make_id,
    seed_from,
)
from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.programs import write_from_program
from datamind_gen.stages.reach import supports
from datamind_gen.stages.sample import draw_trajectory
from datamind_gen.taxonomy import Taxonomy

PROPOSED = 8
"""Questions that `propose_questions` looks for: of so many categories, one each."""


@dataclass(slots=True)
class Desk:
    """One file, one expert, one sandbox: implements stages.base.Services."""

    spec: PipelineSpec
    taxonomy: Taxonomy
    prompts: Prompts
    sandbox: Sandbox
    models: Models
    file: Profile
    places: Mapping[str, Path]

    async def ask(self, request: ChatRequest) -> ChatReply:
        return await self.models.ask(request)

    def profile(self, file_id: str) -> Profile:
        return self.file

    def paths(self, file_id: str) -> Mapping[str, Path]:
        return self.places

    @property
    def is_scripted(self) -> bool:
        """Whether the expert is the embedded one, which answers only questions that a program made."""
        return isinstance(self.spec.models.expert, ScriptedSettings)


@asynccontextmanager
async def open_desk(
    spec: PipelineSpec,
    *,
    prompts: Prompts,
    taxonomy: Taxonomy,
    path: Path,
    allow_unsandboxed: bool = False,
) -> AsyncIterator[Desk]:
    """Everything that a question about the file needs.

    Raises FileError for a file that cannot be read, ValueError for a model that cannot be reached by what
    the pipeline says, SandboxUnavailable where code cannot be confined.
    """
    found = find_file(path)
    profile = await profile_limited(found, ReadSettings.accept_all())
    spec = _without_faults(spec)
    models = Models.from_settings({Role.EXPERT: spec.models.expert}, retries=spec.run.retries)
    settings = SandboxSettings(
        **spec.sandbox.model_dump(exclude={"allow_unsandboxed"}),
        on_error=OnError(spec.sample.on_error),
        allow_unsandboxed=allow_unsandboxed,
    )
    try:
        async with Sandbox(settings) as sandbox:
            places = {part.name: place for part, place in zip(found.file.parts, found.paths, strict=True)}
            yield Desk(spec, taxonomy, prompts, sandbox, models, profile, places)
    finally:
        await models.close()


def _without_faults(spec: PipelineSpec) -> PipelineSpec:
    """Someone who asks wants the scripted expert at its best; a free question has no category's workflow."""
    expert = spec.models.expert
    if isinstance(expert, ScriptedSettings):
        expert = expert.model_copy(update={"fault_rate": 0.0, "misread_rate": 0.0})
    return spec.model_copy(
        update={
            "models": spec.models.model_copy(update={"expert": expert}),
            "sample": spec.sample.model_copy(update={"knowledge": False}),
        }
    )


async def propose_questions(desk: Desk) -> list[Query]:
    """Questions that programs make of the file, one a category, the same each time."""
    categories = [
        category for category in desk.taxonomy.categories if supports(category, desk.file, Origin.PROGRAM)
    ]
    random.Random(seed_from("ask", desk.file.file.id)).shuffle(categories)

    async def write(category: str) -> Query | None:
        id = make_id("assignment", "ask", desk.file.file.id, category)
        assignment = Assignment(id, 1, desk.file.file.id, category, 1, Origin.PROGRAM, 1)
        outcome = await write_from_program(assignment, desk.file, desk)
        return outcome.row if outcome.status is Status.KEPT else None

    written = await asyncio.gather(*(write(category.name) for category in categories[:PROPOSED]))
    return [query for query in written if query is not None]


def make_question(desk: Desk, question: str) -> Query:
    """A person's own question: no category, no program, no reference."""
    return Query(
        id=make_id("query", "ask", desk.file.file.id, question),
        file_id=desk.file.file.id,
        question=question,
        category="",
        hops=(),
        level=Level.EASY,
        origin=Origin.MODEL,
        tables=tuple(table.name for table in desk.file.tables),
        answer_type=AnswerType.LABEL,
    )


async def ask(desk: Desk, query: Query, *, on_turn: Callable[[Turn], None] | None = None) -> Trajectory:
    """The expert's trajectory; its `answer` is None where it found none, and `stop` says why."""
    return await draw_trajectory(replace(query, misread=None), desk, round=0, sample=0, on_turn=on_turn)
