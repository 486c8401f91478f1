"""A share of the programs' questions said by the author model in its own words; the reference stays.

A paraphrase that changes what is asked, as far as `taxonomy/faithful.py` can tell, is dropped: the query
goes on in its original wording, and its outcome says why.
"""

from __future__ import annotations

import random
from dataclasses import replace

from datamind_gen.models.hints import AuthorHint, AuthorTask
from datamind_gen.rows import Query, Reason, encode, seed_from
from datamind_gen.stages.authoring import MAX_QUESTION, AuthorFailed, ask_author, read_block
from datamind_gen.stages.base import Outcome, Services, failed, kept
from datamind_gen.taxonomy.faithful import find_change


def is_chosen(query: Query, services: Services) -> bool:
    """Whether the query is among those to be said in other words."""
    draw = random.Random(seed_from("paraphrase", str(services.spec.seed), query.id)).random()
    return draw < services.spec.queries.paraphrase


async def paraphrase(outcome: Outcome[Query], services: Services) -> Outcome[Query]:
    """A kept program query in the author's words, or in its own where those changed its meaning."""
    query = outcome.row
    assert query is not None
    hint = AuthorHint(query_id=query.id, task=AuthorTask.PARAPHRASE, question=query.question)
    try:
        said = await ask_author(
            services.prompts.render("paraphrase", question=query.question),
            services,
            key=f"paraphrase:{query.id}",
            read=_read,
            hint=encode(hint),
        )
    except AuthorFailed as error:
        if error.reason is Reason.UNPARSABLE_REPLY:
            return replace(outcome, reason=error.reason, detail=_join(outcome.detail, str(error)))
        return failed(query.id, error.reason, str(error), query, retryable=error.retryable)
    profile = services.profile(query.file_id)
    columns = {column.name for table in profile.tables for column in table.columns}
    change = find_change(query, said, columns)
    if change is not None:
        detail = _join(outcome.detail, f"keeps its own wording; of the author's, {change}: {said}")
        return replace(outcome, reason=Reason.UNFAITHFUL_PARAPHRASE, detail=detail)
    reworded = replace(query, question=said, template=f"{query.template}, paraphrased")
    return replace(kept(query.id, reworded), detail=outcome.detail)


def _read(text: str) -> str | None:
    question = read_block("question", text)
    return question if question is not None and len(question) <= MAX_QUESTION else None


def _join(*details: str) -> str:
    return "; ".join(part for part in details if part)
