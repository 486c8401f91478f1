from __future__ import annotations

import pytest

from datamind_gen.agent.chat_policy import ChatPolicy, normalise
from datamind_gen.agent.protocol import STOP_STRINGS
from datamind_gen.models.base import ChatReply, ChatRequest, FinishReason, Role, Sampling
from datamind_gen.rows import Message

pytestmark = pytest.mark.anyio
PROMPT = (Message("system", "s"), Message("user", "u"))


def reply(text: str, reason: FinishReason = FinishReason.STOP, reasoning: str | None = None) -> ChatReply:
    return ChatReply(text=text, finish_reason=reason, reasoning=reasoning)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            reply("<think>a</think><code>x\n"), "<think>a</think><code>x\n</code>", id="code-tag-stripped"
        ),
        pytest.param(
            reply("<think>a</think><answer>4"), "<think>a</think><answer>4</answer>", id="answer-tag-stripped"
        ),
        pytest.param(
            reply("<think>a</think><code>x</code>"), "<think>a</think><code>x</code>", id="tag-included"
        ),
        pytest.param(
            reply("<code>x</code><interpreter>9</interpreter><answer>9</answer>"),
            "<code>x</code>",
            id="stop-strings-ignored",
        ),
        pytest.param(
            reply("a</think>\n<answer>4"), "<think>\na</think>\n<answer>4</answer>", id="opening-think-eaten"
        ),
        pytest.param(reply("<code>x", FinishReason.LENGTH), "<code>x", id="cut-by-length-stays-cut"),
        pytest.param(
            reply("<answer>4</answer>", reasoning="so </think> 4"),
            "<think>\nso &lt;/think> 4\n</think>\n<answer>4</answer>",
            id="reasoning-beside-the-text",
        ),
        pytest.param(
            reply("<think>a</think><answer>4</answer>", reasoning="long"),
            "<think>a</think><answer>4</answer>",
            id="reasoning-and-think",
        ),
        pytest.param(
            reply("<code>```python\nx\n"), "<code>```python\nx\n</code>", id="fence-and-tag-stripped"
        ),
    ],
)
def test_every_servers_reply_becomes_the_same_message(given: ChatReply, message: str) -> None:
    result = normalise(given)
    assert result.replace("\n</code>", "</code>") == message.replace("\n</code>", "</code>")


async def test_requests_carry_everything_that_decides_the_reply() -> None:
    asked: list[ChatRequest] = []

    async def complete(request: ChatRequest) -> ChatReply:
        asked.append(request)
        return reply("<think>a</think><code>x")

    policy = ChatPolicy(
        complete, sampling=Sampling(temperature=0.7, stop=("END",)), sample=2, appendix="notes", hint="{}"
    )
    await policy.begin(PROMPT)
    action = await policy.act()
    await policy.observe("<interpreter>1</interpreter>")
    await policy.act()
    assert action.text.endswith("</code>")
    first, second = asked
    assert first.sampling.stop == (*STOP_STRINGS, "END")
    assert (first.role, first.sample, first.hint) == (Role.EXPERT, 2, "{}")
    assert first.messages == (PROMPT[0], Message("user", "u\n\nnotes"))
    assert second.messages == (
        *first.messages,
        Message("assistant", action.text),
        Message("user", "<interpreter>1</interpreter>"),
    )
