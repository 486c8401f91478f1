"""On how many sources each program of a taxonomy gives an answer, and why not on more.

`python -m datamind_gen.taxonomy.check FOLDER [FILE ...] [--table OUT.md]` prints it. A program that works on
fewer than `WANTED` sources is too picky about its slots, or needs data that few tables have.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from datamind_gen.rows import Profile, seed_from
from datamind_gen.sandbox import Sandbox
from datamind_gen.taxonomy.chain import Chain
from datamind_gen.taxonomy.execute import Executor, Fate, Run
from datamind_gen.taxonomy.fill import fill, suits
from datamind_gen.taxonomy.instances import instantiate
from datamind_gen.taxonomy.schema import Program, Taxonomy
from datamind_gen.taxonomy.views import View, list_views

WANTED = 5
"""Sources on which a program should give an answer."""
VIEWS = 8
"""Views of a file that a program is tried on."""
ROUNDS = 3
"""How often the draws that came to nothing are drawn anew."""


class Loaded(Protocol):
    """A profiled file, and where its parts lie."""

    @property
    def profile(self) -> Profile: ...
    @property
    def paths(self) -> dict[str, Path]: ...


@dataclass(slots=True)
class Reach:
    """What became of one program over all sources."""

    good: set[str] = field(default_factory=set)
    lost: Counter[str] = field(default_factory=Counter)
    """Why other sources gave nothing."""


async def measure_reach(
    taxonomy: Taxonomy, files: Sequence[Loaded], sandbox: Sandbox, *, draws: int
) -> dict[str, Reach]:
    """Each program's reach, by `category/name`; a source is a file."""
    found = {
        f"{category.name}/{program.name}": Reach()
        for category in taxonomy.categories
        for program in category.programs
    }
    for loaded in files:
        async with Executor(sandbox, loaded.profile, loaded.paths) as executor:
            await _try_all(taxonomy, loaded.profile, executor, draws, found)
    return found


async def _try_all(
    taxonomy: Taxonomy, profile: Profile, executor: Executor, draws: int, found: Mapping[str, Reach]
) -> None:
    views = list_views(profile)[:VIEWS]
    name = profile.file.name
    for round in range(ROUNDS):
        chains: list[Chain] = []
        for category in taxonomy.categories:
            for program in category.programs:
                path = f"{category.name}/{program.name}"
                if name in found[path].good:
                    continue
                if profile.file.format.is_database and program.sql is None:
                    found[path].lost["a database, and it has no SQL"] += round == 0
                    continue
                rng = random.Random(seed_from("reach", path, profile.file.id, str(round)))
                drawn = _draw(program, category.name, views, draws, rng)
                if not drawn and round == 0:
                    found[path].lost[_what_is_missing(program, views)] += 1
                chains += drawn
        for start in range(0, len(chains), 25):
            for run in await executor.run(chains[start : start + 25], stop_at_first=False):
                if run.good:
                    found[run.chain.last.path].good.add(name)
                elif round == ROUNDS - 1 and name not in found[run.chain.last.path].good:
                    found[run.chain.last.path].lost[say_why(run)[:90]] += 1


def say_why(run: Run) -> str:
    """Why a run gave no answer; what a guard said speaks for itself."""
    return run.detail if run.fate is Fate.GUARD else f"{run.fate.value}: {run.detail}"


def _draw(
    program: Program, category: str, views: Sequence[View], draws: int, rng: random.Random
) -> list[Chain]:
    drawn = [instantiate(program, view, category, rng) for view in views for _ in range(draws)]
    return list({chain.key: chain for chain in drawn if chain is not None}.values())


def _what_is_missing(program: Program, views: Iterable[View]) -> str:
    """The slots that no column of any view fills."""
    views = list(views)
    missing = [
        name
        for name, spec in program.slots.items()
        if spec.kinds
        and not any(suits(one, spec, view.rows, view.columns) for view in views for one in view.columns)
    ]
    if missing:
        return f"no column for {', '.join(missing)}"
    if any(fill(program, view.columns, view.rows, random.Random(0)) for view in views):
        return "no draw"
    return "no set of columns for all slots at once"


def write_table(taxonomy: Taxonomy, found: Mapping[str, Reach], files: int) -> str:
    """The outcome as markdown: sources a program, and for those below what is wanted the main reasons."""
    short = {path: reach for path, reach in found.items() if len(reach.good) < WANTED}
    lines = [
        f"# Programs of {taxonomy.title} by sources",
        "",
        f"Each of the {len(found)} programs was tried on {files} real files; {len(found) - len(short)} gave "
        f"an answer on at least {WANTED}. Made by `python -m datamind_gen.taxonomy.check FOLDER --table`.",
        "",
        "| category | programs | least | median | most | below wanted |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for category in taxonomy.categories:
        counts = sorted(len(found[f"{category.name}/{one.name}"].good) for one in category.programs)
        if counts:
            few = sum(count < WANTED for count in counts)
            middle = counts[len(counts) // 2]
            lines.append(
                f"| {category.name} | {len(counts)} | {counts[0]} | {middle} | {counts[-1]} | {few} |"
            )
    if short:
        lines += [
            "",
            f"Below {WANTED} sources:",
            "",
            "| program | sources | why not more |",
            "| --- | ---: | --- |",
        ]
    for path, reach in sorted(short.items(), key=lambda item: (len(item[1].good), item[0])):
        reasons = "; ".join(f"{why} ({count})" for why, count in reach.lost.most_common(2))
        lines.append(f"| {path} | {len(reach.good)} | {reasons.replace('|', '/')} |")
    return "\n".join(lines) + "\n"
