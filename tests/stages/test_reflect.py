"""Reflection: critique and earlier attempts go to the expert, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from datamind_gen.models.base import ChatReply, ChatRequest, FinishReason
from datamind_gen.publish.records import messages_of
from datamind_gen.rows import Group, Reason, Status, Verdict, encode
from datamind_gen.stages.reflect import ReflectStage
from tests.stages.groups import make_group, make_query

CRITIQUE = "Answers 1 and 2 differ: the zebra rows count twice."
ATTEMPT = "11.5"


def think(text: str) -> ChatReply:
    return ChatReply(text=f"<think>\nSo.\n</think>\n{text}", finish_reason=FinishReason.STOP)


class Expert:
    """Prints a number and answers it; another one each round where `settles_in` is later."""

    def __init__(self, *, settles_in: int = 1) -> None:
        self._settles_in = settles_in
        self.first: list[ChatRequest] = []

    async def __call__(self, request: ChatRequest) -> ChatReply:
        if len(request.messages) == 2:
            self.first.append(request)
            return think("<code>\n```python\nprint(21 * 2)\n```\n</code>")
        rounds = len({made.messages[1].content for made in self.first})
        agreed = 42 if rounds >= self._settles_in else 42 + 10 * request.sample
        return think(f"<answer>{agreed}</answer>")


@pytest.fixture
def reflect(do: Any, serve: Any, bundled: Any) -> Any:
    loaded = bundled("firm_investment.csv")

    def run(expert: Expert, **settings: Any) -> Any:
        services = serve(loaded, answer=expert, reflect=settings, judge={"methods": ["rule"]})
        group = make_group(make_query(loaded[0].file.id), (ATTEMPT, "12", "13"))
        group = replace(group, verdicts=(Verdict(False, "rule", None, (), 1 / 3, CRITIQUE),))
        (found,) = do(ReflectStage().run(group, services))
        return found

    return run


def test_the_expert_sees_critique_and_attempts_and_what_is_published_does_not(reflect: Any) -> None:
    expert = Expert()
    found = reflect(expert)
    assert found.status is Status.KEPT
    assert len(expert.first) == 3
    for request in expert.first:
        prompt = request.messages[1].content
        assert CRITIQUE in prompt
        assert ATTEMPT in prompt
        assert "<attempt_3>" in prompt
    group: Group = found.row
    fresh = group.trajectories[3:]
    assert [(made.round, made.sample) for made in fresh] == [(1, 0), (1, 1), (1, 2)]
    for made in fresh:
        published = " ".join(message.content for message in messages_of(made))
        assert "zebra" not in published + encode(made)
        assert "Earlier attempts" not in published
        assert made.prompt[1].content.count(group.query.question) == 1


def test_new_samples_are_judged_alone_and_their_places_are_in_the_group(reflect: Any) -> None:
    group = reflect(Expert()).row
    assert [verdict.round for verdict in group.verdicts] == [0, 1]
    assert group.verdict.agreeing == (3, 4, 5)
    assert group.verdict.margin == 1.0


@pytest.mark.parametrize(("rounds", "kept"), [(1, False), (2, True)])
def test_there_are_as_many_rounds_as_are_set(reflect: Any, rounds: int, kept: bool) -> None:
    expert = Expert(settles_in=2)
    found = reflect(expert, rounds=rounds, samples=2)
    assert found.status is (Status.KEPT if kept else Status.REJECTED)
    assert found.reason is (None if kept else Reason.INCONSISTENT)
    assert len(found.row.trajectories) == 3 + 2 * rounds
    later = expert.first[2:]
    assert all(CRITIQUE not in request.messages[1].content for request in later)
    assert all("differ: 52 for 42" in request.messages[1].content for request in later)
