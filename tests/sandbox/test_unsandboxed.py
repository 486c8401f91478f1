"""`allow_unsandboxed`: where the kernel cannot confine, it refuses; asked to, it runs, and rows say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datamind_gen.models.base import ChatReply, ChatRequest, FinishReason
from datamind_gen.sandbox import Isolation, OnError, Sandbox, SandboxUnavailable, TurnStatus
from datamind_gen.sandbox import sandbox as sandbox_module
from datamind_gen.sandbox.isolation import Attempt, Probe, fix_for
from datamind_gen.stages.sample import SampleStage
from tests.conftest import Do
from tests.sandbox.conftest import QUICK
from tests.stages.conftest import serve, taxonomy  # noqa: F401
from tests.stages.groups import make_query


@pytest.fixture
def no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zygote's findings, as a kernel without Landlock makes them."""
    attempts = (Attempt("confinement", False, "no Landlock"),)
    found = Probe(Isolation.NONE, "Linux", 0, attempts, (), fix_for(0, attempts))
    monkeypatch.setattr(sandbox_module, "read_facts", lambda _facts: found)


@pytest.fixture(name="sandbox")
def loose(no_landlock: None, do: Do) -> Iterator[Sandbox]:
    opened = Sandbox(replace(QUICK, allow_unsandboxed=True, wall_s=8))
    do(opened.__aenter__())
    yield opened
    do(opened.__aexit__(None, None, None))


def test_it_refuses_and_names_the_fix(no_landlock: None, do: Do) -> None:
    with pytest.raises(
        SandboxUnavailable, match=r"no Landlock .*--allow-unsandboxed, which is written into every row"
    ):
        do(Sandbox(QUICK).__aenter__())


@pytest.mark.parametrize("mode", list(OnError))
def test_asked_to_it_runs_with_its_limits_and_its_way_back(sandbox: Sandbox, do: Do, mode: OnError) -> None:
    codes = (
        "x = [1]",
        "x.append(2)\n1 / 0",
        "x",
        "x.append(3)\nimport os; os._exit(3)",
        "while True: pass",
        "y = bytearray(1 << 34)",
        "x",
    )

    async def run() -> list[tuple[TurnStatus, str | None]]:
        async with await sandbox.open({}, seed="u", on_error=mode) as session:
            return [((turn := await session.run(code)).status, turn.echo) for code in codes]

    statuses, echoes = zip(*do(run()), strict=True)
    assert sandbox.isolation is Isolation.NONE
    assert not sandbox.confines
    assert statuses == ("ok", "error", "ok", "exited", statuses[4], "memory_limit", "ok")
    assert statuses[4] in (TurnStatus.CPU_LIMIT, TurnStatus.TIMEOUT)
    kept = ("[1]", "[1]") if mode is OnError.ROLLBACK else ("[1, 2]", "[1, 2, 3]")
    assert (echoes[2], echoes[6]) == kept


def test_it_really_is_loose(sandbox: Sandbox, do: Do, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("seen")

    async def run() -> str | None:
        async with await sandbox.open({}, seed="u") as session:
            return (await session.run(f"open({str(secret)!r}).read()")).echo

    assert do(run()) == "'seen'"


def test_every_row_says_so(do: Do, serve: Callable[..., Any], bundled: Callable[..., Any]) -> None:  # noqa: F811
    texts = (
        "<think>\nSo.\n</think>\n<code>\n```python\nprint(21 * 2)\n```\n</code>",
        "<think>\nSo.\n</think>\n<answer>42</answer>",
    )

    async def answer(request: ChatRequest) -> ChatReply:
        turn = sum(message.role == "assistant" for message in request.messages)
        return ChatReply(text=texts[min(turn, 1)], finish_reason=FinishReason.STOP)

    loaded = bundled("firm_investment.csv")
    (found,) = do(SampleStage().run(make_query(loaded[0].file.id), serve(loaded, answer=answer)))
    assert {made.isolation for made in found.row.trajectories} == {"none"}
    assert {made.answer for made in found.row.trajectories} == {"42"}
