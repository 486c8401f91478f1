"""A policy that talks to a chat model: the text form, used by generation, evaluation and `ask`.

    policy = ChatPolicy(model.complete, sampling=Sampling(temperature=0.7), sample=2, appendix=workflow)

The appendix (a category's workflow, a critique) goes to the end of the prompt that the model sees and to no
other place: the prompt that the loop was given, which is what is published, does not hold it.

`normalise` makes every server's reply the same message: a stop tag that the server stripped is put back, an
opening `<think>` that the chat template ate is put back, and what follows the first action is cut, as if the
server had honoured the stop strings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from datamind_gen.agent.markup import neutralise
from datamind_gen.agent.policy import Action
from datamind_gen.agent.protocol import STOP_STRINGS, Problem, parse
from datamind_gen.models.base import ChatReply, ChatRequest, FinishReason, Role, Sampling
from datamind_gen.rows import Message

Complete = Callable[[ChatRequest], Awaitable[ChatReply]]


class ChatPolicy:
    """One episode with a chat model; implements agent.policy.Policy."""

    def __init__(
        self,
        complete: Complete,
        *,
        sampling: Sampling,
        role: Role = Role.EXPERT,
        sample: int = 0,
        appendix: str = "",
        hint: str | None = None,
    ) -> None:
        self._complete = complete
        self._sampling = replace(sampling, stop=tuple(dict.fromkeys((*STOP_STRINGS, *sampling.stop))))
        self._role = role
        self._sample = sample
        self._appendix = appendix
        self._hint = hint
        self._messages: list[Message] = []

    async def begin(self, prompt: tuple[Message, ...]) -> None:
        self._messages = list(prompt)
        if self._appendix:
            last = self._messages[-1]
            self._messages[-1] = replace(last, content=f"{last.content}\n\n{self._appendix}")

    async def act(self) -> Action:
        reply = await self._complete(
            ChatRequest(
                role=self._role,
                messages=tuple(self._messages),
                sampling=self._sampling,
                sample=self._sample,
                hint=self._hint,
            )
        )
        text = normalise(reply)
        self._messages.append(Message("assistant", text))
        return Action(
            text=text,
            finish_reason=reply.finish_reason.value,
            usage=reply.usage,
            served_model=reply.served_model,
            faults=reply.faults,
        )

    async def observe(self, observation: str) -> None:
        self._messages.append(Message("user", observation))


def normalise(reply: ChatReply) -> str:
    """The reply as one message of the protocol, whatever the server strips or ignores."""
    text = reply.text.strip()
    parsed = parse(text)
    if Problem.UNOPENED_THINK in parsed.problems:
        text = f"<think>\n{text}"
    elif reply.reasoning and Problem.NO_THINK in parsed.problems:
        text = f"<think>\n{neutralise(reply.reasoning.strip())}\n</think>\n{text}"
    parsed = parse(text)
    if reply.finish_reason is FinishReason.STOP and not parsed.acts:
        for problem, tag in ((Problem.UNCLOSED_CODE, "</code>"), (Problem.UNCLOSED_ANSWER, "</answer>")):
            if problem in parsed.problems:
                text = f"{text}\n{tag}" if tag == "</code>" else f"{text}{tag}"
        parsed = parse(text)
    return text[: parsed.end]
