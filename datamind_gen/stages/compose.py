"""Compose: makes a query harder, one hop at a time, until it has as many as the plan wants.

Of a program's query every chain is executed, and kept only where each hop matters (programs.py); a model's
is written by the author model and executed by the expert (model_queries.py). A share of the programs'
questions is then said in the author model's words (paraphrase.py). A query that cannot be made as hard as
wanted goes on with the hops that it has, and its outcome says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from datamind_gen.rows import Origin, Query, Stage, Status, dump_json
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, kept
from datamind_gen.stages.model_queries import compose_by_model
from datamind_gen.stages.paraphrase import is_chosen, paraphrase
from datamind_gen.stages.programs import compose_from_programs
from datamind_gen.stages.sample import sampling_settings


class ComposeStage:
    """Query of one hop -> query of the wanted number of hops."""

    name = Stage.COMPOSE
    version = 7
    unit = "query"

    def settings(self, spec: PipelineSpec) -> str:
        settings: dict[str, object] = {
            "attempts": spec.queries.attempts,
            "seed": spec.seed,
            "taxonomy": spec.taxonomy,
            "paraphrase": spec.queries.paraphrase,
        }
        if spec.queries.author.model > 0 or spec.queries.paraphrase > 0:
            settings["author"] = spec.models.author.reply_identity()
        if spec.queries.author.model > 0:
            settings["execution"] = sampling_settings(spec)
        return dump_json(settings)

    def templates(self) -> tuple[str, ...]:
        return ("compose_query", "paraphrase", "system_python", "system_sql", "user", "knowledge")

    async def run(self, row: Query, services: Services) -> Sequence[Outcome[Query]]:
        is_done = len(row.hops) >= row.wanted_hops
        if row.origin is Origin.MODEL:
            return [kept(row.id, row) if is_done else await compose_by_model(row, services)]
        outcome = kept(row.id, row) if is_done else await compose_from_programs(row, services)
        if outcome.status is Status.KEPT and outcome.row is not None and is_chosen(outcome.row, services):
            outcome = await paraphrase(outcome, services)
        return [outcome]
