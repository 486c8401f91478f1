"""Runs every program of a category on real files, and shows what it asked and answered.

    python -m datamind_gen.taxonomy.check CATEGORY.yaml [FILE ...] [--program NAME] [--draws 3] [--chains 20]
    python -m datamind_gen.taxonomy.check FOLDER [FILE ...] [--table OUT.md]

Without files it takes the tables that come with the package. For each program: on which files it could
be filled and what the others lack, example questions with their answers, and why the other draws came to
nothing. Exit 1 when a program fails with an error, or never gives an answer. Of a taxonomy's folder it says
on how many of the files each program gives an answer, and which exemplars sound like another category's;
exit 1 when a program gives none. Exit 2 when there are mistakes in the YAML.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from datamind_gen.files import FileError, FoundFile, ReadSettings, SourceSpec, find_sources, profile_file
from datamind_gen.rows import Profile, seed_from
from datamind_gen.sandbox import Sandbox
from datamind_gen.spec.problems import Problem, list_names, render_problems, sort_problems
from datamind_gen.taxonomy.execute import Executor, Fate, Run
from datamind_gen.taxonomy.instances import draw, instantiate, make_query
from datamind_gen.taxonomy.lint import find_strays, lint_category, lint_taxonomy
from datamind_gen.taxonomy.load import (
    TaxonomyError,
    load_category,
    load_taxonomy,
    read_categories,
    read_category,
)
from datamind_gen.taxonomy.reach import VIEWS, measure_reach, say_why, write_table
from datamind_gen.taxonomy.schema import Category, Program, Taxonomy
from datamind_gen.taxonomy.unfilled import explain_unfilled
from datamind_gen.taxonomy.views import list_views
from datamind_gen.taxonomy.wiring import extend

ANY_SIZE = ReadSettings(max_rows=None)
MOST_UNFILLED = 5
"""Files of which it is said why a program does not fit them."""
MOST_FATES = 12


@dataclass(slots=True)
class Tally:
    """What a program came to over all files."""

    files: set[str] = field(default_factory=set)
    unfilled: dict[str, list[str]] = field(default_factory=dict)
    """Why not, by file."""
    fates: Counter[Fate] = field(default_factory=Counter)
    good: list[tuple[str, str, str]] = field(default_factory=list)
    """File, question, answer."""
    bad: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Loaded:
    profile: Profile
    paths: dict[str, Path]


def load_files(names: Sequence[str], work: Path, console: Console) -> list[Loaded]:
    """Profiles of the files, or of the bundled tables where none is named."""
    sources = [SourceSpec.model_validate({"path": name}) for name in names]
    sources = sources or [SourceSpec.model_validate({"bundled": "all"})]
    loaded = []
    for found in find_sources(sources, Path.cwd(), work):
        try:
            loaded.append(_load(found))
        except FileError as error:
            console.print(f"[yellow]left out[/] {escape(found.file.name)}: {escape(str(error))}")
    return loaded


def _load(found: FoundFile) -> Loaded:
    names = (part.name for part in found.file.parts)
    return Loaded(profile_file(found, ANY_SIZE), dict(zip(names, found.paths, strict=True)))


async def check_program(
    program: Program, category: Category, files: Sequence[Loaded], sandbox: Sandbox, draws: int
) -> Tally:
    """Draws the program on every view of every file, and runs what could be filled."""
    tally = Tally()
    for loaded in files:
        rng = random.Random(seed_from(program.name, loaded.profile.file.id))
        views = list_views(loaded.profile)[:VIEWS]
        chains = [
            chain
            for view in views
            for _ in range(draws)
            if (chain := instantiate(program, view, category.name, rng)) is not None
        ]
        if not chains:
            tally.unfilled[loaded.profile.file.name] = explain_unfilled(program, views)
            continue
        async with Executor(sandbox, loaded.profile, loaded.paths) as executor:
            different = list({chain.key: chain for chain in chains}.values())
            for run in await executor.run(different, stop_at_first=False):
                _count(tally, run, loaded.profile, rng)
    return tally


def _count(tally: Tally, run: Run, profile: Profile, rng: random.Random) -> None:
    tally.fates[run.fate] += 1
    if not run.good:
        tally.bad[say_why(run)] += 1
        return
    query = make_query(run.chain, run.answers, profile, rng)
    if query is None:
        tally.bad["the question gives an earlier answer away"] += 1
        return
    tally.files.add(profile.file.name)
    tally.good.append((profile.file.name, query.question, run.answers[-1].text))


def show(program: Program, tally: Tally, examples: int, console: Console) -> bool:
    """Prints a program's tally; True when it is in order."""
    errors = tally.fates[Fate.ERROR] + tally.fates[Fate.SANDBOX]
    fine = bool(tally.good) and not errors
    colour = "green" if fine else "red"
    counts = ", ".join(f"{count} {fate.value}" for fate, count in sorted(tally.fates.items()))
    console.print(
        f"\n[bold {colour}]{program.name}[/]  {len(tally.files)} files; {counts or 'never filled'}; "
        f"not fillable on {len(tally.unfilled)} files"
    )
    for file, reasons in list(tally.unfilled.items())[:MOST_UNFILLED]:
        for why in reasons:
            console.print(f"  [dim]{escape(file)}[/]  [yellow]{escape(why)}[/]")
    spread = tally.good[:: max(1, len(tally.good) // max(examples, 1))][:examples]
    for file, question, answer in spread:
        console.print(f"  [dim]{escape(file)}[/]  {escape(question)}\n      = {escape(answer[:300])}")
    for why, count in tally.bad.most_common(4):
        console.print(f"  [yellow]{count} x {escape(why)}[/]")
    return fine


async def check_chains(
    category: Category,
    taxonomy: Taxonomy,
    files: Sequence[Loaded],
    sandbox: Sandbox,
    wanted: int,
    console: Console,
) -> None:
    """Composes questions that end in this category, up to five hops, and shows them."""
    fates: Counter[str] = Counter()
    for number in range(wanted):
        loaded = files[number % len(files)]
        rng = random.Random(seed_from("chains", category.name, str(number)))
        async with Executor(sandbox, loaded.profile, loaded.paths) as executor:
            run = await _grow(category, taxonomy, loaded, executor, rng, 2 + number % 4, fates)
        if run is None:
            continue
        query = make_query(run.chain, run.answers, loaded.profile, rng)
        if query is not None:
            pairs = zip(query.hops, run.answers, strict=True)
            steps = " -> ".join(f"{hop.program} [{answer.text[:40]}]" for hop, answer in pairs)
            name = escape(loaded.profile.file.name)
            console.print(f"\n[bold]{len(query.hops)} hops, {query.level.value}[/] [dim]{name}[/]")
            console.print(f"  {escape(query.question)}\n  [dim]{escape(steps)}[/]")
    if fates:
        console.print("\n[bold]Hops that were tried[/]")
    for fate, count in fates.most_common(MOST_FATES):
        console.print(f"  {count} x {escape(fate)}")


async def _grow(
    category: Category,
    taxonomy: Taxonomy,
    loaded: Loaded,
    executor: Executor,
    rng: random.Random,
    hops: int,
    fates: Counter[str],
) -> Run | None:
    best: Run | None = None
    for _, chain in zip(range(10), draw(category, loaded.profile, rng), strict=False):
        (best,) = await executor.run([chain], stop_at_first=True)
        if best.good:
            break
    while best is not None and best.good and len(best.chain.links) < hops:
        extended = [found for _ in range(30) if (found := extend(best.chain, taxonomy, rng)) is not None][:10]
        runs = await executor.run(extended, stop_at_first=True) if extended else ()
        fates.update("composed" if run.good else say_why(run) for run in runs)
        good = [run for run in runs if run.good]
        if not good:
            break
        best = good[0]
    return best if best is not None and best.good else None


def show_problems(found: Iterable[Problem], console: Console) -> bool:
    """Prints what is wrong with the YAML; True when nothing keeps it from being run."""
    problems = sort_problems(found)
    if problems:
        console.print(render_problems(problems), end="")
    return not any(problem.is_error for problem in problems)


async def run_reach(arguments: argparse.Namespace, console: Console) -> int:
    if not show_problems(lint_taxonomy(arguments.category), console):
        return 2
    show_problems(find_strays(read_categories(arguments.category)), console)
    taxonomy = load_taxonomy(arguments.category)
    with tempfile.TemporaryDirectory() as work:
        files = load_files(arguments.files, Path(work), console)
        async with Sandbox() as sandbox:
            found = await measure_reach(taxonomy, files, sandbox, draws=arguments.draws)
    table = write_table(taxonomy, found, len(files))
    if arguments.table is not None:
        arguments.table.write_text(table, encoding="utf-8")
    console.print(table, markup=False)
    return 0 if all(reach.good for reach in found.values()) else 1


async def run(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.category.is_dir():
        return await run_reach(arguments, console)
    if not show_problems(lint_category(read_category(arguments.category)), console):
        return 2
    category = load_category(arguments.category)
    programs = [one for one in category.programs if arguments.program in (None, one.name)]
    if not programs:
        names = list_names((one.name for one in category.programs), most=40)
        console.print(f"[red]no program {arguments.program or 'at all'} in it; it has {names or 'none'}[/]")
        return 2
    fine = True
    with tempfile.TemporaryDirectory() as work:
        files = load_files(arguments.files, Path(work), console)
        async with Sandbox() as sandbox:
            for program in programs:
                tally = await check_program(program, category, files, sandbox, arguments.draws)
                fine = show(program, tally, arguments.examples, console) and fine
            if arguments.chains:
                taxonomy = load_taxonomy(arguments.category.parent)
                await check_chains(category, taxonomy, files, sandbox, arguments.chains, console)
    return 0 if fine else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m datamind_gen.taxonomy.check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("category", type=Path, help="a category's YAML file, or a taxonomy's folder")
    parser.add_argument("--table", type=Path, help="of a folder: write programs by sources as markdown")
    parser.add_argument("files", nargs="*", help="data files or globs; the bundled tables by default")
    parser.add_argument("--program", help="only this program")
    parser.add_argument("--draws", type=int, default=3, help="draws a table")
    parser.add_argument("--examples", type=int, default=3, help="examples shown a program")
    parser.add_argument("--chains", type=int, default=0, help="composed questions to show as well")
    console = Console(soft_wrap=True, highlight=False)
    try:
        return asyncio.run(run(parser.parse_args(), console))
    except (TaxonomyError, FileError, OSError) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 2


if __name__ == "__main__":
    sys.exit(main())
