"""Write: one assignment becomes one query of a single hop, by a program of the taxonomy or the author model.

A program's query is executed on the real file, and has a reference (programs.py); a model's is the paper's
kind, and has none (model_queries.py). The compose stage then adds the hops that the plan wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.rows import Origin, Profile, Query, Stage, dump_json
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services
from datamind_gen.stages.model_queries import write_by_model
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.programs import write_from_program


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment with the profile that it is about."""

    assignment: Assignment
    profile: Profile


class WriteStage:
    """Assigned -> a query of one hop."""

    name = Stage.WRITE
    version = 6
    unit = "query"

    def settings(self, spec: PipelineSpec) -> str:
        settings = {"attempts": spec.queries.attempts, "seed": spec.seed, "taxonomy": spec.taxonomy}
        if spec.queries.author.model > 0:
            settings["author"] = spec.models.author.reply_identity()
        return dump_json(settings)

    def templates(self) -> tuple[str, ...]:
        return ("write_query",)

    async def run(self, row: Assigned, services: Services) -> Sequence[Outcome[Query]]:
        write = write_by_model if row.assignment.origin is Origin.MODEL else write_from_program
        return [await write(row.assignment, row.profile, services)]
