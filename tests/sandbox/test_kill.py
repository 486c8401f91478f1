# ruff: noqa: E501
"""kill -9 of any process of the sandbox: what lives on, and what must not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamind_gen.sandbox import OnError, Sandbox, SandboxSettings, Session
from tests.conftest import Do
from tests.sandbox.conftest import Play

ROOT = Path(__file__).resolve().parents[2]
HOST = """
import asyncio, os, sys
from datamind_gen.sandbox import Sandbox
async def main():
    async with Sandbox() as sandbox:
        sessions = [await sandbox.open({}, seed=str(n)) for n in range(3)]
        for session in sessions:
            await session.run("x = 1")
        turns = [asyncio.create_task(session.run(code)) for session, code in zip(sessions, (
            "while True: pass", "import time; time.sleep(100)", "import signal\\nfor n in range(1, 32):\\n"
            "    try: signal.signal(n, signal.SIG_IGN)\\n    except (OSError, ValueError): pass\\nwhile True: pass"))]
        await asyncio.sleep(1)
        print(next(iter(sandbox._zygotes.values())).facts["pid"], sandbox._scratch, flush=True)
        await asyncio.gather(*turns)
asyncio.run(main())
"""


def living(number: int, field: int = 3) -> list[int]:
    """Processes, zombies apart, of a session (the kernel's kind); by `field` 1, of a parent."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[field]) == number and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def wait_until_gone(session: int) -> list[int]:
    for _ in range(100):
        if not living(session):
            return []
        time.sleep(0.05)
    return living(session)


@pytest.mark.parametrize("victim", ["engine", "zygote-then-engine"])
def test_a_killed_engine_leaves_no_process(victim: str) -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    zygote, scratch = host.stdout.readline().split()
    assert len(living(int(zygote))) >= 4
    if victim == "zygote-then-engine":
        os.kill(int(zygote), signal.SIGKILL)
    host.kill()
    host.wait()
    assert wait_until_gone(int(zygote)) == []
    if victim == "engine":
        assert not Path(scratch).exists()


def test_an_engine_killed_while_its_zygote_still_imports_leaves_no_process() -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST], cwd=ROOT, stdout=subprocess.PIPE)
    started: list[int] = []
    while not started and host.poll() is None:
        started = [pid for pid in living(host.pid, field=1) if living(pid)]
        time.sleep(0.01)
    host.kill()
    host.wait()
    assert started
    assert wait_until_gone(started[0]) == []


async def _pid(session: Session) -> int:
    return int((await session.run("import os\nprint(os.getpid())")).stdout)


async def _is_gone(pid: int) -> bool:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize("mode", list(OnError))
def test_a_killed_session_is_rebuilt_with_its_state(sandbox: Sandbox, do: Do, mode: OnError) -> None:
    async def run() -> str | None:
        async with await sandbox.open({}, seed="k", on_error=mode) as session:
            await session.run("x = [1]\nopen('f', 'w').write('a')")
            await session.run("x.append(2)")
            os.kill(await _pid(session), signal.SIGKILL)
            return (await session.run("x, open('f').read()")).echo

    assert do(run()) == "([1, 2], 'a')"


def test_a_session_killed_in_a_turn_runs_it_again(sandbox: Sandbox, do: Do) -> None:
    async def run() -> tuple[str | None, str | None]:
        async with await sandbox.open({}, seed="k") as session:
            await session.run("x = [1]")
            pid = await _pid(session)
            turn = asyncio.create_task(session.run("import time\nx.append(2)\ntime.sleep(1)\nx"))
            await asyncio.sleep(0.5)
            os.kill(pid, signal.SIGKILL)
            return (await turn).echo, (await session.run("x")).echo

    assert do(run()) == ("[1, 2]", "[1, 2]")


def test_a_turn_that_is_cancelled_ends_and_the_session_carries_on(sandbox: Sandbox, do: Do) -> None:
    async def run() -> tuple[bool, str | None]:
        async with await sandbox.open({}, seed="c") as session:
            await session.run("x = 5")
            pid = await _pid(session)
            turn = asyncio.create_task(session.run("x = 6\nwhile True: pass"))
            await asyncio.sleep(0.3)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn
            return await _is_gone(pid), (await session.run("x")).echo

    assert do(run()) == (True, "5")


def test_keep_runs_a_self_killing_turn_no_more_than_its_statements_say(play: Play) -> None:
    codes = ("x = []", "x.append(1)\nimport os; os.kill(os.getpid(), 9)", "x")
    assert play(*codes, on_error=OnError.KEEP)[2].echo == "[1]"


def test_a_killed_zygote_is_replaced_and_every_session_carries_on(do: Do) -> None:
    async def run() -> tuple[list[str | None], int, list[int]]:
        async with Sandbox(SandboxSettings(wall_s=20)) as sandbox:
            sessions = [await sandbox.open({}, seed=str(n)) for n in range(3)]
            for number, session in enumerate(sessions):
                await session.run(f"x = {number}")
            zygote = next(iter(sandbox._zygotes.values())).facts["pid"]
            running = asyncio.create_task(sessions[0].run("import time\ntime.sleep(1)\nx"))
            await asyncio.sleep(0.3)
            os.kill(zygote, signal.SIGKILL)
            echoes = [(await running).echo, *[(await session.run("x")).echo for session in sessions[1:]]]
            return echoes, sandbox.stats().restarts, wait_until_gone(zygote)

    assert do(run()) == (["0", "1", "2"], 1, [])


def test_sleep_gives_the_process_back_and_waking_brings_the_state(sandbox: Sandbox, do: Do) -> None:
    async def run() -> tuple[bool, bool, str | None, bool]:
        async with await sandbox.open({}, seed="s") as session:
            pid = await _pid(session)
            await session.run("import random\nx = random.random()\nopen('log', 'a').write('once')")
            before = (await session.run("x")).echo
            await session.sleep()
            asleep = not session.awake
            gone = await _is_gone(pid)
            after = await session.run("print(open('log').read())\nx")
            return asleep, gone, after.stdout, after.echo == before

    assert do(run()) == (True, True, "once\n", True)


def test_sessions_over_the_memory_budget_sleep_and_wake(do: Do) -> None:
    async def run() -> tuple[int, list[str | None], bool]:
        settings = SandboxSettings(awake_memory_mb=150, memory_mb=512)
        async with Sandbox(settings) as sandbox:
            sessions = [await sandbox.open({}, seed=str(n)) for n in range(4)]
            for number, session in enumerate(sessions):
                await session.run(f"x = bytearray(b'{number}' * 60_000_000)")
            for _ in range(100):
                asleep = sandbox.stats().asleep
                if asleep:
                    break
                await asyncio.sleep(0.05)
            echoes = [(await session.run("x[:1]")).echo for session in sessions]
            return asleep, echoes, sandbox.stats().wakes > 0

    asleep, echoes, woken = do(run())
    assert asleep >= 1
    assert echoes == [f"bytearray(b'{n}')" for n in range(4)]
    assert woken


def test_a_replay_that_prints_otherwise_marks_the_session(sandbox: Sandbox, do: Do) -> None:
    async def run() -> tuple[bool, bool]:
        async with await sandbox.open({}, seed="s") as session:
            await session.run("clock = __import__('time').__dict__['ti' + 'me']\nprint(clock())")
            before = (await session.run("1")).deterministic
            await session.sleep()
            return before, (await session.run("1")).deterministic

    assert do(run()) == (True, False)


def test_the_callers_event_loop_is_never_blocked(sandbox: Sandbox, do: Do) -> None:
    async def run() -> int:
        async with await sandbox.open({}, seed="s") as session:
            turn = asyncio.create_task(session.run("x = 0\nwhile x < 5_000_000: x += 1"))
            beats = 0
            while not turn.done():
                await asyncio.sleep(0.001)
                beats += 1
            return beats

    assert do(run()) > 20


def test_many_turns_leave_descriptors_and_processes_flat(play: Play, sandbox: Sandbox) -> None:
    zygote = next(iter(sandbox._zygotes.values())).facts["pid"]
    play("x = 1")
    before = len(os.listdir(f"/proc/{zygote}/fd")), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        play("x = 1", "1 / 0", "x", "import os; os._exit(1)")
    after = len(os.listdir(f"/proc/{zygote}/fd")), len(os.listdir("/proc/self/fd"))
    assert after[0] <= before[0] + 3
    assert after[1] <= before[1] + 1


def test_very_many_turns_in_one_session_need_no_rebuilding(sandbox: Sandbox, do: Do) -> None:
    async def run() -> tuple[str | None, int, int]:
        before = sandbox.stats().wakes
        async with await sandbox.open({}, seed="m") as session:
            await session.run("import os\nx = 0")
            for number in range(280):  # more than a session may hold descriptors
                await session.run("x += 1" if number % 20 else "x += 1\n1 / 0")
            last = await session.run("print(len(os.listdir('/proc/self/fd')))\nx")
            return last.echo, int(last.stdout), sandbox.stats().wakes - before

    echo, descriptors, wakes = do(run())
    assert (echo, wakes) == ("266", 0)
    assert descriptors <= 8


def test_a_turn_that_ends_before_its_checkpoint_runs_leaves_none_behind(sandbox: Sandbox, do: Do) -> None:
    async def run() -> list[str | None]:
        sessions = [await sandbox.open({}, seed=str(n)) for n in range(12)]
        wakes = sandbox.stats().wakes

        async def many(session: Session) -> str | None:
            await session.run("x = 0")
            for _ in range(6):
                await session.run("x += 1")
                await session.run("x += 1; 1 / 0")
            return (await session.run("x")).echo

        echoes = await asyncio.gather(*(many(session) for session in sessions))
        assert sandbox.stats().wakes == wakes
        for session in sessions:
            await session.close()
        return echoes

    assert do(run()) == ["6"] * 12


@pytest.mark.parametrize(
    "wreck",
    [
        "import datamind_gen.sandbox.inside.exchange as e\ne.read_request = None",
        "import datamind_gen.sandbox.inside.session as s\ns.take_checkpoint = None",
    ],
    ids=["reading", "checkpoint"],
)
@pytest.mark.parametrize("mode", list(OnError))
def test_a_turn_that_breaks_the_runner_is_undone(play: Play, mode: OnError, wreck: str) -> None:
    results = play("x = 1", f"x = 2\n{wreck}", "x", "x + 1", on_error=mode)
    reached = mode is OnError.KEEP and "take_checkpoint" in wreck  # in keep mode nothing takes one
    assert [result.echo for result in results[2:]] == (["2", "3"] if reached else ["1", "2"])


def test_files_of_a_turn_rolled_back_with_its_process_are_gone(sandbox: Sandbox, do: Do) -> None:
    async def run() -> list[str | None]:
        async with await sandbox.open({}, seed="f") as session:
            await session.run("open('stray', 'w').write('x')\n1 / 0")
            first = await session.read_file("stray")
            await session.run("open('kept', 'w').write('x')")
            return [first, await session.read_file("kept")]

    assert do(run()) == [None, "x"]
