"""A terminal browser for the rows of a preview: one query a page, with all its samples and its verdicts.

Keys are read one by one from the terminal; everything is drawn by rich. Text of models and data is shown
as text only: no markup in it counts, and control characters are made visible.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.syntax import Syntax
from rich.text import Text

from datamind_gen.agent.protocol import parse
from datamind_gen.rows import Query, Trajectory, Turn, Verdict, make_id
from datamind_gen.run.watching import Case, End

ESCAPES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "next",
    b"\x1b[D": "previous",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b[H": "question",
    b"\x1b[F": "end",
}
LETTERS = {
    "n": "next",
    "p": "previous",
    "k": "up",
    "j": "down",
    " ": "page down",
    "b": "page up",
    "g": "question",
}
HELP = "arrows, k j, space b, g: scroll · 1-9: that sample · a part's letter: to the next one of it"
SHORT_HELP = "n p row · 1-9 sample · t turn · c code · o observation · v verdict · h help · q leave"


class Part(StrEnum):
    """What a key jumps to, by its first letter."""

    TURNS = "turns"
    CODE = "code"
    OBSERVATIONS = "observations"
    VERDICT = "verdict"


PARTS = {part.value[0]: part for part in Part}
Block = tuple[Part | None, RenderableType]
Line = tuple[Part | None, list[Segment]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is."""

    row: int = 0
    sample: int = 0
    top: int = 0


def print_cases(console: Console, cases: Sequence[Case]) -> None:
    """All rows one after another, for a pipe or a file."""
    for number, case in enumerate(cases):
        console.print(_header(case, Place(number), len(cases)))
        for sample in range(max(_count_samples(case), 1)):
            for part, block in _page(case, sample):
                if sample == 0 or part not in (None, Part.VERDICT):
                    console.print(block)
        console.print()


def browse(cases: Sequence[Case]) -> None:
    """Shows the rows until the reader leaves. Standard input and output are terminals."""
    console = Console()
    place, message = Place(), ""
    with _raw_keys() as descriptor, console.screen(hide_cursor=True) as screen:
        while True:
            lines = _render(console, cases[place.row], place.sample)
            room = max(console.height - 3, 1)
            place = replace(place, top=max(min(place.top, len(lines) - room), 0))
            screen.update(_draw(console, cases, place, lines, room, message))
            message = ""
            key = read_key(descriptor)
            if key in ("q", "\x03", "\x04", ""):
                return
            if key == "h":
                message = HELP
            place = move(place, key, cases, lines, room)


def move(place: Place, key: str, cases: Sequence[Case], lines: Sequence[Line], room: int) -> Place:
    """Where a key leads to."""
    action = LETTERS.get(key, key)
    if action in ("next", "previous"):
        row = place.row + (1 if action == "next" else -1)
        return Place(row) if 0 <= row < len(cases) else place
    if key.isdigit() and 0 < int(key) <= _count_samples(cases[place.row]):
        return Place(place.row, int(key) - 1)
    if key in PARTS:
        return replace(place, top=_find_part(lines, PARTS[key], after=place.top))
    steps = {
        "up": -1,
        "down": 1,
        "page up": -room,
        "page down": room,
        "question": -place.top,
        "end": len(lines),
    }
    return replace(place, top=max(place.top + steps.get(action, 0), 0))


def read_key(descriptor: int) -> str:
    """The next key, by name or as it is; empty at the end of the input."""
    first = os.read(descriptor, 1)
    if first != b"\x1b":
        return first.decode("latin-1")
    rest = b""
    while select.select([descriptor], [], [], 0.05)[0] and len(rest) < 8:
        rest += os.read(descriptor, 1)
        if first + rest in ESCAPES:
            return ESCAPES[first + rest]
    return "q" if not rest else "?"


@contextlib.contextmanager
def _raw_keys() -> Iterator[int]:
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _draw(
    console: Console, cases: Sequence[Case], place: Place, lines: Sequence[Line], room: int, message: str
) -> RenderableType:
    shown = Text()
    for _, line in lines[place.top : place.top + room]:
        for segment in line:
            shown.append(segment.text, segment.style)
        shown.append("\n")
    below = len(lines) - place.top - room
    foot = message or SHORT_HELP + (f" · {below} lines below" if below > 0 else "")
    shown.no_wrap, shown.overflow = True, "crop"
    return Group(
        _header(cases[place.row], place, len(cases)),
        shown,
        Text(foot, style="reverse", no_wrap=True, overflow="crop"),
    )


def _render(console: Console, case: Case, sample: int) -> list[Line]:
    lines: list[Line] = []
    for part, block in _page(case, sample):
        rendered = console.render_lines(block, console.options.update(height=None), pad=False)
        lines.extend((part if number == 0 else None, line) for number, line in enumerate(rendered))
    return lines


def _find_part(lines: Sequence[Line], part: Part, *, after: int) -> int:
    """The next line below where the part begins, from the top again where there is none."""
    starts = [number for number, (begins, _) in enumerate(lines) if begins is part]
    return next((start for start in starts if start > after), starts[0] if starts else after)


def _header(case: Case, place: Place, rows: int) -> RenderableType:
    title = f"row {place.row + 1} of {rows}  {case.category}  {case.format}  {case.hops} hops  {case.origin}"
    return Rule(Text(title, style="bold"), align="left", style="cyan")


def _page(case: Case, sample: int) -> Iterator[Block]:
    """Question, one sample, verdict. A part that is None belongs to the row, whatever the sample."""
    yield None, _question(case)
    ends = {end.id: end for end in case.ends}
    trajectories = case.group.trajectories if case.group is not None else ()
    of_samples = {make_id("candidate", trajectory.id) for trajectory in trajectories}
    for end in case.ends:
        if end.id not in of_samples:
            yield None, _end(end)
    if case.group is None:
        return
    for verdict in case.group.verdicts:
        yield Part.VERDICT, _verdict(verdict)
    trajectory = trajectories[sample]
    yield Part.TURNS, Rule(_sample_title(trajectory, sample, len(trajectories)), align="left", style="dim")
    for number, turn in enumerate(trajectory.turns, start=1):
        yield from _turn(turn, number)
    if trajectory.error:
        yield Part.TURNS, Text(plain(trajectory.error), style="red")
    end_of_sample = ends.get(make_id("candidate", trajectory.id))
    if end_of_sample is not None:
        yield Part.TURNS, _end(end_of_sample)


def _end(end: End) -> Text:
    why = f" at {end.stage}: {end.reason}" if end.reason else ""
    style = {"kept": "green", "rejected": "yellow"}.get(end.status.value, "red")
    return Text(f"{end.status}{why}  {plain(end.detail)}", style=style)


def _question(case: Case) -> RenderableType:
    if case.query is None:
        return Text("no question was written", style="red")
    query: Query = case.query
    parts: list[RenderableType] = [Text(plain(query.question), style="bold")]
    if len(query.hops) > 1:
        parts.extend(
            Text(f"  {number}. {plain(hop.question)}", style="dim")
            for number, hop in enumerate(query.hops, start=1)
        )
    if query.reference is not None:
        parts.append(Text(f"reference: {plain(query.reference.text)}", style="green"))
    return Group(*parts)


def _sample_title(trajectory: Trajectory, sample: int, samples: int) -> Text:
    again = f", after reflection {trajectory.round}" if trajectory.round else ""
    said = f"sample {sample + 1} of {samples}{again}: {trajectory.stop}, {len(trajectory.turns)} turns"
    faults = f"; planted: {', '.join(trajectory.faults)}" if trajectory.faults else ""
    return Text(said + faults)


def _turn(turn: Turn, number: int) -> Iterator[Block]:
    parsed = parse(turn.text)
    if parsed.problems:
        yield Part.TURNS, Text(f"turn {number}\n{plain(turn.text)}", style="yellow")
    else:
        thought = plain(parsed.thought or "")
        yield Part.TURNS, Text.assemble((f"turn {number}  ", "bold"), (thought, "italic"))
    if parsed.code is not None:
        language = "sql" if parsed.code.lstrip()[:6].upper() in ("SELECT", "WITH A") else "python"
        code = Syntax(
            plain(parsed.code), language, theme="ansi_dark", background_color="default", word_wrap=True
        )
        yield Part.CODE, Padding(code, (0, 0, 0, 4))
    if turn.observation is not None:
        style = "dim" if turn.status in (None, "ok") else "red"
        yield Part.OBSERVATIONS, Padding(Text(plain(turn.observation), style=style), (0, 0, 0, 4))
    if parsed.answer is not None:
        yield Part.TURNS, Text(f"answer: {plain(parsed.answer)}", style="bold")


def _verdict(verdict: Verdict) -> RenderableType:
    if verdict.error:
        return Text(f"the judge failed: {plain(verdict.error)}", style="red")
    agreeing = ", ".join(str(index + 1) for index in verdict.agreeing)
    said = f"samples {agreeing} agree" if verdict.agree else "the samples do not agree"
    best = f", {verdict.best + 1} is best" if verdict.best is not None else ""
    head = Text(f"verdict by {verdict.method}: {said}{best}", style="green" if verdict.agree else "yellow")
    return Group(head, Padding(Text(plain(verdict.reasoning), style="dim"), (0, 0, 0, 4)))


def _count_samples(case: Case) -> int:
    return len(case.group.trajectories) if case.group is not None else 0


def plain(text: str) -> str:
    """Text of models and data without what would steer the terminal."""
    return "".join(
        char if char in "\n\t" or char.isprintable() else f"\\x{ord(char):02x}" for char in text.rstrip()
    )
