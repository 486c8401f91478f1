"""Sampling: what the expert is asked with, what is published of it, and how a group ends."""

from __future__ import annotations

from typing import Any

import pytest

from datamind_gen.agent.protocol import STOP_STRINGS
from datamind_gen.models.base import ChatReply, ChatRequest, ErrorKind, FinishReason, ProviderError
from datamind_gen.rows import Reason, Status, StopReason
from datamind_gen.stages.sample import SampleStage
from datamind_gen.taxonomy.schema import Taxonomy, Workflow
from tests.stages.groups import make_query

CODE = "<think>\nSo.\n</think>\n<code>\n```python\nprint(21 * 2)\n```\n</code>"
ANSWER = "<think>\nSo.\n</think>\n<answer>42</answer>"
VOID = "<think>\nLet me think.\n</think>"


@pytest.fixture
def sample(do: Any, serve: Any, bundled: Any, taxonomy: Taxonomy) -> Any:
    """The outcome of sampling, and the services that were asked; each sample says these messages in turn."""
    loaded = bundled("firm_investment.csv")

    def run(*texts: str | ProviderError, taxonomy: Taxonomy = taxonomy, **settings: Any) -> Any:
        async def answer(request: ChatRequest) -> ChatReply:
            turn = sum(message.role == "assistant" for message in request.messages)
            text = texts[min(turn, len(texts) - 1)]
            if isinstance(text, ProviderError):
                raise text
            return ChatReply(text=text, finish_reason=FinishReason.STOP)

        services = serve(loaded, answer=answer, taxonomy=taxonomy, sample=settings)
        (found,) = do(SampleStage().run(make_query(loaded[0].file.id), services))
        return found, services

    return run


def test_the_workflow_ends_the_prompt_and_is_not_published(sample: Any) -> None:
    found, services = sample(CODE, ANSWER)
    workflow = services.taxonomy.category("aggregation").workflow.python.strip()
    last_line = workflow.splitlines()[-1].strip()
    first = [request for request in services.asked if len(request.messages) == 2]
    assert len(first) == 3
    assert sorted(request.sample for request in first) == [0, 1, 2]
    for request, made in zip(first, found.row.trajectories, strict=True):
        published, asked = made.prompt[1].content, request.messages[1].content
        assert asked.startswith(published)
        assert last_line in asked.removeprefix(published)
        assert last_line not in published
        assert set(STOP_STRINGS) <= set(request.sampling.stop)
    assert len({made.seed for made in found.row.trajectories}) == 3


def test_a_category_without_a_workflow_gives_no_knowledge(sample: Any, taxonomy: Taxonomy) -> None:
    bare = [one.model_copy(update={"workflow": Workflow()}) for one in taxonomy.categories]
    found, services = sample(CODE, ANSWER, taxonomy=taxonomy.model_copy(update={"categories": tuple(bare)}))
    assert services.asked[0].messages == found.row.trajectories[0].prompt


def test_without_knowledge_the_expert_sees_what_is_published(sample: Any) -> None:
    found, services = sample(CODE, ANSWER, knowledge=False)
    assert services.asked[0].messages == found.row.trajectories[0].prompt


@pytest.mark.parametrize(
    ("on_invalid", "stop"), [("retry", StopReason.ANSWERED), ("void", StopReason.VOID_TURN)]
)
def test_an_invalid_turn_is_retried_or_voids(sample: Any, on_invalid: str, stop: StopReason) -> None:
    found, _ = sample(VOID, CODE, ANSWER, on_invalid=on_invalid)
    assert {made.stop for made in found.row.trajectories} == {stop}
    assert found.status is (Status.KEPT if stop is StopReason.ANSWERED else Status.REJECTED)
    assert found.reason is (None if stop is StopReason.ANSWERED else Reason.NO_ANSWER)


def test_an_answer_on_the_last_allowed_turn_is_valid(sample: Any) -> None:
    found, _ = sample(CODE, ANSWER, turns=2)
    assert [made.answer for made in found.row.trajectories] == ["42"] * 3


def test_a_failing_provider_is_no_wrong_answer(sample: Any) -> None:
    found, _ = sample(CODE, ProviderError(ErrorKind.OVERLOADED, "HTTP 529"))
    assert (found.status, found.reason, found.retryable) == (Status.FAILED, Reason.PROVIDER, True)
    assert "HTTP 529" in found.detail
