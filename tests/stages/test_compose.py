"""Harder queries: chains whose every hop matters, model-written chains that were executed, paraphrases."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from datamind_gen.models.base import ChatReply, ChatRequest, ErrorKind, FinishReason, ProviderError, Role
from datamind_gen.models.scripted import ScriptedModel
from datamind_gen.models.settings import ScriptedSettings
from datamind_gen.rows import Level, Origin, Reason, Status
from datamind_gen.stages.compose import ComposeStage
from datamind_gen.stages.write import WriteStage
from datamind_gen.taxonomy.faithful import find_change

FAULTLESS = {
    role: {"provider": "scripted", "fault_rate": 0, "misread_rate": 0}
    for role in ("author", "expert", "judge")
}


def compose(do: Any, services: Any, assigned: Any) -> Any:
    (written,) = do(WriteStage().run(assigned, services))
    assert written.row is not None, written.detail
    (composed,) = do(ComposeStage().run(written.row, services))
    return composed


def test_programs_chain_to_the_hops_that_are_wanted(do: Any, serve: Any, assign: Any, bundled: Any) -> None:
    loaded = bundled("state_crime_2009.csv")
    for index in range(8):  # not every start has room for four
        found = compose(do, serve(loaded), assign(loaded, "ranking", hops=4, index=index))
        assert found.status is Status.KEPT
        query = found.row
        if len(query.hops) == 4:
            break
    assert len(query.hops) == 4
    assert query.category == "ranking" == query.hops[-1].category
    assert query.wanted_hops == 4
    assert all(hop.reference is not None for hop in query.hops)
    assert all(hop.wiring for hop in query.hops[1:])
    assert len(query.parents) == 3


@pytest.mark.parametrize(
    ("hops", "lower", "higher"),
    [(1, Level.EASY, Level.HARD), (2, Level.MEDIUM, Level.VERY_HARD), (3, Level.HARD, Level.VERY_HARD)],
)
def test_questions_are_drawn_towards_the_level_that_is_wanted(
    do: Any, serve: Any, assign: Any, bundled: Any, hops: int, lower: Level, higher: Level
) -> None:
    services = serve(bundled("firm_investment.csv"))
    met = Counter()
    for level in (lower, higher):
        for category in ("aggregation", "comparison", "fact_checking", "statistical_analysis"):
            found = compose(
                do, services, assign(bundled("firm_investment.csv"), category, hops=hops, level=level)
            )
            assert found.row.wanted_level is level
            met[level] += list(Level).index(found.row.level)
    assert met[lower] < met[higher]


def test_fewer_hops_than_wanted_are_said(
    do: Any, serve: Any, assign: Any, bundled: Any, taxonomy: Any
) -> None:
    loaded = bundled("firm_investment.csv")
    lonely = taxonomy.category("descriptive_analysis")
    closed = tuple(program.model_copy(update={"takes": ()}) for program in lonely.programs)
    alone = taxonomy.model_copy(update={"categories": (lonely.model_copy(update={"programs": closed}),)})
    found = compose(do, serve(loaded, taxonomy=alone), assign(loaded, "descriptive_analysis", hops=3))
    assert found.status is Status.KEPT
    assert len(found.row.hops) == 1
    assert found.row.wanted_hops == 3
    assert found.detail.startswith("has 1 of 3 hops")


@pytest.mark.parametrize("name", ["firm_investment.csv", "company_investment.sqlite"])
def test_a_models_chain_keeps_what_executing_gave(
    name: str, do: Any, serve: Any, assign: Any, bundled: Any
) -> None:
    loaded = bundled(name)
    services = serve(loaded, models=FAULTLESS)
    for index in range(48):
        assigned = assign(loaded, "aggregation", hops=2, origin=Origin.MODEL, index=index)
        (written,) = do(WriteStage().run(assigned, services))
        if written.row is None:
            continue
        (found,) = do(ComposeStage().run(written.row, services))
        if found.row is not None and len(found.row.hops) == 2:
            break
    query = found.row
    assert len(query.hops) == 2
    assert query.category == "aggregation"
    assert query.reference is None
    assert all(hop.found and hop.reference is None for hop in query.hops)
    assert query.hops[1].wiring in ("filter", "label", "number", "table")
    prompt = next(
        request.messages[-1].content
        for request in reversed(services.asked)
        if request.role is Role.AUTHOR and "<parent>" in request.messages[-1].content
    )
    assert written.row.question in prompt
    assert query.hops[0].found.strip().splitlines()[-1] in prompt


def test_a_harder_question_that_names_the_answer_or_ignores_it_is_dropped(
    do: Any, serve: Any, assign: Any, bundled: Any
) -> None:
    loaded = bundled("firm_investment.csv")
    found = "Chrysler"

    async def answer(request: ChatRequest) -> ChatReply:
        if request.role is Role.EXPERT:
            first = "first question" in request.messages[1].content
            return _reply(f"<think>so</think><answer>{found if first else '42'}</answer>")
        if "<parent>" in request.messages[-1].content:
            leaks = request.sample % 2
            told = (
                f"What is the mean invest of {found}?" if leaks else "What is the mean invest of that firm?"
            )
            return _reply(
                f"<step>What is the mean invest?</step><wiring>filter</wiring><question>{told}</question>"
                "<description>d</description><type>Aggregation</type>"
            )
        title = re.search(r"of this type: (.*)", request.messages[-1].content)
        assert title
        return _reply(
            "<question>What is the first question of all?</question><description>d</description>"
            f"<type>{title[1]}</type>"
        )

    author = {"provider": "openai", "model": "author", "base_url": "http://localhost:1/v1"}
    services = serve(loaded, answer=answer, models={"author": author})
    outcome = compose(do, services, assign(loaded, "aggregation", hops=2, origin=Origin.MODEL))
    assert outcome.status is Status.KEPT
    assert len(outcome.row.hops) == 1
    assert outcome.row.hops[0].found == found
    assert re.match(r"has 1 of 2 hops; (the question names|the answer does not depend)", outcome.detail)


def _reply(text: str) -> ChatReply:
    return ChatReply(text=text, finish_reason=FinishReason.STOP)


def test_a_paraphrase_keeps_the_reference(do: Any, serve: Any, assign: Any, bundled: Any) -> None:
    loaded = bundled("firm_investment.csv")
    plain = compose(do, serve(loaded), assign(loaded, "ranking"))
    services = serve(loaded, models=FAULTLESS, queries={"paraphrase": 1})
    told = compose(do, services, assign(loaded, "ranking"))
    assert told.row.reference == plain.row.reference
    assert told.reason is Reason.UNFAITHFUL_PARAPHRASE or told.row.question != plain.row.question


def test_an_unfaithful_paraphrase_falls_back_to_the_original(
    do: Any, serve: Any, assign: Any, bundled: Any
) -> None:
    loaded = bundled("firm_investment.csv")
    plain = compose(do, serve(loaded), assign(loaded, "counting")).row

    async def distort(request: ChatRequest) -> ChatReply:
        return _reply("<question>How many rows are there in this table, by the way?</question>")

    services = serve(loaded, answer=distort, queries={"paraphrase": 1})
    (found,) = do(ComposeStage().run(plain, services))
    assert (found.status, found.reason) == (Status.KEPT, Reason.UNFAITHFUL_PARAPHRASE)
    assert found.row == plain

    async def down(request: ChatRequest) -> ChatReply:
        raise ProviderError(ErrorKind.TIMEOUT, "late")

    (found,) = do(ComposeStage().run(plain, serve(loaded, answer=down, queries={"paraphrase": 1})))
    assert (found.status, found.reason, found.retryable) == (Status.FAILED, Reason.PROVIDER, True)


def test_planted_changes_are_found_and_most_good_paraphrases_pass(
    do: Any, serve: Any, assign: Any, bundled: Any, taxonomy: Any
) -> None:
    loaded = bundled("firm_investment.csv")
    model = ScriptedModel(ScriptedSettings(provider="scripted", fault_rate=0.5))
    services = serve(loaded, answer=model.complete, queries={"paraphrase": 1})
    queries = []
    for number, category in enumerate(taxonomy.categories):
        (written,) = do(WriteStage().run(assign(loaded, category.name, index=number), services))
        if written.row is not None:
            queries.append(written.row)
    caught = missed = refused = passed = 0
    for query in queries:
        for copy in range(4):
            twin = replace(query, id=f"{query.id}-{copy}")
            services.replies.clear()
            (found,) = do(ComposeStage().run(twin, services))
            spoilt = "unfaithful_paraphrase" in services.replies[-1].faults
            fell_back = found.reason is Reason.UNFAITHFUL_PARAPHRASE
            caught += spoilt and fell_back
            missed += spoilt and not fell_back
            refused += fell_back and not spoilt
            passed += not fell_back and not spoilt
    assert caught > 5
    assert missed == 0
    assert passed > refused


def test_swapped_directions_are_a_change(do: Any, serve: Any, assign: Any, bundled: Any) -> None:
    loaded = bundled("firm_investment.csv")
    query = compose(do, serve(loaded), assign(loaded, "ranking")).row
    asked = "For the firm with the highest invest, in which year was capital lowest? Round to two decimals."
    query = replace(query, question=asked)
    for other, changes in (
        (
            "In which year was capital lowest for the firm with the highest invest? Round to two decimals.",
            True,
        ),
        (
            "For the firm with the largest invest, in which year was capital smallest? Round to 2 decimals.",
            False,
        ),
        (
            "For the firm with the lowest invest, in which year was capital highest? Round to two decimals.",
            True,
        ),
        (
            "For the firm with the highest invest, in which year was capital lowest? Round to one decimal.",
            True,
        ),
        (
            "For the firm with the highest invest, in which year was value lowest? Round to two decimals.",
            True,
        ),
        ("For the firm with the highest invest, in which year was capital lowest?", True),
    ):
        columns = {"firm", "year", "invest", "value", "capital"}
        assert (find_change(query, other, columns) is not None) is changes, other
