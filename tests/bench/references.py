"""Recomputes references by an independent route, and says where the two differ.

    python -m tests.bench.references [--count 2400] [--seed 1] [--bundled]

Draws instances of every program, and chains of two and three hops, over the bundled tables and the shared
data's clean files (left out where they do not lie beside the clone), runs each in the sandbox as a run would,
and computes the answer again: of a database by the program's SQL in the database itself, of a file by the
same SQL in DuckDB over the loaded tables, of a program without SQL by another library (second_routes.py).
Prints the agreement by category and every disagreement. Exit 1 when there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datamind_gen.rows import Profile, seed_from
from datamind_gen.taxonomy import Chain, Executor, Fate, Run, extend, instantiate, may_end
from datamind_gen.taxonomy.answers import table_answer
from datamind_gen.taxonomy.execute import agrees
from datamind_gen.taxonomy.views import list_views
from tests.bench.composing import Desk, list_sources, open_desk
from tests.bench.second_routes import answer_again

VIEWS = 6
"""Views of a file that instances are drawn from."""


@dataclass
class Tally:
    """What came of the instances, by category."""

    agreed: Counter[str] = field(default_factory=Counter)
    differed: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    routes: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    """Programs of instances that no second route could compute."""

    @property
    def total(self) -> int:
        return self.agreed.total() + sum(map(len, self.differed.values()))


def draw_instances(desk: Desk, profile: Profile, rng: random.Random) -> Iterator[Chain]:
    """Every program that fits the file, in a random order, and chains that end in some of them."""
    views = rng.sample(views, VIEWS) if len(views := list_views(profile)) > VIEWS else views
    pairs = [
        (category.name, program)
        for category in desk.taxonomy.categories
        for program in category.programs
        if may_end(program, profile)
    ]
    while True:
        rng.shuffle(pairs)
        for category, program in pairs:
            chain = instantiate(program, rng.choice(views), category, rng)
            if chain is None:
                continue
            yield chain
            longer: Chain | None = chain
            for _ in range(2):
                longer = None if longer is None else extend(longer, desk.taxonomy, rng)
                if longer is not None:
                    yield longer


async def check_file(desk: Desk, profile: Profile, wanted: int, seed: str, tally: Tally) -> None:
    """Runs the file's instances and computes the good ones again."""
    rng = random.Random(seed_from("references", seed, profile.file.id))
    drawn = {chain.key: chain for chain in islice(draw_instances(desk, profile, rng), 4 * wanted)}
    chains = list(drawn.values())[: 3 * wanted]
    checked = 0
    async with Executor(desk.sandbox, profile, desk.paths(profile.file.id)) as executor:
        tables = {} if profile.file.format.is_database else load_tables(profile, desk.paths(profile.file.id))
        for start in range(0, len(chains), 20):
            for run in await executor.run(chains[start : start + 20], stop_at_first=False):
                checked += compare(run, profile, tables, tally)
            if checked >= wanted:
                return


def load_tables(profile: Profile, paths: dict[str, Path] | object) -> dict[str, pd.DataFrame]:
    """Each table of a file as its read plan loads it."""
    assert isinstance(paths, dict)
    found: dict[str, pd.DataFrame] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "data", "files")
        files.mkdir(parents=True)
        for name, path in paths.items():
            (files / name).symlink_to(path)
        before = Path.cwd()
        os.chdir(folder)
        try:
            for view in list_views(profile):
                if not view.joins:
                    space: dict[str, pd.DataFrame] = {}
                    exec(compile(view.load, "<load>", "exec"), space)
                    found[view.tables[0]] = space["df"]
        finally:
            os.chdir(before)
    return found


def compare(run: Run, profile: Profile, tables: dict[str, pd.DataFrame], tally: Tally) -> int:
    """Counts one run: 1 where a second route computed it too."""
    last = run.chain.last
    told = f"{profile.file.name}: {' > '.join(link.path for link in run.chain.links)}"
    slots = ", ".join(f"{slot.name}={slot.column or slot.value}" for slot in last.slots)
    if run.fate is Fate.ERROR:
        tally.differed[last.category].append(f"{told} ({slots}): {run.detail}")
        return 1
    if not run.good:
        return 0
    if profile.file.format.is_database:
        tally.agreed[last.category] += 1
        tally.routes["SQL in the database"] += 1
        return 1
    gives = last.program.gives
    try:
        again = answer_again(run.chain, tables)
    except Exception as error:
        tally.differed[last.category].append(f"{told} ({slots}): {type(error).__name__}: {error}"[:600])
        return 1
    if again is None:
        tally.alone[last.path] += 1
        return 0
    route, rows = again
    tally.routes[route] += 1
    table = table_answer({"columns": [], "rows": rows}, gives)
    if rows and agrees(run.answers[-1], table):
        tally.agreed[last.category] += 1
    else:
        said = f"Python gives {run.answers[-1].text[:120]!r}, {route} {table.text[:120]!r}"
        tally.differed[last.category].append(f"{told} ({slots}): {said}")
    return 1


def show(tally: Tally, files: int, console: Console) -> None:
    table = Table("category", "instances", "agree", "share", title=f"References by two routes, {files} files")
    for column in table.columns[1:]:
        column.justify = "right"
    for category in sorted(tally.agreed.keys() | tally.differed.keys()):
        agreed, differed = tally.agreed[category], len(tally.differed[category])
        total = agreed + differed
        table.add_row(category, str(total), str(agreed), f"{100 * agreed / total:.1f} %")
    agreed = tally.agreed.total()
    table.add_section()
    table.add_row("all", str(tally.total), str(agreed), f"{100 * agreed / max(tally.total, 1):.2f} %")
    console.print(table)
    console.print("routes: " + ", ".join(f"{count:,} {route}" for route, count in tally.routes.most_common()))
    if tally.alone:
        console.print(
            "no second route for chains over: "
            + ", ".join(f"{k} ({n})" for k, n in tally.alone.most_common())
        )
    for category, details in sorted(tally.differed.items()):
        for detail in details:
            console.print(f"differs, {category}: {detail}", markup=False)


async def check(given: argparse.Namespace, console: Console) -> int:
    tally = Tally()
    async with open_desk("full", list_sources(shared=not given.bundled)) as desk:
        profiles = sorted(desk.profiles.values(), key=lambda profile: profile.file.name)
        wanted = -(-given.count // len(profiles))
        for profile in track(profiles, "files", console=console, disable=not console.is_terminal):
            await check_file(desk, profile, wanted, str(given.seed), tally)
    show(tally, len(profiles), console)
    return 1 if any(tally.differed.values()) else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.references", description=__doc__)
    parser.add_argument("--count", type=int, default=2400, help="instances to compute twice, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundled", action="store_true", help="the bundled tables only")
    return asyncio.run(check(parser.parse_args(), Console(soft_wrap=True, highlight=False)))


if __name__ == "__main__":
    sys.exit(main())
