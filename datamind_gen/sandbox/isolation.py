"""How well this machine can confine code, and what to do where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Isolation(StrEnum):
    """The level that a sandbox reached; every row records it."""

    FULL = "full"
    """Landlock with signal scoping, seccomp, and forks by permission only."""
    FULL_MINUS = "full-"
    """As full, with parts that an older kernel lacks made up for by seccomp."""
    NONE = "none"
    """Limits only. The code could read what you can read and send it away."""


class SandboxUnavailable(Exception):
    """This machine cannot confine code; the message names the reason and the fix."""


def level_of(facts: Mapping[str, Any]) -> Isolation:
    """The level that a zygote's findings allow."""
    return Isolation.NONE
