"""Engines on other nodes: they share the work, may be lost, and change no row."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from datamind_gen.ledger import Ledger
from datamind_gen.publish.recipe import read_parts
from datamind_gen.rows import encode
from datamind_gen.run.finish import finish_run
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.job import Job
from datamind_gen.run.local import move_locally
from datamind_gen.run.node_wire import Enlistment
from datamind_gen.run.opening import find_files, locate, open_engine
from datamind_gen.run.records import RunRecord, record_run
from datamind_gen.run.traffic import Traffic
from datamind_gen.spec.loader import load_pipeline
from tests.run.pipelines import ROOT, Undisturbed, dataset_bytes

Node = subprocess.Popen[str]
Disturb = Callable[[RunFolder, list[Node]], None]


def start_node(enlistment: Enlistment) -> Node:
    node = subprocess.Popen(
        [sys.executable, "-m", "datamind_gen.run.node"], cwd=ROOT, stdin=subprocess.PIPE, text=True
    )
    assert node.stdin is not None
    node.stdin.write(encode(enlistment) + "\n")
    node.stdin.flush()
    return node


async def run_with_nodes(
    pipeline: Path, out: Path, change: Callable[[Enlistment], Enlistment], disturb: Disturb
) -> tuple[list[str], list[int]]:
    """Runs with two more engines; what was said, and how the engines ended."""
    said: list[str] = []
    job = Job(pipeline=str(pipeline), overrides=(), out=str(out))
    folder = RunFolder(out)
    out.mkdir()
    loaded = load_pipeline(job.pipeline)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger.open(folder.ledger))
        found = find_files(loaded, folder)
        engine = await open_engine(loaded, ledger, locate(found), job, stack)
        record_run(ledger, RunRecord.of(engine, loaded, 0.0))
        engine.crew.say = said.append
        port, token = await engine.crew.listen("127.0.0.1")
        enlistment = change(Enlistment(job, "127.0.0.1", port, token))
        nodes = [start_node(replace(enlistment, node=f"n{number}")) for number in range(2)]
        stack.callback(lambda: [node.kill() for node in nodes])
        while len(said) < 2 and any(node.poll() is None for node in nodes):
            await asyncio.sleep(0.1)
        traffic = Traffic(engine, [item.file for item in found])
        disturbing = asyncio.create_task(asyncio.to_thread(disturb, folder, nodes))
        await move_locally(traffic)
        await disturbing
        engine.crew.close()
        recipe = read_parts(loaded, engine.prompts)
        finish_run(engine, traffic, folder, recipe=recipe, started=0.0, ticks=())
        ends = [await asyncio.to_thread(node.wait, 30) for node in nodes]
    return said, ends


def leave_alone(folder: RunFolder, nodes: list[Node]) -> None:
    return


def kill_one_at_work(folder: RunFolder, nodes: list[Node]) -> None:
    while len(list(folder.ledger.glob("*.segment"))) < 3:  # every engine has recorded replies
        time.sleep(0.02)
    nodes[0].send_signal(signal.SIGKILL)


def test_engines_on_other_nodes_change_no_row(undisturbed: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    said, ends = asyncio.run(run_with_nodes(undisturbed.pipeline, out, lambda same: same, leave_alone))
    assert sorted(line.split(",")[0] for line in said) == [
        "an engine on node n0 joined",
        "an engine on node n1 joined",
    ]
    assert ends == [0, 0]
    assert len(list((out / "ledger").glob("*.segment"))) == 3
    assert dataset_bytes(out) == undisturbed.dataset


@pytest.mark.slow
def test_the_rows_of_a_lost_node_go_to_the_others(undisturbed: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    said, ends = asyncio.run(run_with_nodes(undisturbed.pipeline, out, lambda same: same, kill_one_at_work))
    assert any("lost the engine on node n0" in line for line in said)
    assert ends == [-signal.SIGKILL, 0]
    assert dataset_bytes(out) == undisturbed.dataset


def other_seed(enlistment: Enlistment) -> Enlistment:
    return replace(enlistment, job=replace(enlistment.job, overrides=("sample.turns=5",)))


@pytest.mark.slow
def test_a_node_that_would_give_other_rows_is_not_used(undisturbed: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    said, ends = asyncio.run(run_with_nodes(undisturbed.pipeline, out, other_seed, leave_alone))
    assert len(said) == 2
    assert all("is not used" in line and "sample" in line for line in said)
    assert ends == [2, 2]
    assert dataset_bytes(out) == undisturbed.dataset


@pytest.mark.slow
def test_nobody_joins_without_the_runs_token(undisturbed: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    said, ends = asyncio.run(
        run_with_nodes(undisturbed.pipeline, out, lambda given: replace(given, token="guess"), leave_alone)
    )
    assert (said, ends) == ([], [2, 2])
    assert dataset_bytes(out) == undisturbed.dataset
