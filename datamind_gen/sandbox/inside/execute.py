"""Executes one turn's code in a session's namespace: statement by statement, as one program.

Success is the exit of the code, never the emptiness of stderr. The last expression's value is echoed
beside the output. A traceback shows the user's frames only, and names no place on this machine.
"""

from __future__ import annotations

import ast
import errno
import linecache
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from datamind_gen.sandbox.inside.cut import cut_middle

_OWN_MODULE = re.compile(r"^datamind_gen\.sandbox\.inside\.\w+\.", re.MULTILINE)


class WallLimit(BaseException):
    """The turn's time is over. Raised by a signal in the code that runs."""


class CpuLimit(BaseException):
    """The turn's processor time is over."""


class OutputLimit(BaseException):
    """The turn floods its output."""


class LimitHit(Exception):
    """A limit of one of our own functions; `status` is the TurnStatus that it means."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    """A TurnStatus value."""
    echo: str | None = None
    echo_cut: int = 0
    error: str | None = None
    error_cut: int = 0

    @property
    def ok(self) -> bool:
        return self.status == "ok"


@dataclass(frozen=True, slots=True)
class _Step:
    code: CodeType
    is_echo: bool


def execute(
    code: str,
    *,
    name: str,
    namespace: dict[str, Any],
    output_chars: int,
    clean: Callable[[str], str] = str,
    statements: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Runs `code`, whose tracebacks call it `name`.

    Only the first `statements` top-level statements run, if given. `progress` is told how many are
    done, so that whoever ends this process knows where it stood. `clean` takes out of texts what
    depends on the place.
    """
    lines = code.splitlines(keepends=True)
    linecache.cache[name] = (len(code), None, lines, name)
    try:
        steps = _compile(code, name)
        echo: Any = None
        for done, step in enumerate(steps if statements is None else steps[:statements]):
            if step.is_echo:
                echo = eval(step.code, namespace)
            else:
                exec(step.code, namespace)
            progress(done + 1)
        shown = None if echo is None else _bounded(clean(repr(echo)), output_chars)
    except BaseException as error:
        _untrace()
        status = _status_of(error)
        text, cut = _bounded(clean(_describe(error)), output_chars)
        return Outcome(status, error=text, error_cut=cut)
    finally:
        _untrace()
    return Outcome("ok") if shown is None else Outcome("ok", echo=shown[0], echo_cut=shown[1])


def _untrace() -> None:
    sys.settrace(None)
    sys.setprofile(None)


def _compile(code: str, name: str) -> list[_Step]:
    tree = ast.parse(code, name)
    # The whole is compiled first: a SyntaxError that only compilation finds must undo nothing.
    flags = compile(tree, name, "exec", dont_inherit=True).co_flags & _FUTURE_FLAGS
    steps = []
    for position, node in enumerate(tree.body):
        if isinstance(node, ast.Expr) and position == len(tree.body) - 1:
            expression = ast.Expression(node.value)
            steps.append(_Step(compile(expression, name, "eval", flags=flags, dont_inherit=True), True))
        else:
            module = ast.Module([node], type_ignores=[])
            steps.append(_Step(compile(module, name, "exec", flags=flags, dont_inherit=True), False))
    return steps


def _future_flags() -> int:
    import __future__

    flags = 0
    for feature in __future__.all_feature_names:
        flags |= getattr(__future__, feature).compiler_flag
    return flags


_FUTURE_FLAGS = _future_flags()


def _status_of(error: BaseException) -> str:
    if isinstance(error, WallLimit):
        return "timeout"
    if isinstance(error, CpuLimit):
        return "cpu_limit"
    if isinstance(error, OutputLimit):
        return "output_limit"
    if isinstance(error, LimitHit):
        return error.status
    if isinstance(error, SystemExit):
        return "exited"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        return "memory_limit"
    if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
        return "disk_limit"
    return "error"


def _describe(error: BaseException) -> str:
    try:
        if isinstance(error, SystemExit):
            return f"SystemExit: {error.code}. The code ended the Python process; do not call exit()."
        return _format(error)
    except BaseException as second:  # a hostile __str__, or no memory left to format with
        return f"{type(error).__name__} (its text could not be formatted: {type(second).__name__})"


def _format(error: BaseException) -> str:
    report = traceback.TracebackException.from_exception(error, lookup_lines=False, compact=True)
    _keep_user_frames(report)
    text = "".join(report.format())
    return _OWN_MODULE.sub("", text).rstrip("\n")


def is_user_file(filename: str) -> bool:
    """Whether a frame's file is a turn's code."""
    return filename.startswith("<turn ")


def _keep_user_frames(report: traceback.TracebackException) -> None:
    seen: set[int] = set()
    current: traceback.TracebackException | None = report
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        current.stack = traceback.StackSummary.from_list(
            [f for f in current.stack if is_user_file(f.filename)]
        )
        following = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if following is not None and not any(is_user_file(f.filename) for f in following.stack):
            current.__cause__ = current.__context__ = None
            break
        current = following


def _bounded(text: str, limit: int) -> tuple[str, int]:
    return cut_middle(text.encode("utf-8", "backslashreplace").decode("utf-8"), limit)
