"""The judge model's verdict: asking for it, and reading its reply.

The answers are shown in an order drawn from the query's id, so that no position is favoured, and as
delimited data; what the reply says of "answer 2" is carried back to the sample that stood there.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.models.base import ChatRequest, ProviderError, Role, Sampling
from datamind_gen.models.hints import make_hint
from datamind_gen.rows import Message, Query, seed_from
from datamind_gen.stages.base import Services

ATTEMPTS = 3
"""Replies that are asked for until one can be read."""

_BLOCK = re.compile(r"<(reasoning|correct|number)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)


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
    sampling = Sampling(temperature=settings.temperature, max_tokens=settings.max_tokens)
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
        opinion = read_opinion(reply.text, order)
        if opinion is not None:
            return opinion
    raise JudgeFailed(f"{ATTEMPTS} replies without a readable verdict")


def read_opinion(reply: str, order: Sequence[int]) -> Opinion | None:
    """The verdict in a reply; None where it has none. The last block of a kind counts."""
    blocks = {name.lower(): text.strip() for name, text in _BLOCK.findall(reply)}
    correct = blocks.get("correct", "").lower().strip(" .!")
    if correct not in ("yes", "no"):
        return None
    number = re.search(r"\d+", blocks.get("number", ""))
    place = int(number[0]) - 1 if number else 0
    if not 0 <= place < len(order):
        place = 0
    return Opinion(agree=correct == "yes", best=order[place], reasoning=blocks.get("reasoning", ""))
