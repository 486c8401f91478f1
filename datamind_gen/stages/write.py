"""Write: one assignment becomes one query of a single hop.

A program's query is filled from the profile and executed on the real file; the answer is its reference.
Drafts are drawn until one holds its guards, at most `queries.attempts`. The compose stage then adds the
hops that the plan wants.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from datamind_gen.rows import Origin, Profile, Query, Reason, Stage, dump_json, seed_from
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected
from datamind_gen.stages.plan import Assignment
from datamind_gen.taxonomy import Chain, Executor, Fate, Run, draw, make_query

BATCH = 3
"""Drafts sent to the sandbox at once; the first good one is taken."""

REASONS = {
    Fate.GUARD: Reason.GUARD,
    Fate.DEGENERATE: Reason.DEGENERATE_HOP,
    Fate.ERROR: Reason.PROGRAM_ERROR,
    Fate.SANDBOX: Reason.SANDBOX,
    Fate.GOOD: Reason.GUARD,
}


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment with the profile that it is about."""

    assignment: Assignment
    profile: Profile


class WriteStage:
    """Assigned -> a query of one hop."""

    name = Stage.WRITE
    version = 1
    unit = "query"

    def settings(self, spec: PipelineSpec) -> str:
        return dump_json({"attempts": spec.queries.attempts, "seed": spec.seed, "taxonomy": spec.taxonomy})

    def templates(self) -> tuple[str, ...]:
        return ()

    async def run(self, row: Assigned, services: Services) -> Sequence[Outcome[Query]]:
        assignment = row.assignment
        if assignment.origin is Origin.MODEL:
            return [failed(assignment.id, Reason.INTERNAL, "queries by an author model are not built yet")]
        return [await _write_program(assignment, row.profile, services)]


async def _write_program(assignment: Assignment, profile: Profile, services: Services) -> Outcome[Query]:
    rng = random.Random(seed_from("write", str(services.spec.seed), assignment.id))
    category = services.taxonomy.category(assignment.category)
    chains = list(islice(_unlike(draw(category, profile, rng)), services.spec.queries.attempts))
    if not chains:
        detail = f"no program of {category.name} fits a table of {profile.file.name}"
        return rejected(assignment.id, Reason.NO_PROGRAM, detail)
    runs: list[Run] = []
    async with Executor(services.sandbox, profile, services.paths(profile.file.id)) as executor:
        for start in range(0, len(chains), BATCH):
            runs += await executor.run(chains[start : start + BATCH], stop_at_first=True)
            if not runs[-1].good:
                continue
            query = make_query(
                runs[-1].chain,
                runs[-1].answers,
                profile,
                rng,
                wave=assignment.wave,
                wanted_hops=assignment.hops,
            )
            if query is not None:
                return kept(query.id, query)
    return give_up(assignment.id, runs)


def _unlike(chains: Iterable[Chain], patience: int = 20) -> Iterable[Chain]:
    """The chains, each once; ends when the draw keeps repeating itself."""
    seen: set[tuple[object, ...]] = set()
    idle = 0
    for chain in chains:
        idle = idle + 1 if chain.key in seen else 0
        if idle > patience:
            return
        if not idle:
            seen.add(chain.key)
            yield chain


def give_up(id: str, runs: Sequence[Run], row: Query | None = None) -> Outcome[Query]:
    """How a query ends of which no draft was good: for the most frequent reason."""
    lost = [run for run in runs if run.fate is Fate.SANDBOX]
    if lost:
        return failed(id, Reason.SANDBOX, lost[0].detail, row, retryable=True)
    fates = Counter(run.fate for run in runs)
    fate = max(sorted(fates), key=lambda fate: fates[fate])
    last = next(run for run in runs if run.fate is fate)
    detail = f"{len(runs)} drafts came to nothing; one: {last.chain.last.path}: {last.detail}"
    return rejected(id, REASONS[fate], detail, row)
