"""Draws instances of programs: chains over a file's views, and the queries that they become.

`draw` fills a category's programs; `make_query` writes a chain that was run down as a query. Both are
pure functions of their seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from datamind_gen.rows import Answer, AnswerType, Hop, HopCode, Origin, Profile, Query, encode, make_id
from datamind_gen.taxonomy.answers import unit_of
from datamind_gen.taxonomy.chain import Chain, Link, to_hops, wire_column
from datamind_gen.taxonomy.code import reference_steps, sql_step
from datamind_gen.taxonomy.fill import fill
from datamind_gen.taxonomy.level import level_of, score_level
from datamind_gen.taxonomy.questions import hop_question, leaks, write_phrases, write_question
from datamind_gen.taxonomy.render import Code, render_partly, render_words
from datamind_gen.taxonomy.schema import Category, Program
from datamind_gen.taxonomy.views import View, list_views

JOIN_SHARE = 0.35
"""How often a draw tries a join first, where the file has one."""


def draw(category: Category, profile: Profile, rng: random.Random) -> Iterator[Chain]:
    """One-hop chains of a category over a file, each another draw, without end as long as any program
    fits any view; none at all where none does."""
    views = list_views(profile)
    fitting = [
        (program, view)
        for program in category.programs
        if may_end(program, profile)
        for view in views
        if fill(program, view.columns, view.rows, random.Random(0)) is not None
    ]
    if not fitting:
        return
    while True:
        program = rng.choice(sorted({program.name for program, _ in fitting}))
        joined = rng.random() < JOIN_SHARE
        places = [pair for pair in fitting if pair[0].name == program]
        preferred = [pair for pair in places if (pair[1].joins > 0) == joined] or places
        found = instantiate(*rng.choice(preferred), category.name, rng)
        if found is not None:
            yield found


def draw_over(category: Category, chain: Chain, profile: Profile, rng: random.Random) -> Iterator[Chain]:
    """One-hop chains of a category over the view of another chain, without end as long as any program fits;
    that a joined table is needed the other chain may have shown already."""
    view = chain.view
    fitting = [
        program
        for program in category.programs
        if may_end(program, profile) and fill(program, view.columns, view.rows, random.Random(0)) is not None
    ]
    while fitting:
        program = rng.choice(fitting)
        slots = fill(program, view.columns, view.rows, rng)
        if slots is not None:
            yield Chain(view, (Link(category.name, program, slots),))


def instantiate(program: Program, view: View, category: str, rng: random.Random) -> Chain | None:
    """A program filled over a view, as a chain of one hop; None where a slot finds nothing."""
    slots = fill(program, view.columns, view.rows, rng)
    if slots is None or (
        view.joined and view.joined.isdisjoint(slot.column for slot in slots if slot.column)
    ):
        return None  # or joined for nothing
    return Chain(view, (Link(category, program, slots),))


def may_end(program: Program, profile: Profile) -> bool:
    """Whether a program's answer can be the final one: a table is no concise text, a database is
    asked in SQL, and a plain mean is no question."""
    if not program.ends:
        return False
    if profile.file.format.is_database:
        return program.sql is not None
    return program.gives.type is not AnswerType.TABLE


def make_query(
    chain: Chain,
    answers: Sequence[Answer],
    profile: Profile,
    rng: random.Random,
    *,
    wave: int = 1,
    wanted_hops: int = 1,
    parents: tuple[str, ...] = (),
    asked_by: str = "",
) -> Query | None:
    """The query of a chain that was run; None where its question would name an earlier hop's answer.

    `asked_by` is what in the plan wants it: two entries of a plan that come to the same chain stay two
    rows, of which one is then seen to be a duplicate.
    """
    question = write_question(chain, rng)
    if leaks(question, answers[:-1]) is not None:
        return None
    hops = describe_hops(chain, profile, answers, rng)
    bare = tuple(replace(hop, reference=None, question="", phrase="", code=None) for hop in hops)
    last = answers[-1]
    return Query(
        id=make_id("query", asked_by, profile.file.id, *chain.view.tables, *(encode(hop) for hop in bare)),
        file_id=profile.file.id,
        question=question,
        category=chain.last.category,
        hops=hops,
        level=level_of(score_of(chain)),
        origin=Origin.PROGRAM,
        tables=chain.view.tables,
        answer_type=last.type,
        reference=last,
        parents=parents,
        template=chain.last.path,
        wave=wave,
        wanted_hops=wanted_hops,
    )


def score_of(chain: Chain) -> float:
    """What its level is read from."""
    steps = [step.wiring + "\n" + step.python for step in reference_steps(chain)]
    return score_level(steps, chain.view.joins)


def describe_hops(
    chain: Chain, profile: Profile, answers: Sequence[Answer], rng: random.Random
) -> tuple[Hop, ...]:
    """The chain's hops with their questions, answers and code."""
    phrases = write_phrases(chain)
    questions = [
        hop_question(chain, index, phrases[index - 1] if index else "", rng)
        for index in range(len(chain.links))
    ]
    hops = to_hops(chain, questions, phrases)
    return tuple(
        replace(hop, reference=answers[index], code=_hop_code(chain, index, profile, phrases))
        for index, hop in enumerate(hops)
    )


def _hop_code(chain: Chain, index: int, profile: Profile, phrases: Sequence[str]) -> HopCode:
    link = chain.links[index]
    gives = chain.gives_at(index)
    step = reference_steps(chain)[index]
    given = [Code(f"⟦answer_{position}⟧") for position in range(index)]
    words = chain.values(index, phrase=phrases[index - 1] if index else "")
    sql = sql_step(chain, index, profile.file.format, given) if profile.file.format.is_database else None
    return HopCode(
        wiring=step.wiring,
        python=step.python,
        sql=sql,
        type=gives.type,
        load=_load_code(chain) if index == 0 else "",
        given=_given_dtype(chain, index),
        thought=render_words(link.program.thought, words) if link.program.thought else "",
        decimals=gives.decimals,
        unit=unit_of(Chain(chain.view, chain.links[: index + 1])),
        statement=render_partly(gives.statement, words) if gives.statement else None,
        claims=tuple((name, claim.decimals) for name, claim in gives.claims.items()),
    )


def _load_code(chain: Chain) -> str:
    """Python that binds `df`, with the imports that programs take for granted and the load has not."""
    load = chain.view.load
    code = "\n".join(step.python for step in reference_steps(chain))
    missing = [
        line
        for name, line in (("pd", "import pandas as pd"), ("np", "import numpy as np"))
        if re.search(rf"\b{name}\.", code) and line not in load
    ]
    return "\n".join([*missing, load])


def _given_dtype(chain: Chain, index: int) -> str | None:
    name = wire_column(chain, index)
    return next((column.dtype for column in chain.columns_at(index) if column.name == name), None)
