"""What `audit RUN` measured, as the card and the report show it: one line a judge, rule or chain.

Reads RUN/audit.json, which the audit owns: every object in it that has a `name` and a `precision` is a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AuditLine:
    name: str
    precision: str
    recall: str
    support: str
    """How many rows were judged."""


def read_audit(text: str) -> list[AuditLine]:
    """The lines of an audit, in the order in which they stand there."""
    return [
        AuditLine(
            name=str(found["name"]),
            precision=_percent(found["precision"]),
            recall=_percent(found.get("recall")),
            support=str(found.get("support", UNKNOWN)),
        )
        for found in _objects(json.loads(text))
        if "name" in found and "precision" in found
    ]


def _percent(value: object) -> str:
    return f"{100 * value:.1f} %" if isinstance(value, int | float) else UNKNOWN


def _objects(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
