"""Fitting cases into one small file: an index of all of them, and bodies in compressed chunks.

Bodies are deflated a few dozen at a time, which a browser undoes when somebody opens one. Cases come in an
order drawn from their ids, so that what does not fit any more is a fair sample and not one end of the data.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from datamind_gen.publish.report.cases import Case, Plain, finite

DATA_BYTES = 9_400_000
"""Room for index and bodies, as base64 text; figures and code take the rest of ten megabytes."""
_POINTER_BYTES = 8
"""What an entry of the index needs, compressed, to say where its body is."""
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


def pack(cases: Sequence[Case], *, room: int = DATA_BYTES) -> Payload:
    """Packs cases in the order given: all of them into the index, bodies until the room is used up."""
    heads = [case.head() for case in cases]
    shared: dict[str, int] = {}
    chunks: list[str] = []
    left = room - len(squeeze(heads)) - _POINTER_BYTES * len(heads)
    for first in range(0, len(cases), _CHUNK_CASES):
        bodies = [_share(case.body(), shared) for case in cases[first : first + _CHUNK_CASES]]
        chunk = squeeze(bodies)
        left -= len(chunk)
        if left < 0 and chunks:
            break
        for place, head in enumerate(heads[first : first + _CHUNK_CASES]):
            head["body"] = [len(chunks), place]
        chunks.append(chunk)
    index = squeeze({"cases": heads, "shared": list(shared)})
    return Payload(index, tuple(chunks), sum("body" in head for head in heads))


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
