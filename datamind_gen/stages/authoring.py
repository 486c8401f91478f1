"""Asking the author model, and reading what it wrote: strictly, so that half a reply is no question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from datamind_gen.models.base import ChatRequest, ProviderError, Role, Sampling
from datamind_gen.rows import Message, Reason, seed_from
from datamind_gen.stages.base import Services
from datamind_gen.taxonomy import Category, Taxonomy

T = TypeVar("T")
ATTEMPTS = 3
"""Replies that are asked for until one can be read."""
MAX_QUESTION = 2_000
"""Characters: what is longer is an essay, or a loop."""


class AuthorFailed(Exception):
    """The author model gave nothing that can be used. Says as what the row ends."""

    def __init__(self, reason: Reason, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Written:
    """What an author wrote in its tags."""

    question: str
    description: str
    step: str = ""
    wiring: str = ""


async def ask_author(
    prompt: str, services: Services, *, key: str, read: Callable[[str], T | None], hint: str | None = None
) -> T:
    """What `read` makes of the first reply that it can read. `key` tells this request from others that
    have the same words. Raises AuthorFailed."""
    text = ""
    for attempt in range(ATTEMPTS):
        request = ChatRequest(
            role=Role.AUTHOR,
            messages=(Message("user", prompt),),
            sampling=Sampling(),
            sample=seed_from("author", key, str(attempt)) & 0x7FFFFFFF,
            hint=hint,
        )
        try:
            text = (await services.ask(request)).text
        except ProviderError as error:
            raise AuthorFailed(Reason.PROVIDER, str(error), retryable=True) from error
        found = read(text)
        if found is not None:
            return found
    detail = f"{ATTEMPTS} replies, none of which can be used; the last: {text.strip()[:300]!r}"
    raise AuthorFailed(Reason.UNPARSABLE_REPLY, detail)


def read_query(text: str, category: Category, taxonomy: Taxonomy) -> Written | None:
    """A reply with `<question>`, `<description>` and `<type>`; None where one is missing or twice there,
    the type is another one, or the question is a template or an exemplar rather than a question."""
    question, description, kind = (read_block(name, text) for name in ("question", "description", "type"))
    if question is None or description is None or kind is None:
        return None
    if find_category(kind, taxonomy) is not category or not _is_question(question, category):
        return None
    return Written(question, description)


def read_composed(
    text: str, category: Category, taxonomy: Taxonomy, wirings: Sequence[str]
) -> Written | None:
    """As `read_query`, with `<step>` and `<wiring>`."""
    written = read_query(text, category, taxonomy)
    step, wiring = read_block("step", text), read_block("wiring", text)
    if written is None or step is None or wiring is None or wiring.lower() not in wirings:
        return None
    if not _is_question(step, category):
        return None
    return Written(written.question, written.description, step, wiring.lower())


def read_block(name: str, text: str) -> str | None:
    """What stands in a tag, white space evened out; None unless it is there once, and not empty."""
    spoken = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL)
    found = re.findall(rf"<{name}>(.*?)</{name}>", spoken, re.DOTALL)
    return " ".join(found[0].split()) or None if len(found) == 1 else None


def find_category(kind: str, taxonomy: Taxonomy) -> Category | None:
    """The category that a model means, by title or slug."""
    wanted = _plain(kind)
    for category in taxonomy.categories:
        if wanted in (_plain(category.title), _plain(category.name)):
            return category
    return None


def define(category: Category) -> str:
    """A category's definition: the first sentence of its description."""
    plain = " ".join(category.description.split())
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", plain, maxsplit=1)[0]


def _is_question(question: str, category: Category) -> bool:
    if len(question) > MAX_QUESTION or len(question.split()) < 4 or re.search(r"<[^<>]{1,60}>", question):
        return False
    taken = {_plain(exemplar.question) for exemplar in category.exemplars}
    return _plain(question) not in taken


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold()
