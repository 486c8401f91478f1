"""What the terminal shows while a run goes on: a live table, or plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from datamind_gen.models.usage import ModelUsage
from datamind_gen.run.events import Snapshot
from datamind_gen.spec.running import Display as DisplayMode

PLAIN_SECONDS = 10.0
WINDOW_SECONDS = 60.0


class Display(Protocol):
    """Shows snapshots and sentences; a context manager around the run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, snapshot: Snapshot) -> None: ...

    def note(self, text: str) -> None: ...


def make_display(mode: DisplayMode, console: Console) -> Display:
    """The display that the user wants; `auto` is live in a terminal and plain elsewhere."""
    if mode is DisplayMode.NONE:
        return SilentDisplay()
    if mode is DisplayMode.LIVE or (mode is DisplayMode.AUTO and console.is_terminal):
        return LiveDisplay(console)
    return PlainDisplay(console)


class SilentDisplay:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def update(self, snapshot: Snapshot) -> None:
        return

    def note(self, text: str) -> None:
        return


class PlainDisplay(SilentDisplay):
    """A line every ten seconds, and one for every note."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0.0
        self._pace = Pace()

    def update(self, snapshot: Snapshot) -> None:
        self._pace.add(snapshot)
        if time.monotonic() - self._shown < PLAIN_SECONDS:
            return
        self._shown = time.monotonic()
        stages = "  ".join(
            f"{state.stage} {state.kept}" + (f"+{state.running}" if state.running else "")
            for state in snapshot.stages
        )
        line = f"{stages}  | {_progress(snapshot)}  {self._pace.describe(snapshot)}"
        self._console.print(line, soft_wrap=True, highlight=False)

    def note(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


class LiveDisplay(SilentDisplay):
    """A table that follows the run, stage by stage."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._pace = Pace()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, snapshot: Snapshot) -> None:
        self._pace.add(snapshot)
        parts: list[Table | Text] = [_stage_table(snapshot), Text(self._line(snapshot), style="bold")]
        used = [model for model in snapshot.models if model.calls or model.in_flight or model.waiting]
        if used:
            parts.append(_model_table(used))
        parts.extend(Text(f"last error: {error[:160]}", style="red") for error in snapshot.errors[-1:])
        self._live.update(Group(*parts))

    def note(self, text: str) -> None:
        self._live.console.print(text, highlight=False)

    def _line(self, snapshot: Snapshot) -> str:
        return f"wave {snapshot.wave}  {_progress(snapshot)}  {self._pace.describe(snapshot)}"


class Pace:
    """Rows a second over the last minute, and the time left by what was kept in the last quarter of the run:
    rows are kept in bursts, a batch or a wave at a time."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int, int]] = deque()
        self._started = time.monotonic()

    def add(self, snapshot: Snapshot) -> None:
        now = time.monotonic()
        self._points.append((now, snapshot.kept, snapshot.reused + snapshot.worked))
        window = max(WINDOW_SECONDS, (now - self._started) / 4)
        while now - self._points[0][0] > window:
            self._points.popleft()

    def describe(self, snapshot: Snapshot) -> str:
        text = f"{_clock(time.monotonic() - self._started)} elapsed"
        start, kept, _ = self._points[0]
        now, kept_now, rows_now = self._points[-1]
        if now - start < 2:
            return text
        minute, _, rows = next(point for point in self._points if now - point[0] <= WINDOW_SECONDS)
        text += f", {(rows_now - rows) / max(now - minute, 1):.1f} rows/s"
        rate = (kept_now - kept) / (now - start)
        if rate > 0 and snapshot.kept < snapshot.target:
            text += f", about {_clock((snapshot.target - snapshot.kept) / rate)} left"
        return text


def _progress(snapshot: Snapshot) -> str:
    if snapshot.limit is not None:
        return f"{snapshot.kept} kept of {snapshot.target} at most (--limit {snapshot.limit})"
    return f"{snapshot.kept} kept of {snapshot.target} wanted"


def _stage_table(snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("stage", "unit", "queued", "running", "kept", "rejected", "failed"):
        table.add_column(name, justify="left" if name in ("stage", "unit") else "right")
    for state in snapshot.stages:
        table.add_row(
            Text(state.stage, style="bold cyan" if state.running else ""),
            Text(state.unit, style="dim"),
            _count(state.queued, ""),
            _count(state.running, "cyan"),
            _count(state.kept, "green"),
            _count(state.rejected, "yellow"),
            _count(state.failed, "red"),
        )
    return table


def _model_table(models: list[ModelUsage]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("model", "in flight", "waiting", "calls", "tokens in", "tokens out", "cost"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for model in models:
        cost = "unknown" if model.usd is None else f"${model.usd:.2f}"
        table.add_row(
            model.model,
            f"{model.in_flight}/{model.limit}",
            str(model.waiting),
            f"{model.calls:,}",
            f"{model.prompt_tokens:,}",
            f"{model.completion_tokens:,}",
            cost,
        )
    return table


def _count(number: int, style: str) -> Text:
    return Text(f"{number:,}" if number else "·", style=style if number else "dim")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
