"""Who is on the way: counts rows between the source and the sink, wave after wave.

Both movers of rows (the distilabel graph and the local one) take every row through `step` and hand what
comes out of the last stage to `deliver`. When nothing is on the way any more the wave is over;
`next_sources` then says what enters next, or that there is nothing more to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from datamind_gen.rows import DataFile, Stage, Status, encode
from datamind_gen.run.delivered import Delivered
from datamind_gen.run.engine import Engine
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.stopping import Draining, StopCause, StopKind

logger = logging.getLogger(__name__)


class Traffic:
    """Rows on the way. One event loop's; not thread-safe."""

    def __init__(self, engine: Engine, files: Sequence[DataFile]) -> None:
        self.engine = engine
        self.files = tuple(sorted(files, key=lambda file: file.id))
        self.delivered = Delivered(engine.ledger.folder)
        self.undone = 0
        """Rows that a stop left where they were."""
        self.wave = 0
        self._salvaged = 0
        self._live = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def next_sources(self) -> list[Envelope] | None:
        """Waits until nothing is on the way, and gives what enters next; None when all is done."""
        await self._idle.wait()
        self.engine.crew.epoch += 1
        if self.engine.stop is not None:
            return None
        again = self._salvage()
        if again:
            return self._enter(again)
        if self.wave == 0:
            self.engine.expect_files(len(self.files))
            entering = self.files
        else:
            if not await self.engine.waves.start_next(self.wave, self.delivered):
                return None
            entering = tuple(file for file in self.files if file.id in self.engine.profiles)
        self.wave += 1
        self._salvaged = 0
        return self._enter([(self.wave, file) for file in entering])

    def _salvage(self) -> list[tuple[int, DataFile]]:
        """The files of this wave whose rows failed and may be mended: they go through once more.

        What is recorded is taken from the ledger; only what failed is tried again.
        """
        places = sorted(set(self.engine.to_salvage.values()))
        if not places or self._salvaged >= self.engine.spec.run.salvage_rounds:
            return []
        self._salvaged += 1
        logger.info("salvage round %d: %d rows", self._salvaged, len(self.engine.to_salvage))
        self.engine.to_salvage.clear()
        for wave, file in places:
            self.delivered.forget(wave, file)
        by_id = {file.id: file for file in self.files}
        return [(wave, by_id[file]) for wave, file in places]

    def _enter(self, entering: Sequence[tuple[int, DataFile]]) -> list[Envelope] | None:
        if not entering:
            return None
        self._live += len(entering)
        self._idle.clear()
        return [
            Envelope(
                id=file.id,
                file=file.id,
                wave=wave,
                stage=Stage.READ,
                status=Status.KEPT,
                payload=encode(file),
            )
            for wave, file in entering
        ]

    async def step(self, stage: Stage, envelope: Envelope) -> list[Envelope]:
        """Takes one row through one stage; a row that a stop leaves undone yields nothing."""
        try:
            outputs = await self.engine.process(stage, envelope)
        except Draining:
            self.undone += 1
            outputs = []
        except Exception as error:
            # Not a row's fault but ours: a row lost in silence would leave the run waiting for it.
            logger.exception("%s of %s", stage, envelope.id)
            self.engine.request_stop(StopCause(StopKind.BUG, f"{type(error).__name__}: {error}"))
            self.undone += 1
            outputs = []
        self._count(len(outputs) - 1)
        return outputs

    def deliver(self, envelope: Envelope) -> None:
        """Takes a row out at the end."""
        try:
            self.delivered.put(envelope)
        except OSError as error:
            self.engine.stop_for_disk(error)
            self.undone += 1
        self._count(-1)

    def _count(self, change: int) -> None:
        self._live += change
        if self._live == 0:
            self._idle.set()
