"""Rollouts over the real sandbox, with an engine that speaks from a script; and what failures become."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from datamind_gen.rows import Message, StopReason
from datamind_gen.sandbox import Sandbox, SandboxSettings
from tests.trainers.helpers import hostile_tokenizer
from trainers.config import Data, Episodes
from trainers.data import Task, open_dataset
from trainers.engines.base import EngineError, Sample, SampleRequest
from trainers.rollouts import Job, Rollout, run_rollouts, token_runner
from trainers.tokens import TokenBuilder

BUILDER = TokenBuilder(hostile_tokenizer())
Script = Callable[[int, SampleRequest], str | Exception]


class ScriptedEngine:
    """Says what a script says, letter by letter: never the ids that encoding the text would give."""

    in_rounds = False

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[SampleRequest] = []
        self.turns: dict[tuple[int, ...], int] = {}
        self.busy = self.most = 0

    @contextlib.asynccontextmanager
    async def episode(self) -> AsyncIterator[None]:
        self.busy += 1
        self.most = max(self.most, self.busy)
        yield
        self.busy -= 1

    async def sample(self, request: SampleRequest) -> Sample:
        self.requests.append(request)
        turn = sum(i == BUILDER.end_of_turn for i in request.ids) // 2
        said = self.script(turn, request)
        await asyncio.sleep(0)
        if isinstance(said, Exception):
            raise said
        ids = [i for letter in said for i in BUILDER.tokenizer.encode(letter)]
        ids = [*ids, BUILDER.end_of_turn][: request.max_tokens]
        return Sample(
            tuple(ids), tuple([-0.5] * len(ids)), "stop" if ids[-1] == BUILDER.end_of_turn else "length"
        )

    async def logprobs(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        """As sure of every id as of those that it samples."""
        return [[-0.5] * (len(sequence) - 1) for sequence in sequences]

    async def sync(self, step: int, state: object = None) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("x\n<|im_end|>\n", encoding="utf-8")
    return path


def task(file: Path) -> Task:
    prompt = (Message("system", "s"), Message("user", "q"))
    return Task("q", "q", prompt, {"t.csv": file}, "1", False, "c", "easy")


Run = Callable[..., list[Rollout]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[asyncio.Runner, Sandbox]]:
    """One sandbox for all tests here, in a loop that outlives each of them."""
    with asyncio.Runner() as loop:
        opened = Sandbox(SandboxSettings(concurrency=2))
        loop.run(opened.__aenter__())
        yield loop, opened
        loop.run(opened.__aexit__())


@pytest.fixture
def run(sandbox: tuple[asyncio.Runner, Sandbox], file: Path) -> Run:
    """Runs an engine's episodes on `file`; further keyword arguments are limits."""
    loop, opened = sandbox

    def inner(
        engine: ScriptedEngine, *, jobs: int = 1, concurrency: int = 8, seconds: float = 60, **limits: int
    ) -> list[Rollout]:
        bounds = {"response_tokens": 4000, "episode_seconds": seconds, **limits}
        config = Episodes.model_validate({"limits": bounds, "concurrency": concurrency})
        runner = token_runner(engine, BUILDER, config, retry_invalid=False)
        todo = [Job(task(file), sample, sample) for sample in range(jobs)]
        return loop.run(run_rollouts(todo, runner, opened, config, engine=engine))

    return inner


READ = "<think>r</think>\n<code>\nprint(open('data/files/t.csv').read())\n</code>"
ANSWER = "<think>d</think>\n<answer>1</answer>"


def says(said: str | Exception) -> Script:
    return lambda turn, request: said


def two_turns(turn: int, request: SampleRequest) -> str:
    return READ if turn == 1 else ANSWER


def test_prompts_extend_what_was_sampled_and_the_trained_ids_are_those_sampled(run: Run) -> None:
    engine = ScriptedEngine(two_turns)
    (rollout,) = run(engine)
    assert rollout.episode.stop is StopReason.ANSWERED
    assert rollout.tokens is not None
    first, second = engine.requests
    letters = [i for letter in READ for i in BUILDER.tokenizer.encode(letter)]
    assert second.ids[: len(first.ids) + len(letters) + 1] == (*first.ids, *letters, BUILDER.end_of_turn)
    assert tuple(rollout.tokens.ids[: len(second.ids)]) == second.ids
    trained = [i for i, on in zip(rollout.tokens.ids, rollout.tokens.mask, strict=True) if on]
    said = [i for letter in ANSWER for i in BUILDER.tokenizer.encode(letter)]
    assert trained == [*letters, BUILDER.end_of_turn, *said, BUILDER.end_of_turn]
    assert first.seed != second.seed


def test_a_cell_that_spells_a_control_token_stays_text(run: Run) -> None:
    engine = ScriptedEngine(two_turns)
    run(engine)
    second = engine.requests[1].ids
    assert second.count(BUILDER.end_of_turn) == 2 + 2
    assert "|im_end|>" in BUILDER.tokenizer.decode([i for i in second if i != BUILDER.end_of_turn])


@pytest.mark.parametrize(
    ("script", "limits", "stop", "failed"),
    [
        pytest.param(says("thinking aloud"), {}, StopReason.VOID_TURN, False, id="void"),
        pytest.param(says(READ), {"max_turns": 2}, StopReason.MAX_TURNS, False, id="turns"),
        pytest.param(two_turns, {"max_turns": 2}, StopReason.ANSWERED, False, id="answer on the last turn"),
        pytest.param(says("x" * 500), {"response_tokens": 9}, StopReason.MAX_TOKENS, False, id="length"),
        pytest.param(
            says(READ), {"response_tokens": len(READ) + 2}, StopReason.CONTEXT_OVERFLOW, False, id="no room"
        ),
        pytest.param(says(ANSWER), {"prompt_tokens": 3}, StopReason.CONTEXT_OVERFLOW, False, id="prompt"),
        pytest.param(says(EngineError("down")), {}, StopReason.PROVIDER_ERROR, True, id="engine"),
    ],
)
def test_every_episode_ends_for_a_reason(
    run: Run, script: Script, limits: dict[str, int], stop: StopReason, failed: bool
) -> None:
    (rollout,) = run(ScriptedEngine(script), **limits)
    assert rollout.episode.stop is stop
    assert rollout.failed is failed
    assert (rollout.tokens is None) is failed
    assert rollout.void is (stop is StopReason.VOID_TURN)


def test_one_failing_episode_spoils_no_other(run: Run) -> None:
    seen: list[int] = []

    def script(turn: int, request: SampleRequest) -> str | Exception:
        seen.append(turn)
        return EngineError("500") if len(seen) == 1 else two_turns(turn, request)

    rollouts = run(ScriptedEngine(script), jobs=4)
    assert sorted(rollout.failed for rollout in rollouts) == [False, False, False, True]


def test_a_hanging_episode_is_cancelled_and_counted_as_failed(run: Run) -> None:
    class Hanging(ScriptedEngine):
        async def sample(self, request: SampleRequest) -> Sample:
            await asyncio.sleep(3600)
            raise AssertionError

    (rollout,) = run(Hanging(two_turns), seconds=0.2)
    assert rollout.episode.stop is StopReason.STOPPED
    assert rollout.failed
    assert "episode_seconds" in (rollout.episode.error or "")


def test_no_more_episodes_run_than_allowed(run: Run) -> None:
    engine = ScriptedEngine(lambda turn, request: ANSWER)
    assert len(run(engine, jobs=9, concurrency=3)) == 9
    assert engine.most == 3


@pytest.mark.slow
def test_an_experts_turns_see_what_the_expert_saw(
    sandbox: tuple[asyncio.Runner, Sandbox], tmp_path: Path
) -> None:
    """Of a dataset whose experts saw 160 characters of an output, under a recipe that does not say so."""
    pipeline = Path(__file__).resolve().parent.parent.parent / "pipelines" / "tiny.yaml"
    run = [sys.executable, "-m", "datamind_gen", "run", str(pipeline), "--limit", "6", "--out", str(tmp_path)]
    subprocess.run(run, check=True, capture_output=True)
    loop, opened = sandbox
    tasks = open_dataset(Data(dataset=str(tmp_path / "dataset"))).tasks(held_out=False)
    for task in tasks:
        said = [message.content for message in task.expert if message.role == "assistant"]
        seen = [message.content for message in task.expert[2:] if message.role == "user"]
        engine = ScriptedEngine(lambda turn, request, said=said: said[turn - 1])  # type: ignore[misc]
        config = Episodes.model_validate({"limits": {"prompt_tokens": 4000}})
        runner = token_runner(engine, BUILDER, config, retry_invalid=False)
        (rollout,) = loop.run(run_rollouts([Job(task, 0, 0)], runner, opened, config, engine=engine))
        observations = [turn.observation for turn in rollout.episode.turns if turn.observation is not None]
        assert observations == seen
