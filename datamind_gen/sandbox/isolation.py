"""How well this machine confines code, by trying, and what to do where it does not."""

from __future__ import annotations

import asyncio
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

_SIGNALS_SCOPED_SINCE = 6
_TRUNCATE_SINCE = 3
_OPTIONAL = "ask before forking"


class Isolation(StrEnum):
    """The level that a sandbox reached; every row records it."""

    FULL = "full"
    """Every forbidden act denied; Landlock scopes signals; each fork needs a permission."""
    FULL_MINUS = "full-"
    """Every forbidden act denied, with parts that an older kernel lacks made up for."""
    NONE = "none"
    """Limits only: the code could read what you can read and send it away."""


class SandboxUnavailable(Exception):
    """This machine cannot confine code; the message names the reason and the fix."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One forbidden act, really tried."""

    name: str
    denied: bool
    detail: str
    """What the kernel answered."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What `doctor` shows of the sandbox."""

    isolation: Isolation
    system: str
    landlock: int
    """The kernel's Landlock version; 0 for none."""
    attempts: tuple[Attempt, ...]
    missing: tuple[str, ...]
    """Libraries that sessions would like and that are not installed."""
    fix: str | None
    """What to do, where the level is `none`."""


def probe() -> Probe:
    """Tries every forbidden act in a confined process of its own. Takes seconds; needs no event loop."""
    if not sys.platform.startswith("linux"):
        return Probe(Isolation.NONE, platform.platform(), 0, (), (), fix_for(0, ()))
    from datamind_gen.sandbox.zygote import Zygote

    async def ask() -> Mapping[str, Any]:
        with tempfile.TemporaryDirectory(prefix="datamind-probe-") as scratch:
            zygote = Zygote(lean=False, scratch=Path(scratch), on_held=lambda _session, _size: None)
            await zygote.start()
            await zygote.stop()
            return zygote.facts

    return read_facts(asyncio.run(ask()))


def read_facts(facts: Mapping[str, Any]) -> Probe:
    """What a zygote's findings say."""
    attempts = tuple(Attempt(found["name"], found["denied"], found["detail"]) for found in facts["attempts"])
    version = int(facts["landlock"])
    level = _level(version, attempts)
    fix = fix_for(version, attempts) if level is Isolation.NONE else None
    return Probe(level, platform.platform(), version, attempts, tuple(facts["missing"]), fix)


def _level(landlock: int, attempts: Sequence[Attempt]) -> Isolation:
    escapes = [attempt for attempt in attempts if not attempt.denied]
    if landlock == 0 or not attempts or any(attempt.name != _OPTIONAL for attempt in escapes):
        return Isolation.NONE
    return Isolation.FULL if landlock >= _SIGNALS_SCOPED_SINCE and not escapes else Isolation.FULL_MINUS


def fix_for(landlock: int, attempts: Sequence[Attempt]) -> str:
    """Why this machine cannot confine, and what would help."""
    if not sys.platform.startswith("linux"):
        return (
            f"The sandbox confines code with Linux's own means, and this is {platform.system()}: run the "
            "engine in a Linux container or virtual machine (docs/sandbox.md says how)."
        )
    if landlock == 0:
        return (
            "This kernel has no Landlock (Linux 5.13 or later, with `landlock` in /sys/kernel/security/lsm; "
            "gVisor has none). Boot with lsm=landlock,... or run in a virtual machine or an ordinary "
            "Docker container; or pass --allow-unsandboxed, which is written into every row."
        )
    if landlock < _TRUNCATE_SINCE:
        cause = f"Landlock version {landlock} is too old (3 or later, from Linux 6.2, is needed)"
    else:
        worked = ", ".join(attempt.name for attempt in attempts if not attempt.denied)
        cause = f"the confined process could: {worked}"
    return (
        f"Confinement did not hold here: {cause}. Use a newer kernel or a container whose seccomp profile "
        "allows seccomp(2) and landlock_*(2) (Docker's default does); or pass --allow-unsandboxed, which "
        "is written into every row."
    )
