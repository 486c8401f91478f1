"""Queries from programs: filled from the profile, executed on the real file, their answers references.

`write_from_program` drafts until one holds its guards; `compose_from_programs` puts further programs in
front whose answers the query takes (taxonomy/wiring.py), and runs the whole chain again each time. A chain
that nothing can precede is no dead end: the search goes back a step, and then to another first question.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from datamind_gen.rows import Level, Profile, Query, Reason, seed_from
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected
from datamind_gen.stages.executors import borrow_executor
from datamind_gen.stages.plan import Assignment
from datamind_gen.taxonomy import (
    Category,
    Chain,
    Executor,
    Fate,
    Run,
    draw,
    draw_over,
    extend,
    follow,
    from_query,
    make_query,
    takes_phrases,
)
from datamind_gen.taxonomy.instances import score_of
from datamind_gen.taxonomy.level import foresee_score, miss

BATCH = 3
"""Drafts sent to the sandbox at once; the first good one is taken."""
DRAWS = 40
"""Extensions that are looked for among a chain's openings before it counts as one that takes none."""
RESTARTS = 3
"""Other first questions that are tried where one cannot be made as hard as wanted."""

REASONS = {
    Fate.GUARD: Reason.GUARD,
    Fate.DEGENERATE: Reason.DEGENERATE_HOP,
    Fate.ERROR: Reason.PROGRAM_ERROR,
    Fate.SANDBOX: Reason.SANDBOX,
    Fate.GOOD: Reason.GUARD,
}


async def write_from_program(
    assignment: Assignment, profile: Profile, services: Services, *, to_follow: bool = False
) -> Outcome[Query]:
    """A query of one hop, in the assignment's category; where asked so, one that a later hop can take."""
    rng = random.Random(seed_from("write", str(services.spec.seed), assignment.id))
    category = services.taxonomy.category(assignment.category)
    drawn = _unlike(draw(category, profile, rng))
    if to_follow:
        drawn = (chain for chain in islice(drawn, DRAWS) if chain.last.program.gives.of is not None)
    aim = _Aim(assignment.hops, assignment.level)
    chains = aim.choose(drawn, services.spec.queries.attempts)
    if not chains:
        detail = f"no program of {category.name} fits a table of {profile.file.name}"
        return rejected(assignment.id, Reason.NO_PROGRAM, detail)
    async with borrow_executor(profile, services) as executor:
        search = _Search(executor, profile, services, rng, aim, asked_by=assignment.id)
        found = await search.first_good(chains, ())
    if found is None:
        return give_up(assignment.id, search.tried)
    query = replace(found.query, wave=assignment.wave, wanted_hops=aim.hops, wanted_level=aim.level)
    return kept(query.id, query)


async def compose_from_programs(seed: Query, services: Services) -> Outcome[Query]:
    """The query with as many hops as it wants; with fewer, and saying so, where the data allow no more."""
    profile = services.profile(seed.file_id)
    rng = random.Random(seed_from("compose", str(services.spec.seed), seed.id))
    start = _Node(seed, from_query(seed, services.taxonomy, profile))
    async with borrow_executor(profile, services) as executor:
        aim = _Aim(seed.wanted_hops, seed.wanted_level)
        search = _Search(executor, profile, services, rng, aim, asked_by=seed.id)
        best = await search.climb(start)
        for _ in range(RESTARTS):
            if len(best.query.hops) >= seed.wanted_hops:
                break
            other = await search.first_good(search.other_starts(seed.category), ())
            if other is not None:
                best = max(best, await search.climb(other), key=_count_hops)
    query = replace(best.query, wave=seed.wave, wanted_hops=aim.hops, wanted_level=aim.level)
    if len(query.hops) >= seed.wanted_hops:
        return kept(query.id, query)
    if any(run.fate is Fate.SANDBOX for run in search.tried):
        return give_up(seed.id, search.tried, query)
    detail = f"has {len(query.hops)} of {seed.wanted_hops} hops; {_describe_losses(search.tried)}"
    return replace(kept(query.id, query), detail=detail)


async def follow_with_program(query: Query, category: Category, services: Services) -> Query | None:
    """The query of a program with a hop of a category after it, or None where none was found: what the
    scripted author proposes when it is asked for a harder question."""
    profile = services.profile(query.file_id)
    rng = random.Random(seed_from("follow", str(services.spec.seed), query.id))
    chain = from_query(query, services.taxonomy, profile)
    tails = islice(draw_over(category, chain, profile, rng), DRAWS)
    longer = [found for tail in tails if (found := follow(chain, tail, rng)) is not None]
    async with borrow_executor(profile, services) as executor:
        search = _Search(executor, profile, services, rng, _Aim(len(query.hops) + 1), asked_by=query.id)
        node = await search.first_good(_unlike(longer), (*query.parents, query.id))
    return None if node is None else node.query


@dataclass(frozen=True, slots=True)
class _Aim:
    """What the plan wants of a question."""

    hops: int
    level: Level | None = None

    def choose(self, chains: Iterable[Chain], most: int) -> list[Chain]:
        """The first chains; where a level is wanted, those of many that promise to come nearest to it."""
        level = self.level
        if level is None:
            return list(islice(chains, most))

        def distance(chain: Chain) -> float:
            return miss(foresee_score(score_of(chain), len(chain.links), self.hops), level)

        return sorted(islice(chains, max(DRAWS, most)), key=distance)[:most]


@dataclass(slots=True)
class _Node:
    """A good chain on the way, with the longer ones that were not tried yet."""

    query: Query
    chain: Chain
    open: list[Chain] | None = None


def _count_hops(node: _Node) -> int:
    return len(node.query.hops)


class _Search:
    """Looks for good chains over one file, and keeps what it ran."""

    def __init__(
        self,
        executor: Executor,
        profile: Profile,
        services: Services,
        rng: random.Random,
        aim: _Aim,
        *,
        asked_by: str,
    ) -> None:
        self._executor = executor
        self._profile = profile
        self._services = services
        self._rng = rng
        self._aim = aim
        self._asked_by = asked_by
        self.tried: list[Run] = []

    async def first_good(self, chains: Iterable[Chain], parents: tuple[str, ...]) -> _Node | None:
        """The first chain that is good, as a query."""
        left = list(islice(chains, self._services.spec.queries.attempts))
        while left:
            node, left = await self._try(left, parents)
            if node is not None:
                return node
        return None

    async def climb(self, start: _Node) -> _Node:
        """The longest chain found that ends as `start` does, of at most the wanted hops. Depth first; at
        most `attempts` drafts for every hop that is wanted."""
        best, stack, wanted = start, [start], self._aim.hops
        allowed = len(self.tried) + self._services.spec.queries.attempts * wanted
        while stack and len(self.tried) < allowed and _count_hops(best) < wanted:
            top = stack[-1]
            if top.open is None:
                top.open = self._extensions(top.chain)
            if not top.open:
                stack.pop()
                continue
            node, top.open = await self._try(top.open, (*top.query.parents, top.query.id))
            if node is not None:
                stack.append(node)
                best = max(best, node, key=_count_hops)
        return best

    def other_starts(self, category: str) -> Iterable[Chain]:
        """Other questions of a category that something can precede; first those that an earlier answer can
        stand inside, which leaves room for filters in front."""
        found = _unlike(draw(self._services.taxonomy.category(category), self._profile, self._rng))
        starts = (chain for chain in islice(found, DRAWS) if self._extensions(chain, most=1))
        return sorted(starts, key=lambda chain: not takes_phrases(chain))

    async def _try(self, chains: list[Chain], parents: tuple[str, ...]) -> tuple[_Node | None, list[Chain]]:
        """Runs a batch up to its first good chain: that one, and the chains that are left."""
        runs = await self._executor.run(chains[:BATCH], stop_at_first=True)
        self.tried += runs
        left = chains[len(runs) :]
        if not runs[-1].good:
            return None, left
        query = make_query(
            runs[-1].chain,
            runs[-1].answers,
            self._profile,
            self._rng,
            asked_by=self._asked_by,
            parents=parents,
        )
        return (None if query is None else _Node(query, runs[-1].chain)), left

    def _extensions(self, chain: Chain, *, most: int | None = None) -> list[Chain]:
        """Different chains with one hop more, at most as many as attempts are allowed."""
        wanted = most or self._services.spec.queries.attempts
        found: dict[tuple[object, ...], Chain] = {}
        for _ in range(DRAWS):
            longer = extend(chain, self._services.taxonomy, self._rng)
            if longer is not None:
                found.setdefault(longer.key, longer)
            if len(found) == wanted:
                break
        return self._aim.choose(found.values(), wanted)


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
    return rejected(id, REASONS[fate], _describe_losses(runs), row)


def _describe_losses(runs: Sequence[Run]) -> str:
    """Why drafts came to nothing, in words."""
    lost = [run for run in runs if not run.good]
    if not lost:
        return "no earlier answer fits it here" if not runs else "their questions gave earlier answers away"
    return f"{len(lost)} drafts came to nothing; one: {lost[-1].chain.last.path}: {lost[-1].detail}"
