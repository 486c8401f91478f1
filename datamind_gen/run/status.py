"""How far a run is, read from its directory alone: works beside a live run and after its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import portalocker

from datamind_gen.ledger import Ledger, RecordKind
from datamind_gen.ledger.funnel import Funnel
from datamind_gen.rows import decode, dump_json, encode
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.records import last_run
from datamind_gen.run.tables import coverage_table, funnel_table, open_console


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What a run directory says of its run."""

    run: str
    state: str
    """running, finished, stopped, or failed; `stopped` can be resumed."""
    message: str
    starts: int
    started: float | None
    """Of the last start, seconds since the epoch."""
    results: int
    """Settled results in the ledger, of all configurations that it has seen."""
    replies: int
    """Recorded model replies."""
    retryable: int
    """Failures that running again may mend."""
    kept: int
    funnel: Funnel | None
    dataset: str | None


def read_status(run: Path) -> RunStatus:
    """The status of a run directory."""
    folder = RunFolder(run)
    ledger = Ledger.read(folder.ledger)
    try:
        record = last_run(ledger)
        funnel, state, message = read_funnel(folder)
        if is_running(folder):
            state, message = "running", ""
        return RunStatus(
            run=str(run),
            state=state,
            message=message,
            starts=record.number if record else 0,
            started=record.started if record else None,
            results=ledger.count(RecordKind.RESULT),
            replies=ledger.count(RecordKind.REPLY),
            retryable=ledger.count_unsettled(),
            kept=funnel.kept if funnel else 0,
            funnel=funnel,
            dataset=str(folder.dataset) if folder.dataset.is_dir() else None,
        )
    finally:
        ledger.close()


def read_funnel(folder: RunFolder) -> tuple[Funnel | None, str, str]:
    """The funnel last written, with the state and message beside it."""
    if not folder.funnel.is_file():
        return None, "stopped", "no start of it has ended yet"
    plain = json.loads(folder.funnel.read_text("utf-8"))
    return decode(Funnel, dump_json(plain["funnel"])), plain["state"], plain["message"]


def is_running(folder: RunFolder) -> bool:
    """Whether some process holds the run's lock."""
    path = folder.ledger / "lock"
    if not path.exists():
        return False
    with path.open("r+", encoding="utf-8") as lock:
        try:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.exceptions.LockException:
            return True
        portalocker.unlock(lock)
    return False


def print_status(status: RunStatus, *, as_json: bool) -> None:
    """For people, or as one JSON object."""
    if as_json:
        print(encode(status))
        return
    console = open_console()
    console.print(f"[bold]{status.run}[/bold]: {status.state}  {status.message}")
    console.print(
        f"{status.starts} starts, {status.results:,} results and {status.replies:,} replies recorded, "
        f"{status.retryable:,} failures to try again"
    )
    if status.funnel is not None:
        console.print(funnel_table(status.funnel))
        console.print(coverage_table(status.funnel))
