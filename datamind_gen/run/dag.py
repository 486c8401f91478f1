"""The graph: the stages as a distilabel pipeline, one named step each.

Run as `python -m datamind_gen.run.dag SOCKET LOG PARENT [RAY]`, by the supervisor. distilabel holds the graph
and moves the batches; the work is done by the engine behind the socket. Rows stream past the batch barrier:
a step hands in what came and yields what has finished, and ticks from the source keep rows moving.
Batches are filled up to a multiple of the batch size with empty rows, so that no row waits for others
to fill its batch.

distilabel's cache is off, and so is the copy of its state that it writes after every batch: the ledger
is what a run resumes from. (No `from __future__ import annotations` here: it hides StepInput from
distilabel 1.5.3.)
"""

import logging
import os
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from distilabel.pipeline import local
from distilabel.pipeline.base import BasePipeline
from distilabel.pipeline.ray import RayPipeline
from distilabel.steps import GeneratorStep, Step, StepInput, StepResources

from datamind_gen.rows import Stage, decode
from datamind_gen.run.envelope import COLUMNS
from datamind_gen.run.guard import bind_children, die_with
from datamind_gen.run.node_wire import Enlistment
from datamind_gen.run.stopping import NO_CLUSTER
from datamind_gen.run.wire import StepClient, Verb

if TYPE_CHECKING:
    from distilabel.typing import GeneratorStepOutput, StepOutput

BATCH = 128
FILLER = dict.fromkeys(COLUMNS, "")
SOURCE = "source"
SINK = "publish"
STEPS = tuple(stage.value for stage in Stage if stage is not Stage.PUBLISH)

POOL_RUNS = "RUN"
"""A pool's state until it is told to end."""

Rows = list[dict[str, Any]]


def fill(rows: Rows) -> Rows:
    """The rows and as many empty ones as make whole batches, at least one batch."""
    missing = -len(rows) % BATCH if rows else BATCH
    return [*rows, *[FILLER] * missing]


def real(rows: Rows) -> Rows:
    return [{name: row[name] for name in COLUMNS} for row in rows if row["id"]]


class SourceStep(GeneratorStep):
    """Yields what enters the graph: files, wave after wave, and ticks in between."""

    socket: str

    @property
    def outputs(self) -> list[str]:
        return list(COLUMNS)

    def process(self, offset: int = 0) -> "GeneratorStepOutput":
        client = StepClient(self.socket, SOURCE)
        while True:
            reply = client.call(Verb.NEXT)
            if reply.end:
                client.close()
                yield fill([]), True
                return
            yield fill(reply.rows), False


class StageStep(Step):
    """One stage: hands rows to the engine, and yields the ones that it has finished."""

    socket: str
    _client: Any = None

    def load(self) -> None:
        super().load()
        self._client = StepClient(self.socket, self.name)

    def unload(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        super().unload()

    @property
    def inputs(self) -> list[str]:
        return list(COLUMNS)

    @property
    def outputs(self) -> list[str]:
        return list(COLUMNS)

    def process(self, inputs: StepInput) -> "StepOutput":
        yield fill(self._client.call(Verb.EXCHANGE, real(inputs)).rows)


class SinkStep(StageStep):
    """Hands rows out of the graph; the engine publishes them when the last one is in."""

    def process(self, inputs: StepInput) -> "StepOutput":
        rows = real(inputs)
        if rows:
            self._client.call(Verb.DELIVER, rows)
        yield [FILLER]


class Stateless(BasePipeline):
    """A pipeline of distilabel's without the state that it writes after every batch."""

    @property
    def _cache_location(self) -> Any:
        location = self.__dict__.get("_where")
        if location is None:
            location = self.__dict__["_where"] = super()._cache_location
        return location

    def _cache(self) -> None:
        return


class Workers(local._NoDaemonPool):
    """distilabel's pool, which remembers whom it began with: it replaces a worker that dies, but not the lock
    on the steps' queue, which one that dies while it waits for a step takes with it."""

    def _repopulate_pool(self) -> None:
        super()._repopulate_pool()
        self.first = tuple(self._pool)

    def has_lost_one(self) -> bool:
        """Whether one has died, and not because the pool was told to end."""
        return self._state == POOL_RUNS and any(worker.exitcode is not None for worker in self.first)


class Graph(Stateless, local.Pipeline):
    """The graph as processes on this machine."""

    def run(self, **settings: Any) -> Any:
        local._NoDaemonPool = Workers
        return super().run(**settings)

    def has_lost_a_worker(self) -> bool:
        """Whether a worker of its pool has died; there is no pool before it runs."""
        pool = getattr(self, "_pool", None)
        return isinstance(pool, Workers) and pool.has_lost_one()


class RayGraph(Stateless, RayPipeline):
    """The graph as actors on a Ray cluster."""

    @property
    def QueueClass(self) -> Any:
        from datamind_gen.run.ray_cluster import queue_here

        return queue_here


def build_graph(socket: str, cache_dir: str, *, node: dict[str, float] | None = None) -> Graph | RayGraph:
    """The stages as a distilabel pipeline: source, one step a stage, sink.

    `node`: on Ray, what an actor asks for to be placed on the node of the socket.
    """
    kind = Graph if node is None else RayGraph
    place = StepResources()
    if node is not None:  # unchecked: distilabel knows whole cores only, Ray none and parts as well
        place = StepResources.model_construct(cpus=0, gpus=None, memory=None, replicas=1, resources=node)
    graph = kind(name="datamind_gen", cache_dir=cache_dir)
    with graph:
        previous: Any = SourceStep(name=SOURCE, socket=socket, batch_size=BATCH, resources=place)
        for name in STEPS:
            step = StageStep(name=name, socket=socket, input_batch_size=BATCH, resources=place)
            previous >> step
            previous = step
        previous >> SinkStep(name=SINK, socket=socket, input_batch_size=BATCH, resources=place)
    return graph


def join_cluster(socket: str, address: str) -> dict[str, float]:
    """Joins the Ray cluster and has engines started on its other nodes; what places an actor on this one."""
    from datamind_gen.run import ray_cluster

    try:
        here = ray_cluster.connect(address)
    except ray_cluster.Unreachable as error:
        print(f"no Ray cluster at {address}: {error}", file=sys.stderr)
        sys.exit(NO_CLUSTER)
    client = StepClient(socket, "ray")
    enlistment = client.call(Verb.GATHER, [{"address": here}]).rows[0]["enlistment"]
    client.close()
    ray_cluster.Enlister(decode(Enlistment, enlistment)).start()
    return ray_cluster.resources_here()


def watch_processes(graph: Graph | RayGraph) -> None:
    """Ends the process when distilabel's queue server dies, without which every step waits for ever, or a
    worker of its pool, which the pool would replace by one that has no step to do.
    """

    def watch() -> None:
        pause = threading.Event()
        while not pause.wait(0.5):
            server = getattr(getattr(graph, "_manager", None), "_process", None)
            if server is not None and not server.is_alive():
                os._exit(70)
            if isinstance(graph, Graph) and graph.has_lost_a_worker():
                os._exit(70)

    threading.Thread(target=watch, daemon=True).start()


def main(socket: str, log: str, parent: int, address: str | None = None) -> int:
    die_with(parent)
    bind_children()
    os.environ.setdefault("DISTILABEL_LOG_LEVEL", "WARNING")
    handler = logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    node = join_cluster(socket, address) if address is not None else None
    with tempfile.TemporaryDirectory(prefix="datamind-graph-") as cache_dir:
        graph = build_graph(socket, cache_dir, node=node)
        watch_processes(graph)
        graph.run(use_cache=False, logging_handlers=[handler])
    return 0


if __name__ == "__main__":
    from datamind_gen.run import dag  # by its name, under which Ray's workers find the steps

    sys.exit(dag.main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
