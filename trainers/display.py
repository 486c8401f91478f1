"""What a person sees: a progress bar, and sequences with their trained tokens coloured."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from rich import progress as bar
from rich.console import Console
from rich.text import Text

from trainers.tokens import TokenSequence


@contextlib.contextmanager
def progress(name: str, total: int, done: int, *, show: bool) -> Iterator[Callable[..., None]]:
    """A bar in a terminal; elsewhere a line after the first step and every twentieth of the way.

    Both say how long the rest will take. Yields what advances it.
    """
    console = Console(stderr=True)
    if not show:
        yield lambda **_: None
    elif not console.is_terminal:
        yield _Lines(name, total, done, console).advance
    else:
        pace = (bar.MofNCompleteColumn(), bar.TimeElapsedColumn(), bar.TimeRemainingColumn())
        said = bar.TextColumn("{task.fields[numbers]}")
        columns = (bar.TextColumn(f"[bold]{name}"), bar.BarColumn(), *pace, said)
        with bar.Progress(*columns, console=console) as bars:
            task = bars.add_task(name, total=total, completed=done, numbers="")
            yield lambda **values: bars.update(task, advance=1, numbers=_numbers(values))


class _Lines:
    def __init__(self, name: str, total: int, done: int, console: Console) -> None:
        self.name, self.total, self.done, self.console = name, total, done, console
        self.every = max(total // 20, 1)
        self.first = done + 1
        self.began = time.monotonic()

    def advance(self, **values: float) -> None:
        self.done += 1
        if self.done % self.every == 0 or self.done in (self.first, self.total):
            pace = (time.monotonic() - self.began) / (self.done - self.first + 1)
            left = timedelta(seconds=round(pace * (self.total - self.done)))
            rest = f"  about {left} left" if self.done < self.total else ""
            line = f"{self.name} {self.done}/{self.total}  {_numbers(values)}{rest}"
            self.console.print(line, highlight=False)


def _numbers(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


def coloured(tokens: TokenSequence, *, marks: bool = False) -> Text:
    """The sequence as the model sees it: what is trained on is green, token by token; the rest is grey.

    `marks` puts trained stretches in brackets as well, for output without colours.
    """
    text = Text()
    before = 0
    for index, (token, trained) in enumerate(zip(tokens.ids, tokens.mask, strict=True)):
        if marks and trained != before:
            text.append("⟦" if trained else "⟧")
        style = ("black on green" if index % 2 else "black on bright_green") if trained else "grey62"
        text.append(tokens.builder.tokenizer.decode([token]), style)
        before = trained
    return text.append("⟧") if marks and before else text
