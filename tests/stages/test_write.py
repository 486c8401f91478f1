"""Queries of one hop: by programs with executed references, by an author model with none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from datamind_gen.models.base import (
    ChatReply,
    ChatRequest,
    ErrorKind,
    FinishReason,
    ProviderError,
    Role,
)
from datamind_gen.rows import AnswerType, Origin, Reason, Status
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.metadata import describe_file
from datamind_gen.stages.write import WriteStage

GOOD = (
    "<think>one <question>two</question></think>"
    "<question>Which {n} firms have the highest mean invest, highest first?</question>"
    "<description>Mean invest by firm, sorted.</description><type>Ranking</type>"
)
AUTHOR = {"provider": "openai", "model": "author", "base_url": "http://localhost:1/v1"}


def reply(text: str) -> ChatReply:
    return ChatReply(text=text, finish_reason=FinishReason.STOP)


def test_a_programs_query_has_an_executed_reference(do: Any, serve: Any, assign: Any, bundled: Any) -> None:
    loaded = bundled("firm_investment.csv")
    (found,) = do(WriteStage().run(assign(loaded, "ranking"), serve(loaded)))
    assert found.status is Status.KEPT
    assert found.row.verified
    assert found.row.hops[-1].code is not None
    again = do(WriteStage().run(assign(loaded, "ranking"), serve(loaded)))
    assert again == (found,) or list(again) == [found]


def test_the_author_is_asked_as_in_the_paper(do: Any, serve: Any, assign: Any, bundled: Any) -> None:
    async def answer(request: ChatRequest) -> ChatReply:
        return reply(GOOD)

    loaded = bundled("firm_investment.csv")
    services = serve(loaded, answer=answer, models={"author": AUTHOR})
    (found,) = do(WriteStage().run(assign(loaded, "ranking", origin=Origin.MODEL), services))
    assert found.status is Status.KEPT
    query = found.row
    assert query.origin is Origin.MODEL
    assert query.reference is None
    assert not query.verified
    assert query.hops[0].code is None
    assert query.question == "Which {n} firms have the highest mean invest, highest first?"
    (request,) = services.asked
    prompt = request.messages[-1].content
    assert request.role is Role.AUTHOR
    assert request.hint is None
    assert all(category.title in prompt for category in services.taxonomy.categories)
    category = services.taxonomy.category("ranking")
    assert sum(template in prompt for template in category.templates) == 1
    assert all(" ".join(exemplar.question.split()) in prompt for exemplar in category.exemplars)
    assert "Row count: 220" in prompt
    assert "- invest; type: float" in prompt


def test_a_databases_model_query_wants_a_table(do: Any, serve: Any, assign: Any, bundled: Any) -> None:
    async def answer(request: ChatRequest) -> ChatReply:
        return reply(GOOD)

    loaded = bundled("company_investment.sqlite")
    services = serve(loaded, answer=answer, models={"author": AUTHOR})
    (found,) = do(WriteStage().run(assign(loaded, "ranking", origin=Origin.MODEL), services))
    assert found.row.answer_type is AnswerType.TABLE
    assert "SQL query" in services.asked[0].messages[-1].content


@pytest.mark.parametrize(
    "text",
    [
        "Which firm is best?",
        GOOD.replace("Ranking", "Poetry"),
        GOOD.replace("Ranking", "Counting"),
        GOOD + "<question>And a second one, is it so?</question>",
        GOOD.replace("{n} firms", "<entities>"),
        GOOD.replace("<description>Mean invest by firm, sorted.</description>", ""),
    ],
    ids=["no tags", "unknown type", "another type", "two questions", "an unfilled blank", "no description"],
)
def test_a_reply_that_cannot_be_used_is_asked_for_again(
    text: str, do: Any, serve: Any, assign: Any, bundled: Any
) -> None:
    loaded = bundled("firm_investment.csv")

    async def never(request: ChatRequest) -> ChatReply:
        return reply(text)

    services = serve(loaded, answer=never, models={"author": AUTHOR})
    (found,) = do(WriteStage().run(assign(loaded, "ranking", origin=Origin.MODEL), services))
    assert (found.status, found.reason, found.retryable) == (Status.FAILED, Reason.UNPARSABLE_REPLY, False)
    assert len({request.sample for request in services.asked}) == len(services.asked) > 1

    replies = iter([text, GOOD])

    async def second(request: ChatRequest) -> ChatReply:
        return reply(next(replies))

    services = serve(loaded, answer=second, models={"author": AUTHOR})
    (found,) = do(WriteStage().run(assign(loaded, "ranking", origin=Origin.MODEL), services))
    assert found.status is Status.KEPT


def test_a_provider_that_fails_is_a_retryable_failure_and_other_exceptions_pass(
    do: Any, serve: Any, assign: Any, bundled: Any
) -> None:
    loaded = bundled("firm_investment.csv")

    async def down(request: ChatRequest) -> ChatReply:
        raise ProviderError(ErrorKind.OVERLOADED, "busy")

    services = serve(loaded, answer=down, models={"author": AUTHOR})
    (found,) = do(WriteStage().run(assign(loaded, "ranking", origin=Origin.MODEL), services))
    assert (found.status, found.reason, found.retryable) == (Status.FAILED, Reason.PROVIDER, True)

    async def broken(request: ChatRequest) -> ChatReply:
        raise RuntimeError("stopping")

    services = serve(loaded, answer=broken, models={"author": AUTHOR})
    with pytest.raises(RuntimeError):
        do(WriteStage().run(assign(loaded, "ranking", origin=Origin.MODEL), services))


def test_the_scripted_author_writes_what_a_program_asks(
    do: Any, serve: Any, assign: Any, bundled: Any
) -> None:
    loaded = bundled("firm_investment.csv")
    services = serve(loaded)
    (found,) = do(WriteStage().run(assign(loaded, "counting", origin=Origin.MODEL), services))
    assert found.row.origin is Origin.MODEL
    assert found.row.reference is None
    assert found.row.hops[0].reference is None
    assert found.row.hops[0].code is not None
    assert "reference" not in (services.asked[0].hint or "reference")


def test_metadata_stays_within_a_prompt(bundled: Callable[[str], Any]) -> None:
    for name in ("firm_investment.csv", "voters.sqlite", "election_survey_1996.xlsx"):
        profile = bundled(name)[0]
        for most in (12_000, 1_500):
            told = describe_file(profile, max_chars=most)
            assert told.tables
            assert sum(note.chars for note in told.tables[1:]) <= most
            assert len(told.tables) + len(told.left_out) == len(profile.tables)


def test_the_authors_model_is_in_the_key_only_where_it_writes() -> None:
    other = {"author": AUTHOR | {"model": "another"}}
    mixed = {"author": {"model": 0.5, "program": 0.5}}
    for queries, differs in (({}, False), ({"author": mixed["author"]}, True)):
        one, two = (
            WriteStage().settings(PipelineSpec.model_validate({"name": "t", "queries": queries, "models": m}))
            for m in ({"author": AUTHOR}, other)
        )
        assert (one != two) is differs
