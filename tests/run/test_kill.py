"""kill -9 of anything, at any moment: nothing stays behind, and running again ends in the same rows."""

from __future__ import annotations

import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from datamind_gen.run.folder import RunFolder
from datamind_gen.run.status import is_running, read_status
from tests.run.pipelines import Undisturbed, dataset_bytes, wait_for_share
from tests.run.processes import (
    Process,
    descendants,
    finish,
    kill,
    look_at,
    start_run,
    wait_gone,
)


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the run puts its temporary files: a short path, for there are sockets among them."""
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)


Pick = Callable[[subprocess.Popen[str], list[Process]], list[int]]


def _running(word: str) -> Pick:
    def pick(run: subprocess.Popen[str], below: list[Process]) -> list[int]:
        return [found.pid for found in below if word in found.command][:1]

    return pick


def _any_child(run: subprocess.Popen[str], below: list[Process]) -> list[int]:
    return [random.choice(below).pid]


def _tree(run: subprocess.Popen[str], below: list[Process]) -> list[int]:
    return [run.pid, *(found.pid for found in below)]


def _parent(run: subprocess.Popen[str], below: list[Process]) -> list[int]:
    return [run.pid]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pick",
    [
        pytest.param(_tree, id="the-tree"),
        pytest.param(_parent, id="the-parent-alone"),
        pytest.param(_running("run.host"), id="the-engine"),
        pytest.param(_running("run.dag"), id="the-graph"),
        pytest.param(_any_child, id="any-child"),
    ],
)
def test_a_killed_run_leaves_nothing_behind_and_resumes_to_the_same_rows(
    undisturbed: Undisturbed, tmp_path: Path, pick: Pick, scratch: Path
) -> None:
    pipeline, wanted = undisturbed.pipeline, undisturbed.dataset
    folder = RunFolder(tmp_path / "run")
    run = start_run(pipeline, folder.root)
    time.sleep(random.uniform(0, 3))  # while it starts, if the share is small
    wait_for_share(undisturbed, run, folder.root, max(0, random.uniform(-0.3, 0.8)))
    victims: list[int] = []
    while not victims:  # it may not have started yet
        assert run.poll() is None
        below = descendants(run.pid)
        victims = pick(run, below) if below else []
    everyone = [*below, *([found] if (found := look_at(run.pid)) else [])]
    for pid in victims:
        kill(pid, signal.SIGKILL)
    # A sandbox process may be replaced while the run goes on; a run that ends must leave nobody.
    if pick is not _any_child:
        left = wait_gone(everyone, within=5)
        assert left == []
        assert not is_running(folder)
    finish(run)
    assert wait_gone(everyone, within=5) == []
    settled = read_status(folder.root).results if folder.ledger.is_dir() else 0
    again = start_run(pipeline, folder.root)
    output = finish(again)
    assert again.returncode == 0, output
    assert dataset_bytes(folder.root) == wanted
    assert read_status(folder.root).results >= settled
    assert sorted(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("age", [0.0, 0.4], ids=["at-birth", "with-its-step"])
def test_a_young_worker_of_the_graph_that_dies_keeps_nobody_waiting(
    undisturbed: Undisturbed, tmp_path: Path, age: float
) -> None:
    """Its step may not have come to the engine yet, so no broken connection tells of it."""
    run = start_run(undisturbed.pipeline, tmp_path / "run")
    workers: list[Process] = []
    while len(workers) < 3:  # the graph, its queue server, a worker
        assert run.poll() is None
        workers = [found for found in descendants(run.pid) if "run.dag" in found.command]
    time.sleep(age)
    kill(workers[-1].pid, signal.SIGKILL)
    output = finish(run, within=200)
    assert run.returncode == 3, output
    again = start_run(undisturbed.pipeline, tmp_path / "run")
    assert "trajectories kept" in finish(again)
    assert dataset_bytes(tmp_path / "run") == undisturbed.dataset


@pytest.mark.slow
def test_ctrl_c_drains_and_says_how_to_go_on(undisturbed: Undisturbed, tmp_path: Path) -> None:
    pipeline, wanted = undisturbed.pipeline, undisturbed.dataset
    run = start_run(pipeline, tmp_path / "run")
    wait_for_share(undisturbed, run, tmp_path / "run", 0.3)
    below = descendants(run.pid)
    run.send_signal(signal.SIGINT)
    output = finish(run)
    assert run.returncode == 3, output
    assert "again" in output
    assert wait_gone(below, within=5) == []
    again = start_run(pipeline, tmp_path / "run")
    assert (finish(again), again.returncode)[1] == 0
    assert dataset_bytes(tmp_path / "run") == wanted


@pytest.mark.slow
def test_ctrl_c_twice_stops_at_once(undisturbed: Undisturbed, tmp_path: Path) -> None:
    pipeline = undisturbed.pipeline
    run = start_run(pipeline, tmp_path / "run")
    wait_for_share(undisturbed, run, tmp_path / "run", 0.3)
    below = descendants(run.pid)
    run.send_signal(signal.SIGINT)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    output = finish(run, within=30)
    assert run.returncode == 3, output
    assert wait_gone(below, within=5) == []


@pytest.mark.slow
def test_a_stopped_graph_step_is_noticed_or_the_run_ends(undisturbed: Undisturbed, tmp_path: Path) -> None:
    pipeline, wanted = undisturbed.pipeline, undisturbed.dataset
    run = start_run(pipeline, tmp_path / "run")
    wait_for_share(undisturbed, run, tmp_path / "run", 0.3)
    graph = [found for found in descendants(run.pid) if "run.dag" in found.command]
    if graph:
        kill(graph[-1].pid, signal.SIGTERM)
    finish(run)
    again = start_run(pipeline, tmp_path / "run")
    assert (finish(again), again.returncode)[1] == 0
    assert dataset_bytes(tmp_path / "run") == wanted


@pytest.mark.slow
def test_a_second_run_on_a_live_directory_refuses(undisturbed: Undisturbed, tmp_path: Path) -> None:
    pipeline = undisturbed.pipeline
    run = start_run(pipeline, tmp_path / "run")
    wait_for_share(undisturbed, run, tmp_path / "run", 0.005)
    second = start_run(pipeline, tmp_path / "run")
    output = finish(second)
    assert second.returncode == 2, output
    assert "is being run by" in output
    assert (finish(run), run.returncode)[1] == 0
