"""Takes out of a turn's text what differs from run to run without meaning: places and memory addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ADDRESS = re.compile(r"\b(at|object|0x) ?0x[0-9a-fA-F]{6,16}\b")


def normalise(text: str, places: Sequence[Sequence[str]]) -> str:
    """`text` with each real path of `places` written as it is shown, and object addresses as 0x…."""
    for real, shown in places:
        if real in text:
            text = text.replace(real, shown)
    if " at 0x" in text:
        text = _ADDRESS.sub(r"\1 0x…", text)
    return text
