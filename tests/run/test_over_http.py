"""Whole runs against an endpoint over real HTTP, killed, locked out and measured: nothing is asked twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamind_gen.ledger import Ledger, RecordKind
from datamind_gen.run.folder import RunFolder
from tests.models.server import Plan, ServerProcess
from tests.run.over_http import write_pipeline_over_http
from tests.run.pipelines import dataset_bytes
from tests.run.processes import ROOT, descendants, finish, kill, start_run, wait_gone

IN_FLIGHT = 8
VICTIMS = ("the tree", "run.host", "any child")


def victims_of(run: subprocess.Popen[str], wanted: str) -> list[int]:
    """The processes to kill, by what a test calls them."""
    below = descendants(run.pid)
    if wanted == "the tree":
        return [run.pid, *(found.pid for found in below)]
    if wanted == "any child":
        return [random.choice(below).pid]
    return [found.pid for found in below if wanted in found.command][:1]


def wait_for_replies(server: ServerProcess, run: subprocess.Popen[str], count: int) -> None:
    """Until the endpoint has sent so many, or the run is over."""
    while server.stats["completed"] < count and run.poll() is None:
        time.sleep(0.02)


@pytest.mark.slow
def test_kill_9_of_anything_asks_again_at_most_what_was_in_flight(tmp_path: Path) -> None:
    with ServerProcess(Plan(acts=True, mean_s=0.03)) as server:
        pipeline = write_pipeline_over_http(tmp_path / "p.yaml", server.url, concurrency=IN_FLIGHT)
        undisturbed = start_run(pipeline, tmp_path / "undisturbed")
        output = finish(undisturbed)
        assert undisturbed.returncode == 0, output
        wanted, replies = dataset_bytes(tmp_path / "undisturbed"), server.stats["distinct"]
        server.kill()
        server.start()
        for number, victim in enumerate(VICTIMS, start=1):
            run = start_run(pipeline, tmp_path / "run")
            wait_for_replies(server, run, number * replies // (len(VICTIMS) + 1))
            below = descendants(run.pid)
            for pid in victims_of(run, victim):
                kill(pid, signal.SIGKILL)
            finish(run)
            assert wait_gone(below, within=5) == []
        last = start_run(pipeline, tmp_path / "run")
        output = finish(last)
        assert last.returncode == 0, output
        stats = server.stats
    assert dataset_bytes(tmp_path / "run") == wanted
    assert stats["distinct"] == replies
    assert stats["duplicates"] <= len(VICTIMS) * IN_FLIGHT, "more was asked again than had been in flight"


@pytest.mark.slow
def test_a_key_revoked_halfway_stops_the_run_says_so_and_is_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-a-secret-that-nobody-may-see-0123456789"
    monkeypatch.setenv("OVER_HTTP_KEY", secret)
    with ServerProcess(Plan(acts=True, mean_s=0.01, key=secret, revoke_after=60)) as server:
        pipeline = write_pipeline_over_http(tmp_path / "p.yaml", server.url, key_env="OVER_HTTP_KEY")
        run = start_run(pipeline, tmp_path / "run")
        said = finish(run)
        assert run.returncode == 3, said
        assert "Incorrect API key provided: ***" in " ".join(said.split()), said
        came, port = server.stats["completed"], server.port
    with ServerProcess(Plan(acts=True, key=secret), port=port) as server:
        again = start_run(pipeline, tmp_path / "run")
        said += finish(again)
        assert again.returncode == 0, said
        asked = server.stats["completed"]
    with Ledger.read(RunFolder(tmp_path / "run").ledger) as ledger:
        recorded = {kind: list(ledger.payloads(kind)) for kind in RecordKind}
    assert len(recorded[RecordKind.REPLY]) == came + asked, "a reply that had come was asked for again"
    assert secret not in said
    assert not any(secret in text for texts in recorded.values() for text in texts)
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


@pytest.mark.slow
def test_what_a_plan_measured_the_run_does_not_ask_again(tmp_path: Path) -> None:
    with ServerProcess(Plan(acts=True)) as server:
        pipeline = write_pipeline_over_http(tmp_path / "p.yaml", server.url)
        command = [sys.executable, "-m", "datamind_gen", "plan", str(pipeline), "--measure", "4", "--json"]
        command += ["--out", str(tmp_path / "run"), "--set", "models.expert.prices={input: 1, output: 2}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ))
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)
        measured = server.stats["completed"]
        assert plan["forecast"]["measured"] == 4
        assert plan["paid"] == measured > 0
        assert plan["unpriced"] == ["tiny"], "the judge has no price of its own"
        assert plan["forecast"]["usd"] is None
        expert = next(role for role in plan["forecast"]["roles"] if role["role"] == "expert")
        assert 0 < expert["usd"]["low"] < expert["usd"]["high"]
        assert not (tmp_path / "run" / "dataset").exists(), "a plan publishes nothing"
        run = start_run(pipeline, tmp_path / "run")
        output = finish(run)
        assert run.returncode == 0, output
        stats = server.stats
    assert stats["duplicates"] == 0
    calls = plan["forecast"]["calls"]
    assert calls["low"] <= stats["completed"] <= calls["high"]
