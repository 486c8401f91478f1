"""The judge model's verdict: asking for it, and reading its reply.

The answers are shown in an order drawn from the query's id, so that no position is favoured, and as
delimited data; what the reply says of "answer 2" is carried back to the sample that stood there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.agent.judgement import SCHEMA, read_judgement
from datamind_gen.models.base import ChatRequest, ProviderError, Role, Sampling
from datamind_gen.models.hints import make_hint
from datamind_gen.rows import Message, Query, seed_from
from datamind_gen.stages.base import Services

ATTEMPTS = 3
"""Replies that are asked for until one can be read."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the judge model says of some answers."""

    agree: bool
    best: int
    """An index into the answers, as they were given."""
    reasoning: str


class JudgeFailed(Exception):
    """The judge model gave no verdict: never a wrong answer."""


async def ask_judge(query: Query, answers: Sequence[str], services: Services, *, round: int) -> Opinion:
    """The judge model's opinion on two or more answers. Raises JudgeFailed."""
    order = list(range(len(answers)))
    random.Random(seed_from("judge", query.id, str(round), *answers)).shuffle(order)
    prompt = services.prompts.render(
        "judge",
        question=query.question,
        answers=[answers[place] for place in order],
        tolerance=services.spec.judge.tolerance,
    )
    settings = services.spec.judge
    sampling = Sampling(temperature=settings.temperature, max_tokens=settings.max_tokens, json_schema=SCHEMA)
    for attempt in range(ATTEMPTS):
        request = ChatRequest(
            role=Role.JUDGE,
            messages=(Message("user", prompt),),
            sampling=sampling,
            sample=attempt,
            hint=make_hint(query, services.profile(query.file_id)),
        )
        try:
            reply = await services.ask(request)
        except ProviderError as error:
            raise JudgeFailed(str(error)) from error
        judgement = read_judgement(reply.text, answers=len(answers))
        if judgement is not None:
            return Opinion(judgement.agree, order[judgement.best or 0], judgement.reasoning)
    raise JudgeFailed(f"{ATTEMPTS} replies without a readable verdict")
