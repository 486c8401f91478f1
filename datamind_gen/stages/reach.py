"""What a file's data allow: how many hops a program's question of a category can have about it.

Found by composing chains from the profile alone, nothing being executed: a bound from above. Where no
column can carry an earlier answer, no number of tries makes a harder question; where one can, guards on the
real rows may still refuse.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from datamind_gen.rows import Column, Origin, Profile, seed_from
from datamind_gen.taxonomy import Category, Chain, Taxonomy, draw, extend, may_end
from datamind_gen.taxonomy.fill import fill, has_kind
from datamind_gen.taxonomy.views import list_views

STARTS = 10
"""First questions that are looked at."""
DRAWS = 12
"""Extensions that are looked for at each hop."""


@dataclass(slots=True)
class Reach:
    """The most hops by author, file and category, 0 where a file does not support the category. Found when
    first asked for."""

    taxonomy: Taxonomy
    profiles: Mapping[str, Profile]
    most: int
    """Hops beyond which nobody asks."""
    _found: dict[tuple[Origin, str, str], int] = field(default_factory=dict)

    def __call__(self, origin: Origin, file_id: str, category: str) -> int:
        key = (origin, file_id, category)
        if key not in self._found:
            self._found[key] = self._find(origin, self.profiles[file_id], self.taxonomy.category(category))
        return self._found[key]

    def _find(self, origin: Origin, profile: Profile, category: Category) -> int:
        if not supports(category, profile, origin):
            return 0
        if origin is Origin.MODEL:
            return self.most
        rng = random.Random(seed_from("reach", profile.file.id, category.name))
        best = 0
        for chain in islice(draw(category, profile, rng), STARTS):
            best = max(best, self._climb(chain, rng))
            if best >= self.most:
                break
        return best

    def _climb(self, chain: Chain, rng: random.Random) -> int:
        while len(chain.links) < self.most:
            longer = next(filter(None, (extend(chain, self.taxonomy, rng) for _ in range(DRAWS))), None)
            if longer is None:
                break
            chain = longer
        return len(chain.links)


def supports(category: Category, profile: Profile, origin: Origin) -> bool:
    """Whether a file has what a category needs; for programs, whether any can be filled and answered."""
    views = list_views(profile)
    if not any(_meets_needs(category, view.columns) for view in views):
        return False
    if origin is Origin.MODEL:
        return True
    return any(
        may_end(program, profile)
        and any(fill(program, view.columns, view.rows, random.Random(0)) is not None for view in views)
        for program in category.programs
    )


def _meets_needs(category: Category, columns: Sequence[Column]) -> bool:
    return all(
        sum(has_kind(column, kind) for column in columns) >= count for kind, count in category.needs.items()
    )
