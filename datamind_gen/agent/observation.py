"""What the model sees of a turn's outcome: the released protocol's wording, and its cuts.

The wording is fixed, because the released models were trained on it. A long observation keeps its head and
its tail; a number is never cut in two, because half a number reads like another number. Printed tags are
made inert (`markup.neutralise`), so that output cannot end its own `<interpreter>` block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from datamind_gen.agent.markup import neutralise
from datamind_gen.sandbox.results import TurnResult

NOTHING_PRINTED = (
    "We couldn't capture the output from your code. Please rewrite your last step code and modify it to "
    "explicitly use print() statements to display the values of any variables you want to inspect. Make sure "
    "to return the complete and corrected version of the code, and ensure that it can run successfully."
)
INVALID_ACTION = (
    "Your previous action is invalid. If you want to execute the code for the execution result, you should "
    "put the code between <code> and </code>. If you want to give the final answer, you should put the "
    "answer between <answer> and </answer>. Please try again."
)
GAP = "\n...\n"

_NUMBER = re.compile(r"[+-]?\d+(?:,\d{3}(?!\d)|[._:/-]\d+){0,8}(?:[eE][+-]?\d+)?%?")
"""Numbers, dates and times; a long list without spaces is many of them, not one."""


@dataclass(frozen=True, slots=True)
class Observation:
    text: str
    """In its <interpreter> tags."""
    cut: int
    """Characters of the output that it leaves out, here or already in the sandbox."""


def describe(result: TurnResult, *, limit: int = 2048) -> Observation:
    """The observation of a turn. `limit` bounds the characters between the tags."""
    printed = result.stdout.strip()
    if not result.ok:
        text = f"The code run failed:\n{(result.error or result.status.value).strip()}"
        if printed:
            text += f"\n\nBut we capture part of your code output:\n{printed}"
    else:
        text = f"The code run successfully:\n{printed}" if printed else NOTHING_PRINTED
    text, cut = shorten(neutralise(text), limit=limit)
    lost = result.truncated.stdout + (0 if result.ok else result.truncated.error)
    return Observation(f"<interpreter>\n{text.strip()}\n</interpreter>", cut + lost)


def unwrap(observation: str) -> str:
    """The text between an observation's tags."""
    return observation.removeprefix("<interpreter>\n").removesuffix("\n</interpreter>")


def output_of(observation: str) -> str:
    """What the code printed, without tags and wording; empty where nothing was captured."""
    text = unwrap(observation)
    if text == NOTHING_PRINTED:
        return ""
    return text.removeprefix("The code run successfully:\n").removeprefix("The code run failed:\n")


def failed(observation: str) -> bool:
    """Whether the observation reports a failed turn."""
    return unwrap(observation).startswith("The code run failed:")


def shorten(text: str, *, limit: int) -> tuple[str, int]:
    """The text's head and tail, half the limit each, and how many characters are left out between."""
    if len(text) <= limit:
        return text, 0
    half = limit // 2
    head, tail = half, len(text) - half
    for number in _NUMBER.finditer(text):
        if number.start() < half < number.end():
            head = number.start()
        if number.start() < len(text) - half < number.end():
            tail = number.end()
    return text[:head] + GAP + text[tail:], tail - head


def first_difference(before: str, after: str) -> str:
    """Where two observations part, in words."""
    for old, new in zip(before.split("\n"), after.split("\n"), strict=False):
        if old != new:
            return f"{old.strip()[:100]!r} became {new.strip()[:100]!r}"
    return f"{len(before)} characters became {len(after)}"
