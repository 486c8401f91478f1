"""Tells code that names the clock, process ids or unseeded randomness: its output may differ next time.

Random generators are seeded in a session, so drawing from them is no mark. A false alarm only costs a
flag; what is missed here shows when a trajectory is replayed.
"""

from __future__ import annotations

import ast
import re
import warnings

_NAMES = frozenset(
    (
        *(
            "now",
            "today",
            "utcnow",
            "perf_counter",
            "perf_counter_ns",
            "monotonic",
            "time_ns",
            "process_time",
        ),
        *(
            "time_ns",
            "ctime",
            "localtime",
            "gmtime",
            "getpid",
            "getppid",
            "gettid",
            "uuid1",
            "uuid4",
            "getnode",
        ),
        *("urandom", "getrandom", "token_hex", "token_bytes", "token_urlsafe", "SystemRandom"),
        *("mkdtemp", "mkstemp", "NamedTemporaryFile", "TemporaryDirectory", "getloadavg", "gethostname"),
    )
)
_SQL = re.compile(
    r"\b(current_(timestamp|date|time)|now\s*\(|random\s*\(|uuid\s*\(|get_current_)|'now'|\bUSING SAMPLE\b",
    re.I,
)
_SQL_STATEMENT = re.compile(r"\s*(select|with)\b", re.I)


def depends_on_the_moment(code: str) -> bool:
    """Whether `code` names something that differs from run to run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the code's own SyntaxWarnings are shown where it runs
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(_is_momentary(node) for node in ast.walk(tree))


def _is_momentary(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        module = node.value.id if isinstance(node.value, ast.Name) else ""
        return node.attr in _NAMES or (module, node.attr) == ("time", "time")
    if isinstance(node, ast.Name):
        return node.id in _NAMES
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL_STATEMENT.match(node.value):
        return _SQL.search(node.value) is not None
    return False
