"""A sheet of questions for two independent readers, who see no answer and no code.

    python -m tests.bench.question_sheet --seed COMMIT --count 100 --out FILE [--shared]

Composes the questions of a full-recipe run at a seed made from COMMIT (no sampling), draws COUNT of them, and
writes each with its file and a compact profile. `--key FILE` writes, apart, what a fixer needs to know: the
programs of each question and its answers. The same commit, seed and files give the same sheet.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from datamind_gen.rows import Profile, Query, Table, seed_from
from datamind_gen.stages.metadata import ColumnNote, TableNote, describe_file
from tests.bench.composing import list_sources, open_desk

POOL = 3
"""Questions composed for each one drawn."""
MARKS = (
    "Mark each question: **clear** (one meaning), **answerable** (from this file alone, with one right "
    "answer), **non-trivial** (worth asking an analyst) and **natural** (a person might say it so). A "
    "question holds when all four do; else say in a few words why not."
)


def write_sheet(queries: Sequence[Query], profiles: dict[str, Profile], seed: str) -> str:
    """The sheet as markdown: the questions numbered, the profiles of their files after them."""
    names = {id: f"file-{number}" for number, id in enumerate(_files_of(queries), start=1)}
    lines = [f"# {len(queries)} questions, drawn with seed `{seed}`", "", MARKS, "", "## Questions", ""]
    for number, query in enumerate(queries, start=1):
        file = profiles[query.file_id].file
        lines.append(f"{number}. ([{file.name}](#{names[query.file_id]})) {_escape(query.question)}")
    lines += ["", "## Files", ""]
    for id, anchor in names.items():
        lines += _describe(profiles[id], anchor)
    return "\n".join(lines) + "\n"


def write_key(queries: Sequence[Query], profiles: dict[str, Profile]) -> str:
    """What each question was made from, and what it comes to: not for readers."""
    lines = []
    for number, query in enumerate(queries, start=1):
        steps = " -> ".join(
            f"{hop.program} [{hop.wiring or 'start'}] = {hop.reference.text[:60] if hop.reference else ''}"
            for hop in query.hops
        )
        lines.append(f"{number}. {profiles[query.file_id].file.name}: {query.question}\n   {steps}")
    return "\n".join(lines) + "\n"


def _files_of(queries: Sequence[Query]) -> list[str]:
    return list(dict.fromkeys(query.file_id for query in queries))


def _describe(profile: Profile, anchor: str) -> list[str]:
    told = describe_file(profile, max_chars=6_000)
    lines = [f'<a id="{anchor}"></a>', "", f"### {told.file}", ""]
    if told.description:
        lines += [_escape(told.description), ""]
    for note, table in zip(told.tables, profile.tables, strict=False):
        lines += _describe_table(note, table, named=len(profile.tables) > 1)
    if told.left_out:
        lines += [f"Also: {', '.join(map(_escape, told.left_out))}.", ""]
    lines += [f"- {_escape(join)}" for join in told.joins] + [""] * bool(told.joins)
    return lines


def _describe_table(note: TableNote, table: Table, *, named: bool) -> list[str]:
    title = f"Table {_escape(note.name)}: " if named else ""
    lines = [f"{title}{table.rows:,} rows, {table.column_count} columns.", ""]
    lines += ["| column | type | range | distinct values | missing |", "| --- | --- | --- | --- | --- |"]
    for column in note.columns:
        lines.append(f"| {' | '.join(map(_escape, _cells(column)))} |")
    return [*lines, ""]


def _cells(column: ColumnNote) -> tuple[str, ...]:
    name = f"{column.name} ({column.description})" if column.description else column.name
    return name, column.type, column.range, column.unique, str(column.missing)


def _escape(text: str) -> str:
    return re.sub(r"([\\|*<>`\[\]])", r"\\\1", " ".join(text.split()))


async def draw(seed: str, count: int, *, shared: bool) -> tuple[list[Query], dict[str, Profile]]:
    """The drawn questions, and the profiles of all files."""
    async with open_desk("full", list_sources(shared=shared)) as desk:
        per_file = 24 if not shared else 10
        queries = await desk.compose(
            seed=seed_from("sheet", seed) % 2**31, count=POOL * count, per_file=per_file
        )
        if len(queries) < count:
            print(f"only {len(queries)} questions came of the plan", file=sys.stderr)
        drawn = random.Random(seed_from("sheet", seed)).sample(queries, min(count, len(queries)))
        return drawn, desk.profiles


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.question_sheet", description=__doc__)
    parser.add_argument("--seed", required=True, help="a commit's hash, so that nobody chose the draw")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--key", type=Path, help="also write what the questions were made from")
    parser.add_argument("--shared", action="store_true", help="over the shared data's clean files as well")
    given = parser.parse_args()
    queries, profiles = asyncio.run(draw(given.seed, given.count, shared=given.shared))
    given.out.write_text(write_sheet(queries, profiles, given.seed), encoding="utf-8")
    if given.key is not None:
        given.key.write_text(write_key(queries, profiles), encoding="utf-8")
    print(f"{len(queries)} questions about {len(_files_of(queries))} files: {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
