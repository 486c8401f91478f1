"""How far a run is, from the engine's tallies."""

from __future__ import annotations

import asyncio

from datamind_gen.ledger.funnel import Tally
from datamind_gen.rows import Stage, Status
from datamind_gen.run.engine import Engine
from datamind_gen.run.events import Snapshot, StageState
from datamind_gen.run.server import StepServer
from datamind_gen.run.traffic import Traffic


def take_snapshot(engine: Engine, traffic: Traffic, server: StepServer | None) -> Snapshot:
    """The live table's figures."""
    waiting = server.waiting_since if server is not None else None
    stalled = asyncio.get_running_loop().time() - waiting if waiting is not None else 0.0
    wanted, allowed = engine.spec.coverage.target, engine.waves.kept_at_most
    return Snapshot(
        wave=traffic.wave,
        planned=engine.waves.planned,
        kept=engine.tallies[Stage.FILTER].total(Status.KEPT),
        target=wanted if allowed is None else min(wanted, allowed),
        reused=engine.reused.total(),
        worked=engine.worked.total(),
        stages=tuple(_state(tally) for tally in engine.tallies.values()),
        models=engine.crew.usage(),
        errors=tuple(engine.recent_errors),
        stalled_s=stalled,
        limit=engine.waves.limit if allowed is not None and allowed < wanted else None,
    )


def _state(tally: Tally) -> StageState:
    return StageState(
        stage=tally.stage.value,
        unit=tally.unit,
        queued=tally.queued,
        running=tally.running,
        kept=tally.total(Status.KEPT),
        rejected=tally.total(Status.REJECTED),
        failed=tally.total(Status.FAILED),
    )
