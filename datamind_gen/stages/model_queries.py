"""Queries by an author model, as in the paper (section 3.1), and their composition from easy to hard.

A question of one type is asked for with the file's metadata, all categories' definitions, a template and
exemplars. Composition is recursive: the parent question is executed, and the author writes a harder one
that takes its output as input, with parent question, intermediate answers and wiring before it. Each hop
is executed by the expert: the parent, the new step alone, and both together; where the last two say the
same, the new question does not depend on its parent, and is dropped. Such a query has no reference: what
executing gave once is kept as `Hop.found`.

Where the author is the scripted model, a program's draft is its proposal, and the hops keep the code that
the scripted expert acts from; nothing else here knows of programs.
"""

from __future__ import annotations

import csv
import io
import random
import re
from dataclasses import replace

from datamind_gen.agent.matching import agree
from datamind_gen.models.hints import AuthorHint, AuthorTask
from datamind_gen.rows import (
    AnswerType,
    Hop,
    Level,
    Origin,
    Profile,
    Query,
    Reason,
    StopReason,
    encode,
    make_id,
    seed_from,
)
from datamind_gen.stages.authoring import (
    AuthorFailed,
    Written,
    ask_author,
    define,
    read_composed,
    read_query,
)
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected
from datamind_gen.stages.metadata import describe_file
from datamind_gen.stages.plan import Assignment
from datamind_gen.stages.programs import follow_with_program, write_from_program
from datamind_gen.stages.reach import supports
from datamind_gen.stages.sample import draw_trajectories
from datamind_gen.taxonomy import Category
from datamind_gen.taxonomy.level import WEIGHTS, level_of

STEPS = 3
"""Harder questions that are asked for until one holds; then the query stays as hard as it is."""
WIRINGS = {
    "filter": "the new step looks only at the rows that the result names, or at those above it",
    "label": "the result is a name, and stands where the new step would name one",
    "number": "the result is a number, and stands where the new step would name a limit",
    "table": "the new step works on the table that the result is",
}
_LONG_ANSWER = 600


async def write_by_model(assignment: Assignment, profile: Profile, services: Services) -> Outcome[Query]:
    """A query of one hop: in the assignment's category, or, where more hops are to follow, in another."""
    rng = random.Random(seed_from("author", str(services.spec.seed), assignment.id))
    category = _first_category(assignment, profile, services, rng)
    draft: Query | None = None
    if services.spec.models.author.reads_hints:
        proposed = replace(assignment, category=category.name)
        drafted = await write_from_program(proposed, profile, services, to_follow=assignment.hops > 1)
        if drafted.row is None:
            return drafted
        draft = drafted.row
    prompt = services.prompts.render(
        "write_query",
        metadata=describe_file(profile),
        categories=_define_all(services),
        focus=category.title,
        template=rng.choice(category.templates),
        exemplars=[exemplar.question for exemplar in category.exemplars],
        is_database=profile.file.format.is_database,
    )
    try:
        written = await ask_author(
            prompt,
            services,
            key=assignment.id,
            read=lambda text: read_query(text, category, services.taxonomy),
            hint=_hint(AuthorTask.WRITE, draft, category),
        )
    except AuthorFailed as error:
        return failed(assignment.id, error.reason, str(error), retryable=error.retryable)
    hop = Hop(category=category.name, question=written.question, phrase=written.description)
    more = assignment.hops > 1
    query = Query(
        id=make_id("query", assignment.id, profile.file.id, written.question),
        file_id=profile.file.id,
        question=written.question,
        category=category.name,
        hops=(hop,),
        level=_estimate_level(written.question, profile, hops=1),
        origin=Origin.MODEL,
        tables=_tables_named(written, profile),
        answer_type=AnswerType.TABLE if profile.file.format.is_database else AnswerType.LABEL,
        template="write_query",
        wave=assignment.wave,
        wanted_hops=assignment.hops,
        wanted_category=assignment.category if more else None,
    )
    return kept(query.id, _take_draft(query, draft))


async def compose_by_model(seed: Query, services: Services) -> Outcome[Query]:
    """The query with as many hops as it wants; with fewer, and saying so, where no harder one held."""
    query, why = seed, ""
    try:
        found = await _execute(query, services)
        if found is None:
            return rejected(seed.id, Reason.NO_ANSWER, "executing the first question gave no answer", seed)
        query = _note_answer(query, found)
        while len(query.hops) < seed.wanted_hops and not why:
            for attempt in range(STEPS):
                harder, why = await _compose_once(query, services, attempt)
                if harder is not None:
                    query, why = harder, ""
                    break
    except AuthorFailed as error:
        return failed(seed.id, error.reason, str(error), query, retryable=error.retryable)
    if not why:
        return kept(query.id, query)
    detail = f"has {len(query.hops)} of {seed.wanted_hops} hops; {why}"
    return replace(kept(query.id, query), detail=detail)


async def _compose_once(query: Query, services: Services, attempt: int) -> tuple[Query | None, str]:
    """A question with one hop more that was executed and holds, or why the one tried does not."""
    profile = services.profile(query.file_id)
    rng = random.Random(seed_from("compose", str(services.spec.seed), query.id, str(attempt)))
    category = _next_category(query, profile, services, rng)
    draft: Query | None = None
    if services.spec.models.author.reads_hints:
        draft = await follow_with_program(query, category, services)
        if draft is None:
            return None, f"no program of {category.name} takes its answer"
    written = await _ask_for_harder(query, category, draft, services, attempt)
    found = query.hops[-1].found or ""
    if _names_answer(written.question, found):
        return None, f"the question names an intermediate answer: {written.question}"
    harder = _take_draft(_lengthen(query, written, category, profile), draft)
    tested = harder.hops[-1].code is not None  # a draft's hops were, by changing each of them
    alone = None if tested else await _execute(_step_alone(harder, written), services)
    together = await _execute(harder, services)
    if together is None:
        return None, f"executing the harder question gave no answer: {written.question}"
    if alone is not None and len(agree([alone, together], question=written.question).largest) == 2:
        return None, f"the answer does not depend on the step before: {written.question}"
    return _note_answer(harder, together), ""


async def _ask_for_harder(
    query: Query, category: Category, draft: Query | None, services: Services, attempt: int
) -> Written:
    profile = services.profile(query.file_id)
    prompt = services.prompts.render(
        "compose_query",
        metadata=describe_file(profile),
        categories=_define_all(services),
        focus=category.title,
        parent=query.question,
        parent_answer=(query.hops[-1].found or "")[:_LONG_ANSWER],
        steps=[
            {"question": hop.question, "answer": (hop.found or "")[:_LONG_ANSWER], "wiring": hop.wiring or ""}
            for hop in query.hops
        ],
        wirings=[{"name": name, "meaning": meaning} for name, meaning in WIRINGS.items()],
        is_database=profile.file.format.is_database,
    )
    return await ask_author(
        prompt,
        services,
        key=f"{query.id}:{attempt}",
        read=lambda text: read_composed(text, category, services.taxonomy, tuple(WIRINGS)),
        hint=_hint(AuthorTask.COMPOSE, draft, category),
    )


def _lengthen(query: Query, written: Written, category: Category, profile: Profile) -> Query:
    step = Hop(category.name, written.step, written.description, wiring=written.wiring)
    hops = (*query.hops, step)
    return replace(
        query,
        id=make_id("query", query.id, written.question),
        question=written.question,
        category=category.name,
        hops=hops,
        level=_estimate_level(written.question, profile, hops=len(hops)),
        parents=(*query.parents, query.id),
        template="compose_query",
    )


def _step_alone(harder: Query, written: Written) -> Query:
    """The new step over all the data, as a query of its own, to be executed for comparison."""
    last = harder.hops[-1]
    return replace(
        harder,
        id=make_id("query", harder.id, "alone"),
        question=written.step,
        hops=(replace(last, wiring=None, code=None, program=None, slots=()),),
    )


def _take_draft(query: Query, draft: Query | None) -> Query:
    """The query with the code of the draft that the scripted author asked, without its references."""
    if draft is None or draft.question != query.question:
        return query
    known = [hop.found for hop in query.hops]
    hops = tuple(
        replace(hop, reference=None, found=found) for hop, found in zip(draft.hops, known, strict=True)
    )
    kind = AnswerType.TABLE if query.answer_type is AnswerType.TABLE else draft.answer_type
    return replace(query, hops=hops, tables=draft.tables, level=draft.level, answer_type=kind)


async def _execute(query: Query, services: Services) -> str | None:
    """What the expert finds in one trajectory; None where it does not answer. Raises AuthorFailed."""
    (trajectory,) = await draw_trajectories(query, services, round=0, samples=1)
    if trajectory.stop.is_failure:
        is_provider = trajectory.stop is StopReason.PROVIDER_ERROR
        reason = Reason.PROVIDER if is_provider else Reason.SANDBOX
        raise AuthorFailed(reason, trajectory.error or trajectory.stop.value, retryable=True)
    if query.answer_type is AnswerType.TABLE:
        return trajectory.result_csv
    return trajectory.answer


def _note_answer(query: Query, found: str) -> Query:
    *earlier, last = query.hops
    return replace(query, hops=(*earlier, replace(last, found=found)))


def _names_answer(question: str, found: str) -> bool:
    """Whether a question gives away an intermediate answer: a name, or a number of some digits."""
    cells = [cell.strip() for row in list(csv.reader(io.StringIO(found)))[:6] for cell in row]
    for cell in {found.strip(), *cells[-3:]}:
        telling = len(cell.strip("-0.")) >= 4 if re.fullmatch(r"-?[\d.,]+", cell) else 1 < len(cell) <= 80
        if telling and re.search(rf"(?<!\w){re.escape(cell)}(?!\w)", question, re.IGNORECASE):
            return True
    return False


def _first_category(
    assignment: Assignment, profile: Profile, services: Services, rng: random.Random
) -> Category:
    """The assignment's own, or where it ends a chain, any whose answers a next hop can take."""
    wanted = services.taxonomy.category(assignment.category)
    return wanted if assignment.hops == 1 else _draw_opener(wanted, profile, services, rng)


def _next_category(query: Query, profile: Profile, services: Services, rng: random.Random) -> Category:
    wanted = services.taxonomy.category(query.wanted_category or query.category)
    last = len(query.hops) + 1 >= query.wanted_hops
    return wanted if last else _draw_opener(wanted, profile, services, rng)


def _draw_opener(wanted: Category, profile: Profile, services: Services, rng: random.Random) -> Category:
    """A category whose questions give a name, a list or a number that can be handed on."""
    origin = Origin.PROGRAM if services.spec.models.author.reads_hints else Origin.MODEL
    open_ended = [
        category
        for category in services.taxonomy.categories
        if any(program.gives.of for program in category.programs) and supports(category, profile, origin)
    ]
    if not open_ended:
        return wanted
    return rng.choices(open_ended, [category.weight for category in open_ended])[0]


def _define_all(services: Services) -> list[dict[str, str]]:
    return [
        {"title": category.title, "definition": define(category)} for category in services.taxonomy.categories
    ]


def _hint(task: AuthorTask, draft: Query | None, category: Category) -> str | None:
    if draft is None:
        return None
    last = draft.hops[-1]
    return encode(
        AuthorHint(
            query_id=draft.id,
            task=task,
            question=draft.question,
            description=last.phrase,
            type=category.title,
            step=last.question,
            wiring=last.wiring or "",
        )
    )


def _tables_named(written: Written, profile: Profile) -> tuple[str, ...]:
    """The tables that a question is about, as far as its words tell: else all of them."""
    text = f"{written.question} {written.description}".casefold()
    named = tuple(table.name for table in profile.tables if table.name.casefold() in text)
    return named or tuple(table.name for table in profile.tables)


def _estimate_level(question: str, profile: Profile, *, hops: int) -> Level:
    """A model's question has no code whose operations could be counted: the columns that it names stand
    in for them, two operations each."""
    text = question.casefold()
    names = {column.name.casefold() for table in profile.tables for column in table.columns}
    named = sum(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None for name in names)
    return level_of(WEIGHTS["hop"] * hops + 2 * WEIGHTS["operation"] * named)
