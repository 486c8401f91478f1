"""The run's place on a Ray cluster: the graph's actors stay on this node, each other node gets an engine.

The steps are thin and talk to this node's engine, so any other node can be lost without the graph
noticing. An actor pinned to each node holds that node's engine, a process of its own (`node.py`); it joins
the run's engine over TCP. Nodes that come later get one too.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.queue import Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from datamind_gen.rows import encode
from datamind_gen.run.node_wire import Enlistment
from datamind_gen.run.stopping import ExitCode

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
MOST_STARTS = 3
"""How often an engine is started on a node that is alive but loses it."""
SLIVER = 0.0001
"""Of a node's own resource: pins an actor there, and leaves room for thousands."""


class Unreachable(Exception):
    """There is no cluster at the address."""


def connect(address: str) -> str:
    """Joins the cluster; this node's address there. Raises Unreachable."""
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise Unreachable(str(error)) from error
    here: str = ray.util.get_node_ip_address()
    return here


def resources_here() -> dict[str, float]:
    """What an actor asks for to be placed on this node."""
    return {f"node:{ray.util.get_node_ip_address()}": SLIVER}


def queue_here(*, actor_options: dict[str, Any]) -> Queue:
    """distilabel's queue, on this node and taking no core of it."""
    return Queue(actor_options={**actor_options, "num_cpus": 0, "resources": resources_here()})


class Keeper:
    """Holds the engine of one node: an actor there, and the engine's parent."""

    def run(self, enlistment: str) -> int:
        """Runs an engine to its end; its exit code."""
        engine = subprocess.Popen(
            [sys.executable, "-m", "datamind_gen.run.node"], stdin=subprocess.PIPE, text=True
        )
        assert engine.stdin is not None
        engine.stdin.write(enlistment + "\n")
        engine.stdin.flush()
        return engine.wait()


class Enlister:
    """Has an engine on every node of the cluster but this one."""

    def __init__(self, enlistment: Enlistment) -> None:
        self._enlistment = enlistment
        self._here = ray.get_runtime_context().get_node_id()
        self._starts: Counter[str] = Counter()
        self._running: dict[Any, tuple[str, Any]] = {}
        """The node and the keeper, by the result to come."""

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
            served = {node for node, _ in self._running.values()} | {self._here}
            for id in alive.keys() - served:
                if self._starts[id] < MOST_STARTS:
                    self._enlist(id, alive[id])
            if self._running:
                ended, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
                for result in ended:
                    self._note_end(result)

    def _enlist(self, id: str, node: dict[str, Any]) -> None:
        self._starts[id] += 1
        name = f"{node['NodeManagerAddress']}-{id[:6]}"
        keeper = (
            ray.remote(Keeper)
            .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(id, soft=False))
            .remote()
        )
        result = keeper.run.remote(encode(replace(self._enlistment, node=name)))
        self._running[result] = (id, keeper)

    def _note_end(self, result: Any) -> None:
        id, _ = self._running.pop(result)
        try:
            code = ray.get(result)
        except RayError as error:
            logger.warning("node %s: %s", id, error)
            return
        logger.warning("the engine on node %s ended with code %s", id, code)
        if code == ExitCode.BAD_INPUT:
            self._starts[id] = MOST_STARTS
