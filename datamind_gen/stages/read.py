"""Read: can the file be loaded at all, and how? One file in, the same file out, or the reason why not."""

from __future__ import annotations

from collections.abc import Sequence

from datamind_gen.files import FileError, FoundFile, profile_limited
from datamind_gen.rows import DataFile, Profile, Reason, Stage
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected

FAILURES = (Reason.UNREADABLE, Reason.CORRUPT, Reason.READER_LIMIT)
"""Reasons that say the file let us down; the others say that it was not wanted."""


class ReadStage:
    """File -> file. The work is done once for read and profile, and cached by content."""

    name = Stage.READ
    version = 2
    unit = "file"

    def settings(self, spec: PipelineSpec) -> str:
        return spec.read.model_dump_json()

    def templates(self) -> tuple[str, ...]:
        return ()

    async def run(self, row: DataFile, services: Services) -> Sequence[Outcome[DataFile]]:
        profile = await load_profile(row, services)
        if isinstance(profile, Outcome):
            return [profile]
        return [kept(row.id, row)]


async def load_profile(file: DataFile, services: Services) -> Profile | Outcome[DataFile]:
    """The file's profile, or the outcome that says why there is none."""
    paths = services.paths(file.id)
    found = FoundFile(file, tuple(paths[part.name] for part in file.parts))
    try:
        return await profile_limited(found, services.spec.read)
    except FileError as error:
        end = failed if error.reason in FAILURES else rejected
        return end(file.id, error.reason, error.detail, file)
