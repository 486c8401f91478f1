"""The graph: the stages as a distilabel pipeline, one named step each.

Run as `python -m datamind_gen.run.dag SOCKET LOG PARENT`, by the supervisor. distilabel holds the graph and
moves the batches; the work is done by the engine behind the socket. Rows stream past the batch barrier:
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

from distilabel.pipeline import Pipeline
from distilabel.steps import GeneratorStep, Step, StepInput

from datamind_gen.rows import Stage
from datamind_gen.run.envelope import COLUMNS
from datamind_gen.run.guard import bind_children, die_with
from datamind_gen.run.wire import StepClient, Verb

if TYPE_CHECKING:
    from distilabel.typing import GeneratorStepOutput, StepOutput

BATCH = 128
FILLER = dict.fromkeys(COLUMNS, "")
SOURCE = "source"
SINK = "publish"
STEPS = tuple(stage.value for stage in Stage if stage is not Stage.PUBLISH)

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


class Graph(Pipeline):
    """distilabel's local pipeline without the state that it writes after every batch."""

    @property
    def _cache_location(self) -> Any:
        location = self.__dict__.get("_where")
        if location is None:
            location = self.__dict__["_where"] = super()._cache_location
        return location

    def _cache(self) -> None:
        return


def build_graph(socket: str, cache_dir: str) -> Graph:
    """The stages as a distilabel pipeline: source, one step a stage, sink."""
    graph = Graph(name="datamind_gen", cache_dir=cache_dir)
    with graph:
        previous: Any = SourceStep(name=SOURCE, socket=socket, batch_size=BATCH)
        for name in STEPS:
            step = StageStep(name=name, socket=socket, input_batch_size=BATCH)
            previous >> step
            previous = step
        previous >> SinkStep(name=SINK, socket=socket, input_batch_size=BATCH)
    return graph


def watch_manager(graph: Graph) -> None:
    """Ends the process when distilabel's queue server dies: without it every step waits for ever."""

    def watch() -> None:
        pause = threading.Event()
        while not pause.wait(0.5):
            manager = getattr(graph, "_manager", None)
            server = getattr(manager, "_process", None)
            if server is not None and not server.is_alive():
                os._exit(70)

    threading.Thread(target=watch, daemon=True).start()


def main(socket: str, log: str, parent: int) -> int:
    die_with(parent)
    bind_children()
    os.environ.setdefault("DISTILABEL_LOG_LEVEL", "WARNING")
    handler = logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    with tempfile.TemporaryDirectory(prefix="datamind-graph-") as cache_dir:
        graph = build_graph(socket, cache_dir)
        watch_manager(graph)
        graph.run(use_cache=False, logging_handlers=[handler])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
