"""The one loop, driven by scripted actions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from datamind_gen.agent.loop import EpisodeLimits, OnInvalid, result_name, run_episode
from datamind_gen.agent.observation import INVALID_ACTION
from datamind_gen.agent.policy import Action
from datamind_gen.models.base import ErrorKind, ProviderError
from datamind_gen.rows import Message, StopReason, Turn, Usage
from datamind_gen.sandbox.results import TurnResult, TurnStatus

pytestmark = pytest.mark.anyio
PROMPT = (Message("system", "s"), Message("user", "u"))
CODE = "<think>t</think><code>print(1)</code>"
ANSWER = "<think>t</think><answer>1</answer>"


class Script:
    """A policy that says what it is told to, and remembers what it saw."""

    def __init__(self, says: Sequence[str | Action | ProviderError]) -> None:
        self.says = list(says)
        self.seen: list[str] = []

    async def begin(self, prompt: tuple[Message, ...]) -> None:
        self.prompt = prompt

    async def act(self) -> Action:
        following = self.says.pop(0)
        if isinstance(following, ProviderError):
            raise following
        return following if isinstance(following, Action) else Action(following, "stop", Usage(10, 2))

    async def observe(self, observation: str) -> None:
        self.seen.append(observation)


class Machine:
    """A session whose outcomes are given."""

    def __init__(self, status: TurnStatus = TurnStatus.OK, files: dict[str, str] | None = None) -> None:
        self.status = status
        self.files = files or {}
        self.ran: list[str] = []

    async def run(self, code: str) -> TurnResult:
        self.ran.append(code)
        error = None if self.status is TurnStatus.OK else "broken"
        return TurnResult(self.status, f"out {len(self.ran)}", None, error, 0.0, 0.0, 0.0)

    async def read_file(self, name: str) -> str | None:
        return self.files.get(name)


async def test_an_episode_runs_to_its_answer() -> None:
    policy, machine = Script([CODE, CODE, ANSWER]), Machine()
    shown: list[Turn] = []
    episode = await run_episode(policy, machine, PROMPT, on_turn=shown.append)
    assert (episode.stop, episode.answer, episode.error) == (StopReason.ANSWERED, "1", None)
    assert machine.ran == ["print(1)", "print(1)"]
    assert policy.seen == [turn.observation for turn in episode.turns[:2]]
    assert episode.turns[2].observation is None
    assert episode.usage == Usage(30, 6)
    assert tuple(shown) == episode.turns


async def test_f11_an_answer_on_the_last_allowed_turn_is_an_answer() -> None:
    episode = await run_episode(Script([CODE] * 9 + [ANSWER]), Machine(), PROMPT)
    assert (episode.stop, episode.answer, len(episode.turns)) == (StopReason.ANSWERED, "1", 10)


async def test_code_on_the_last_turn_is_not_run() -> None:
    machine = Machine()
    episode = await run_episode(Script([CODE] * 3), machine, PROMPT, EpisodeLimits(max_turns=3))
    assert (episode.stop, len(episode.turns), len(machine.ran)) == (StopReason.MAX_TURNS, 3, 2)


async def test_an_invalid_turn_is_told_and_counts() -> None:
    policy = Script(["hm", ANSWER])
    episode = await run_episode(policy, Machine(), PROMPT)
    assert policy.seen == [INVALID_ACTION]
    assert episode.turns[0].observation == INVALID_ACTION
    assert episode.stop is StopReason.ANSWERED


async def test_an_invalid_turn_voids_where_told_to() -> None:
    limits = EpisodeLimits(on_invalid=OnInvalid.VOID)
    episode = await run_episode(Script([CODE, "hm"]), Machine(), PROMPT, limits)
    assert (episode.stop, len(episode.turns)) == (StopReason.VOID_TURN, 2)


@pytest.mark.parametrize("on_invalid", OnInvalid)
async def test_a_message_cut_by_length_is_not_void(on_invalid: OnInvalid) -> None:
    cut = Action("<think>t</think><code>print(", "length")
    episode = await run_episode(Script([cut]), Machine(), PROMPT, EpisodeLimits(on_invalid=on_invalid))
    assert episode.stop is StopReason.MAX_TOKENS


async def test_an_answer_that_reached_the_length_limit_after_its_end_stands() -> None:
    episode = await run_episode(Script([Action(ANSWER, "length")]), Machine(), PROMPT)
    assert episode.stop is StopReason.ANSWERED


async def test_the_token_limit_ends_the_episode() -> None:
    limits = EpisodeLimits(max_total_tokens=100)
    says = [Action(CODE, "stop", Usage(50, 10)), Action(CODE, "stop", Usage(90, 10))]
    episode = await run_episode(Script(says), Machine(), PROMPT, limits)
    assert (episode.stop, len(episode.turns)) == (StopReason.MAX_TOKENS, 2)


async def test_unknown_usage_stays_unknown() -> None:
    episode = await run_episode(Script([CODE, Action(ANSWER, "stop")]), Machine(), PROMPT)
    assert episode.usage == Usage(None, None)


@pytest.mark.parametrize(
    ("kind", "stop"),
    [
        (ErrorKind.OVERLOADED, StopReason.PROVIDER_ERROR),
        (ErrorKind.AUTHENTICATION, StopReason.PROVIDER_ERROR),
        (ErrorKind.CONTEXT_OVERFLOW, StopReason.CONTEXT_OVERFLOW),
        (ErrorKind.STOPPED, StopReason.STOPPED),
    ],
)
async def test_f9_a_failing_provider_is_never_a_wrong_answer(kind: ErrorKind, stop: StopReason) -> None:
    episode = await run_episode(Script([CODE, ProviderError(kind, "down")]), Machine(), PROMPT)
    assert (episode.stop, episode.answer, len(episode.turns)) == (stop, None, 1)
    assert episode.error is not None
    assert "down" in episode.error


async def test_a_failing_sandbox_is_never_a_wrong_answer() -> None:
    policy = Script([CODE, ANSWER])
    episode = await run_episode(policy, Machine(TurnStatus.SANDBOX_FAILED), PROMPT)
    assert (episode.stop, episode.answer, episode.error) == (StopReason.SANDBOX_ERROR, None, "broken")
    assert episode.stop.is_failure
    assert policy.seen == []


async def test_code_that_fails_is_observed_and_the_episode_goes_on() -> None:
    policy = Script([CODE, ANSWER])
    episode = await run_episode(policy, Machine(TurnStatus.TIMEOUT), PROMPT)
    assert episode.stop is StopReason.ANSWERED
    assert episode.turns[0].status == "timeout"
    assert "The code run failed:\nbroken" in policy.seen[0]


F10_NAMES = [
    ("'result.csv'", "result.csv"),
    ('"result.csv"', "result.csv"),
    ("result.csv", "result.csv"),
    ("`result.csv`", "result.csv"),
    ("The result is saved in `top 5.csv`.", "top 5.csv"),
    ("./out/result.csv", "out/result.csv"),
    ("**result.csv**", "result.csv"),
    ("See result.csv (result.csv holds 3 rows).", "result.csv"),
    ("Result.CSV", "Result.CSV"),
    ("a.csv or b.csv", None),
    ("42", None),
    ("result.csvx", None),
]


@pytest.mark.parametrize(("answer", "name"), F10_NAMES, ids=[case[0] for case in F10_NAMES])
def test_f10_the_result_file_is_recognised_however_it_is_quoted(answer: str, name: str | None) -> None:
    assert result_name(answer) == name


async def test_f4_the_result_is_read_from_the_sessions_own_directory() -> None:
    says = ["<think>t</think><answer>'result.csv'</answer>"]
    with_file = await run_episode(Script(says), Machine(files={"result.csv": "a\n1\n"}), PROMPT)
    without = await run_episode(Script(says), Machine(), PROMPT)
    assert with_file.result_csv == "a\n1\n"
    assert without.result_csv is None
