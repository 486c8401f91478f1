"""Fitting cases into one small file: an index of all of them, and bodies in compressed chunks.

Bodies are deflated a few dozen at a time, which a browser undoes when somebody opens one. Cases come in an
order drawn from their ids, so that what does not fit any more is a fair sample and not one end of the data.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from datamind_gen.publish.report.cases import Case, Plain, finite

BODY_BYTES = 7_000_000
"""Room for bodies, as base64 text; index, figures and code take the rest of ten megabytes."""
_CHUNK_CASES = 32
_SHARED_CHARACTERS = 200
"""Prompts longer than this are kept once for the whole file."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What the page carries, each a base64 text of deflated JSON."""

    index: str
    chunks: tuple[str, ...]
    shown: int
    """Cases whose bodies are there."""


def pack(cases: Iterable[Case], *, room: int = BODY_BYTES) -> Payload:
    """Packs cases in the order given, bodies until the room is used up."""
    heads: list[Plain] = []
    shared: dict[str, int] = {}
    chunks: list[str] = []
    waiting: list[Plain] = []
    used, shown = 0, 0
    is_full = False

    def close() -> None:
        nonlocal used, is_full
        if not waiting:
            return
        chunk = squeeze(waiting)
        if used + len(chunk) > room and chunks:
            is_full = True
            for head in heads:
                if head["body"] and head["body"][0] == len(chunks):
                    head["body"] = None
        else:
            used += len(chunk)
            chunks.append(chunk)
        waiting.clear()

    for case in cases:
        head = case.head()
        heads.append(head)
        head["body"] = None if is_full else [len(chunks), len(waiting)]
        if not is_full:
            waiting.append(_share(case.body(), shared))
            if len(waiting) == _CHUNK_CASES:
                close()
    close()
    shown = sum(head["body"] is not None for head in heads)
    return Payload(squeeze({"cases": heads, "shared": list(shared)}), tuple(chunks), shown)


def squeeze(value: object) -> str:
    """JSON, deflated, as base64."""
    text = json.dumps(finite(value), ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode("ascii")


def _share(body: Plain, shared: dict[str, int]) -> Plain:
    """The body with its system prompts as numbers into the shared texts."""
    for trajectory in body["trajectories"]:
        trajectory["prompt"] = [
            {"role": message["role"], "shared": shared.setdefault(message["content"], len(shared))}
            if message["role"] == "system" and len(message["content"]) > _SHARED_CHARACTERS
            else message
            for message in trajectory["prompt"]
        ]
    return body
