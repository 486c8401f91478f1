"""Reads a judge's reply, strictly: what is not a judgement is None, which is never the same as "no".

Only what stands outside the reasoning counts, and each block must be there once: a reply that quotes an
answer's own `<correct>yes</correct>` is unreadable, not a yes. A server that can is held to SCHEMA, and
replies with an object of the same three parts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "reasoning": {"type": "string"},
            "correct": {"type": "string", "enum": ["yes", "no"]},
            "number": {"type": "integer"},
        },
        "required": ["reasoning", "correct", "number"],
        "additionalProperties": False,
    }
)
"""What a judgement is where the server can be held to it: the reasoning comes first, so that it counts."""

_REASONING = re.compile(r"<(reasoning|thought)>(.*?)</\1>", re.DOTALL)
_BLOCK = r"<{0}>\s*(.*?)\s*</{0}>"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a consistency judge said. `best` is a 0-based index into the answers as they were shown."""

    agree: bool
    best: int | None
    reasoning: str


def read_judgement(text: str, *, answers: int) -> Judgement | None:
    """The judgement in a reply about so many answers; None if the reply holds none, or two."""
    if text.lstrip().startswith("{"):
        return _read_object(text, answers=answers)
    reasoning, rest = _split(text)
    correct = _only("correct", rest)
    if correct is None or correct.lower() not in ("yes", "no"):
        return None
    number = _only("number", rest)
    valid = number is not None and number.isdecimal() and 1 <= int(number) <= answers
    if "<number>" in rest and not valid and correct.lower() == "yes":
        return None
    return Judgement(correct.lower() == "yes", int(number or 0) - 1 if valid else None, reasoning)


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    reasoning: str
    correct: Literal["yes", "no"]
    number: int


def _read_object(text: str, *, answers: int) -> Judgement | None:
    try:
        found = _Object.model_validate_json(text)
    except ValidationError:
        return None
    agree, valid = found.correct == "yes", 1 <= found.number <= answers
    if agree and not valid:
        return None
    return Judgement(agree, found.number - 1 if valid else None, found.reasoning.strip())


def read_score(text: str) -> int | None:
    """The 0 or 1 of a reply with `<score>`; None for everything else, 0.1, 10 and -1 included."""
    score = _only("score", _split(text)[1])
    return int(score) if score in ("0", "1") else None


def _split(text: str) -> tuple[str, str]:
    found = _REASONING.search(text)
    if found is None:
        return "", text
    return found[2].strip(), text[: found.start()] + text[found.end() :]


def _only(name: str, text: str) -> str | None:
    found = re.findall(_BLOCK.format(name), text, re.DOTALL)
    return found[0] if len(found) == 1 else None
