"""The multi-turn loop: a policy acts, the sandbox runs its code, the policy observes, until an answer.

    episode = await run_episode(policy, session, prompt, EpisodeLimits(max_turns=10))

There is no second loop: generation, RL rollouts, evaluation and `ask` differ in the policy that they bring.
The loop decides nothing about quality. It ends for a reason from a closed set, and a provider or a sandbox
that fails is such a reason, never a wrong answer. An answer on the last allowed turn is an answer; code on
that turn is not run, because nobody could read its output. The result CSV is looked for in the session's
own directory, where no other trajectory writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from datamind_gen.agent.observation import INVALID_ACTION, describe
from datamind_gen.agent.policy import Action, Policy
from datamind_gen.agent.protocol import Parsed, parse
from datamind_gen.models.base import ErrorKind, FinishReason, ProviderError
from datamind_gen.rows import Message, StopReason, Turn, Usage
from datamind_gen.sandbox.results import TurnResult, TurnStatus


class CodeSession(Protocol):
    """The part of a sandbox session that the loop uses."""

    async def run(self, code: str) -> TurnResult: ...

    async def read_file(self, name: str) -> str | None: ...


class OnInvalid(StrEnum):
    """What a turn with neither code nor answer leads to."""

    RETRY = "retry"
    """The model is told, and the turn counts."""
    VOID = "void"
    """The episode ends, as in the paper's training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeLimits:
    max_turns: int = 10
    """Assistant messages, the answer included."""
    on_invalid: OnInvalid = OnInvalid.RETRY
    observation_chars: int = 2048
    max_total_tokens: int | None = None
    """Tokens of the whole conversation as the provider counts them; not enforced where it does not."""


@dataclass(frozen=True, slots=True)
class Episode:
    turns: tuple[Turn, ...]
    stop: StopReason
    answer: str | None = None
    result_csv: str | None = None
    """The text of the result CSV that the answer names, if the session's directory has it."""
    usage: Usage = field(default_factory=Usage)
    """Summed over the turns; None where any turn's count is unknown."""
    served_model: str = ""
    faults: tuple[str, ...] = ()
    error: str | None = None
    """What failed, when `stop` is a failure or an overflow."""


async def run_episode(
    policy: Policy,
    session: CodeSession,
    prompt: tuple[Message, ...],
    limits: EpisodeLimits | None = None,
    *,
    on_turn: Callable[[Turn], None] | None = None,
) -> Episode:
    """Runs one episode to its end. `on_turn` is called after each turn, for live display.

    Raises nothing for a failing provider or sandbox; a cancelled task is cancelled.
    """
    limits = limits or EpisodeLimits()
    episode = _Recorder(on_turn)
    try:
        await policy.begin(prompt)
        while True:
            action = await policy.act()
            parsed = parse(action.text)
            stop = _stop_before_running(action, parsed, limits, turn=len(episode.turns) + 1)
            if parsed.answer is not None:
                episode.add(action, parsed)
                csv = await _read_result(session, parsed.answer)
                return episode.finish(StopReason.ANSWERED, answer=parsed.answer, result_csv=csv)
            if stop is not None:
                episode.add(action, parsed)
                return episode.finish(stop)
            if parsed.code is None:
                episode.add(action, parsed, observation=INVALID_ACTION)
                await policy.observe(INVALID_ACTION)
                continue
            result = await session.run(parsed.code)
            if result.status is TurnStatus.SANDBOX_FAILED:
                episode.add(action, parsed, result=result)
                return episode.finish(StopReason.SANDBOX_ERROR, error=result.error or "the sandbox failed")
            seen = describe(result, limit=limits.observation_chars)
            episode.add(action, parsed, observation=seen.text, result=result, cut=seen.cut)
            await policy.observe(seen.text)
    except ProviderError as error:
        return episode.finish(_STOPS.get(error.kind, StopReason.PROVIDER_ERROR), error=str(error))


_STOPS = {
    ErrorKind.CONTEXT_OVERFLOW: StopReason.CONTEXT_OVERFLOW,
    ErrorKind.STOPPED: StopReason.STOPPED,
}


def result_name(answer: str) -> str | None:
    """The CSV file that a database answer names: bare, quoted, back-ticked or in a sentence.

    None when it names none, or more than one.
    """
    quoted = re.findall(r"[`'\"]([^`'\"\n]+\.csv)[`'\"]", answer, re.IGNORECASE)
    names = quoted or re.findall(r"[\w.\-/]+\.csv\b", answer, re.IGNORECASE)
    distinct = {name.strip().removeprefix("./") for name in names}
    return distinct.pop() if len(distinct) == 1 else None


async def _read_result(session: CodeSession, answer: str) -> str | None:
    name = result_name(answer)
    return await session.read_file(name) if name else None


def _stop_before_running(
    action: Action, parsed: Parsed, limits: EpisodeLimits, *, turn: int
) -> StopReason | None:
    if not parsed.acts and action.finish_reason == FinishReason.LENGTH:
        return StopReason.MAX_TOKENS
    if not parsed.acts and limits.on_invalid is OnInvalid.VOID:
        return StopReason.VOID_TURN
    if turn >= limits.max_turns:
        return StopReason.MAX_TURNS
    total = (action.usage.prompt_tokens or 0) + (action.usage.completion_tokens or 0)
    if limits.max_total_tokens is not None and total >= limits.max_total_tokens:
        return StopReason.MAX_TOKENS
    return None


class _Recorder:
    """Collects an episode's turns and what the actions say beside their text."""

    def __init__(self, on_turn: Callable[[Turn], None] | None) -> None:
        self.turns: list[Turn] = []
        self._on_turn = on_turn
        self._served_model = ""
        self._faults: list[str] = []

    def add(
        self,
        action: Action,
        parsed: Parsed,
        *,
        observation: str | None = None,
        result: TurnResult | None = None,
        cut: int = 0,
    ) -> None:
        turn = Turn(
            text=action.text,
            thought=parsed.thought,
            code=parsed.code,
            observation=observation,
            status=result.status.value if result else None,
            echo=result.echo if result else None,
            stdout_cut=cut,
            finish_reason=action.finish_reason,
            usage=action.usage,
        )
        self.turns.append(turn)
        self._served_model = action.served_model or self._served_model
        self._faults += action.faults
        if self._on_turn is not None:
            self._on_turn(turn)

    def finish(
        self,
        stop: StopReason,
        *,
        answer: str | None = None,
        result_csv: str | None = None,
        error: str | None = None,
    ) -> Episode:
        return Episode(
            turns=tuple(self.turns),
            stop=stop,
            answer=answer,
            result_csv=result_csv,
            usage=Usage(
                _total([turn.usage.prompt_tokens for turn in self.turns]),
                _total([turn.usage.completion_tokens for turn in self.turns]),
            ),
            served_model=self._served_model,
            faults=tuple(dict.fromkeys(self._faults)),
            error=error,
        )


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
