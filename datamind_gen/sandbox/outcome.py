"""What a turn's ending means: the zygote's facts and the session's untrusted reply become a TurnResult.

Times, memory and the way a process ended are the zygote's word. The reply is the code's own word for
what it echoed and how it failed, as good as anything that it prints: bounded, typed, and no more.
"""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from typing import Any

from datamind_gen.sandbox.inside.cut import cut_middle
from datamind_gen.sandbox.inside.frames import Frame
from datamind_gen.sandbox.results import Truncation, TurnResult, TurnStatus
from datamind_gen.sandbox.settings import SandboxSettings

_FIGURE = re.compile(r"[^/\0]{1,200}|data/tmp/[^/\0]{1,200}")
_REPLIED = frozenset(
    {
        TurnStatus.OK,
        TurnStatus.ERROR,
        TurnStatus.EXITED,
        TurnStatus.TIMEOUT,
        TurnStatus.CPU_LIMIT,
        TurnStatus.MEMORY_LIMIT,
        TurnStatus.DISK_LIMIT,
        TurnStatus.OUTPUT_LIMIT,
    }
)


@dataclass(frozen=True, slots=True)
class Observed:
    """A turn's result, and what the session needs to carry on."""

    result: TurnResult
    alive: bool
    """Whether the session's process still holds the state that it should."""
    progress: int
    """Top-level statements done."""
    wrecked: bool
    """Whether the process ended before the code ran: an earlier turn broke what runs turns."""
    killed_from_outside: bool
    """Ended by a SIGKILL that the sandbox did not send."""

    @property
    def printed(self) -> str:
        """What a replay must print again."""
        return f"{self.result.stdout}\0{self.result.echo}"


@dataclass(frozen=True, slots=True)
class _Reply:
    status: TurnStatus
    echo: str | None
    echo_cut: int
    error: str | None
    error_cut: int
    figures: tuple[str, ...]


def interpret(frame: Frame, settings: SandboxSettings) -> Observed:
    """The turn that the zygote reports in `frame`."""
    facts = frame.header
    reply = _parse_reply(frame.body, settings.output_chars) if frame.body else None
    status, error = _judge(facts, reply, settings)
    echo = reply.echo if reply is not None and status is TurnStatus.OK else None
    result = TurnResult(
        status=status,
        stdout=facts["stdout"],
        echo=echo,
        error=error,
        wall_s=facts["wall_s"],
        cpu_s=facts["cpu_s"],
        peak_mb=facts["peak_mb"],
        truncated=Truncation(
            stdout=facts["stdout_cut"],
            echo=reply.echo_cut if reply and echo is not None else 0,
            error=reply.error_cut if reply and error == reply.error else 0,
        ),
        figures=reply.figures if reply and status is TurnStatus.OK else (),
    )
    killed = facts["ending"] == "signaled" and facts["code"] == signal.SIGKILL and facts["cause"] is None
    wrecked = facts["ending"] == "exited" and not facts["begun"]
    return Observed(result, facts["alive"], facts["progress"], wrecked, killed)


def _judge(
    facts: dict[str, Any], reply: _Reply | None, settings: SandboxSettings
) -> tuple[TurnStatus, str | None]:
    if facts["cause"] is not None:
        return _limit_hit(facts["cause"], settings)
    if facts["ending"] in ("kept", "failed"):
        if reply is None:
            return TurnStatus.CRASHED, "The code damaged the interpreter that ran it."
        if facts["forks_denied"] and reply.status is TurnStatus.ERROR:
            return TurnStatus.PROCESS_LIMIT, _with_advice(reply.error, _NO_PROCESSES)
        advice = "" if "LimitHit: " in (reply.error or "") else _ADVICE.get(reply.status, "")
        return reply.status, _with_advice(reply.error, advice)
    if facts["ending"] == "exited":
        return (
            TurnStatus.EXITED,
            f"The code ended the Python process (exit code {facts['code']}); do not call os._exit().",
        )
    return _signaled(facts)


_NO_PROCESSES = "Starting processes is not allowed here; do the work in this process."
_ADVICE = {
    TurnStatus.MEMORY_LIMIT: "The memory limit was hit; load fewer columns or rows, or work in chunks.",
    TurnStatus.DISK_LIMIT: "A file or the directory is at its size limit; write less.",
}


def _with_advice(error: str | None, advice: str) -> str | None:
    return "\n".join(part for part in (error, advice) if part) or None


def _limit_hit(cause: str, settings: SandboxSettings) -> tuple[TurnStatus, str]:
    match cause:
        case "wall":
            return TurnStatus.TIMEOUT, (
                f"The turn ran longer than {settings.wall_s:g} s and was stopped; "
                "do less in one turn, or work on a sample."
            )
        case "cpu":
            return TurnStatus.CPU_LIMIT, (
                f"The turn used more than {settings.cpu_s:g} s of processor time and was stopped; "
                "do less in one turn, or work on a sample."
            )
        case "memory":
            return TurnStatus.MEMORY_LIMIT, (
                f"The turn used more than {settings.memory_mb} MB of memory and was stopped; "
                "load fewer columns or rows, or work in chunks."
            )
        case "threads":
            return TurnStatus.PROCESS_LIMIT, (
                f"The turn started more than {settings.threads} threads and was stopped; use fewer."
            )
        case "output":
            return TurnStatus.OUTPUT_LIMIT, (
                f"The turn printed more than {settings.stream_mb} MB and was stopped; "
                "print a summary instead."
            )
        case _:
            return TurnStatus.DISK_LIMIT, (
                f"The session's directory holds more than {settings.directory_mb} MB, or very many files; "
                "write less, or delete files."
            )


def _signaled(facts: dict[str, Any]) -> tuple[TurnStatus, str]:
    number = facts["code"]
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if "memory allocation of" in facts["stdout"][-4000:]:  # how polars and Rust abort without memory
        return TurnStatus.MEMORY_LIMIT, (
            "The memory limit was hit and the process aborted; load fewer columns or rows, or work in chunks."
        )
    return TurnStatus.CRASHED, f"The Python process was ended by {name}; try another way to do this step."


def _parse_reply(body: bytes, limit: int) -> _Reply | None:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or raw.get("status") not in _REPLIED:
        return None
    status = TurnStatus(raw["status"])
    echo, echo_cut = _text(raw.get("echo"), raw.get("echo_cut"), limit)
    error, error_cut = _text(raw.get("error"), raw.get("error_cut"), limit)
    if status is not TurnStatus.OK and error is None:
        error = "The code failed."
    figures = raw.get("figures")
    names = figures if isinstance(figures, list) else []
    return _Reply(
        status,
        echo,
        echo_cut,
        None if status is TurnStatus.OK else error,
        error_cut,
        tuple(name for name in names[:100] if isinstance(name, str) and _FIGURE.fullmatch(name)),
    )


def _text(value: object, cut: object, limit: int) -> tuple[str | None, int]:
    if not isinstance(value, str):
        return None, 0
    clean = value.encode("utf-8", "backslashreplace").decode("utf-8")
    bounded, more = cut_middle(clean, limit + 64)
    said = cut if isinstance(cut, int) and 0 <= cut < 1 << 40 else 0
    return bounded, more + said
