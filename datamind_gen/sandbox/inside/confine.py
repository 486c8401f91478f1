"""Puts a session under confinement: what it may reach is decided here, once, before any of its code runs."""

from __future__ import annotations

from typing import Any


def confine(order: dict[str, Any]) -> int | None:
    """Confines this process for good; returns the descriptor on which its forks are asked about, if any."""
    return None
