"""A mistake in what a user wrote, told so that it can be mended without asking: where, what, and the fix.

Checks return problems, never raise at the first; `InvalidPipeline` carries them all. `render_problems` is
what people see, `Problem.as_json` what scripts see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_SECRET = re.compile(r"(?i)(\b\w*(?:key|token|secret|password)\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,}]+)")


class Severity(StrEnum):
    ERROR = "error"
    """Nothing is run."""
    WARNING = "warning"
    """It runs, but something that was configured does nothing, or not what one would think."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. `line` and `column` count from 1; 0 where there is none (the command line)."""

    file: str
    message: str
    line: int = 0
    column: int = 0
    key: str = ""
    """The key path, `sample.turns`."""
    value: str = ""
    """The bad value, cut; never a secret."""
    nearest: str | None = None
    """The valid name that was probably meant."""
    fix: str = ""
    excerpt: str = ""
    """The line of the file."""
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def advice(self) -> str:
        """What to do, the probable name first."""
        meant = f"did you mean `{self.nearest}`?" if self.nearest else ""
        return " ".join(part for part in (meant, self.fix) if part)

    def as_json(self) -> dict[str, str | int | None]:
        """What --json prints; the excerpt is left out."""
        return {
            "severity": self.severity.value,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "key": self.key,
            "value": self.value,
            "message": self.message,
            "nearest": self.nearest,
            "fix": self.fix,
        }


class InvalidPipeline(ValueError):
    """A pipeline with mistakes in it: all of them, in `problems`, warnings too."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sort_problems(problems)
        super().__init__(render_problems(self.problems).plain)


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file, line and column; what was said twice stands once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda it: (it.file, it.line, it.column, it.key, it.message)))


def find_nearest(name: object, valid: Iterable[str]) -> str | None:
    """The valid name that a misspelt one probably means."""
    names = list(valid)
    text = str(name)
    exact = {other.lower().replace("-", "_"): other for other in names}.get(text.lower().replace("-", "_"))
    return exact or next(iter(get_close_matches(text, names, n=1, cutoff=0.6)), None)


def list_names(names: Iterable[str], *, most: int = 20) -> str:
    """Names for a message, sorted; the tail of a long list is counted."""
    ordered = sorted(names)
    rest = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + rest


def mask_secrets(text: str) -> str:
    """The text with values of keys and tokens left out; names of variables and files stay."""
    return _SECRET.sub(r"\1***", text)


def render_problems(problems: Sequence[Problem]) -> Text:
    """All problems for the terminal, each as `file:line:column: what`, its line, and the fix."""
    from rich.text import Text

    text = Text()
    for problem in problems:
        _render(problem, text)
    text.append(summarise_problems(problems) + "\n", style="bold")
    return text


def summarise_problems(problems: Sequence[Problem]) -> str:
    """`3 mistakes, 1 warning`."""
    mistakes = sum(problem.is_error for problem in problems)
    warnings = len(problems) - mistakes
    counted = [(mistakes, "mistake"), (warnings, "warning")]
    said = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counted if count]
    return ", ".join(said) or "no mistakes"


def _render(problem: Problem, text: Text) -> None:
    where = problem.file
    if problem.line:
        where += f":{problem.line}" + (f":{problem.column}" if problem.column else "")
    colour = "red" if problem.is_error else "yellow"
    text.append(f"{where}: ", style="bold")
    text.append(f"{problem.severity.value}: ", style=f"bold {colour}")
    text.append(f"{problem.message}\n")
    margin = " " * len(str(problem.line))
    if problem.excerpt.strip():
        text.append(f"  {problem.line} | ", style="dim")
        text.append(mask_secrets(problem.excerpt.rstrip()) + "\n")
    if problem.advice:
        text.append(f"  {margin} = ", style="dim")
        text.append(f"{problem.advice}\n", style="cyan")
