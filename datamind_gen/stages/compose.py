"""Compose: makes a query harder, one hop at a time, until it has as many as the plan wants.

Each step puts another program in front whose answer the query takes (taxonomy/wiring.py), runs the whole
chain again on the real file, and keeps it only where every hop matters. A query that wants one hop
passes through.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from datamind_gen.rows import Origin, Query, Reason, Stage, dump_json, seed_from
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, kept, rejected
from datamind_gen.stages.write import BATCH, give_up
from datamind_gen.taxonomy import Chain, Executor, Run, extend, from_query, make_query

DRAWS = 40
"""Extensions that are looked for among a chain's openings before it counts as one that takes none."""


class ComposeStage:
    """Query of one hop -> query of the wanted number of hops."""

    name = Stage.COMPOSE
    version = 1
    unit = "query"

    def settings(self, spec: PipelineSpec) -> str:
        return dump_json({"attempts": spec.queries.attempts, "seed": spec.seed, "taxonomy": spec.taxonomy})

    def templates(self) -> tuple[str, ...]:
        return ()

    async def run(self, row: Query, services: Services) -> Sequence[Outcome[Query]]:
        if len(row.hops) >= row.wanted_hops or row.origin is Origin.MODEL:
            return [kept(row.id, row)]
        return [await _compose(row, services)]


async def _compose(seed: Query, services: Services) -> Outcome[Query]:
    profile = services.profile(seed.file_id)
    rng = random.Random(seed_from("compose", str(services.spec.seed), seed.id))
    query, chain = seed, from_query(seed, services.taxonomy, profile)
    async with Executor(services.sandbox, profile, services.paths(seed.file_id)) as executor:
        while len(query.hops) < seed.wanted_hops:
            tried: list[Run] = []
            harder: Query | None = None
            candidates = _extensions(chain, services, rng)
            for start in range(0, len(candidates), BATCH):
                tried += await executor.run(candidates[start : start + BATCH], stop_at_first=True)
                if tried[-1].good:
                    harder = make_query(
                        tried[-1].chain,
                        tried[-1].answers,
                        profile,
                        rng,
                        wave=seed.wave,
                        wanted_hops=seed.wanted_hops,
                        parents=(*query.parents, query.id),
                    )
                if harder is not None:
                    break
            if not tried:
                detail = f"{chain.links[0].path} takes no earlier answer here"
                return rejected(seed.id, Reason.NO_PROGRAM, detail, query)
            if harder is None:
                return give_up(seed.id, tried, query)
            query, chain = harder, tried[-1].chain
    return kept(query.id, query)


def _extensions(chain: Chain, services: Services, rng: random.Random) -> list[Chain]:
    """Different chains with one hop more, at most as many as attempts are allowed."""
    found: dict[tuple[object, ...], Chain] = {}
    for _ in range(DRAWS):
        longer = extend(chain, services.taxonomy, rng)
        if longer is not None:
            found.setdefault(longer.key, longer)
        if len(found) == services.spec.queries.attempts:
            break
    return list(found.values())
