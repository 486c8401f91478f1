"""The run on a Ray cluster of several node processes: same rows, and a lost node loses nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.run.pipelines import Undisturbed, dataset_bytes
from tests.run.processes import descendants, finish, kill, start_run

pytest.importorskip("ray", reason="Ray is not installed: pip install 'datamind-gen[ray]'")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes on this machine; the run is on the first."""
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for number in (2, 3):
        cluster.add_node(num_cpus=1, node_ip_address=f"127.0.0.{number}")
    yield cluster
    cluster.shutdown()


def test_on_ray_the_rows_are_the_same(undisturbed: Undisturbed, cluster: Any, tmp_path: Path) -> None:
    run = start_run(undisturbed.pipeline, tmp_path / "run", "--ray", cluster.address)
    output = " ".join(finish(run).split())
    assert run.returncode == 0, output
    for number in (2, 3):
        assert f"an engine on node 127.0.0.{number}-" in output
    assert "lost the engine" not in output
    assert dataset_bytes(tmp_path / "run") == undisturbed.dataset


def test_a_killed_node_loses_nothing(undisturbed: Undisturbed, cluster: Any, tmp_path: Path) -> None:
    ledger = tmp_path / "run" / "ledger"
    run = start_run(undisturbed.pipeline, tmp_path / "run", "--ray", cluster.address)
    while run.poll() is None and len(list(ledger.glob("*.segment"))) < 3:
        time.sleep(0.05)
    raylet = next(node for node in cluster.worker_nodes if node.node_ip_address == "127.0.0.2")
    node = raylet.all_processes["raylet"][0].process.pid
    for pid in (node, *(found.pid for found in descendants(node))):  # as a machine goes: all of it at once
        kill(pid, signal.SIGKILL)
    output = " ".join(finish(run).split())
    assert run.returncode in (0, 3), output
    assert "lost the engine on node 127.0.0.2-" in output
    if run.returncode == 3:
        run = start_run(undisturbed.pipeline, tmp_path / "run", "--ray", cluster.address)
        assert (finish(run), run.returncode)[1] == 0
    assert dataset_bytes(tmp_path / "run") == undisturbed.dataset
