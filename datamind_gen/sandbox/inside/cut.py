"""Cuts long text in its middle, as the paper's observations are cut, and never through a number."""

from __future__ import annotations

MARK = "\n...\n"
_NUMBER = frozenset("0123456789.,_eE+-%")
_LONGEST_NUMBER = 64


def cut_middle(text: str, limit: int) -> tuple[str, int]:
    """`text` within `limit` characters (the mark apart), and how many characters were left out."""
    if len(text) <= limit:
        return text, 0
    head = limit // 2
    tail = len(text) - (limit - head)
    for _ in range(min(head, _LONGEST_NUMBER)):
        if not _splits_number(text, head):
            break
        head -= 1
    for _ in range(min(len(text) - tail, _LONGEST_NUMBER)):
        if not _splits_number(text, tail):
            break
        tail += 1
    return text[:head] + MARK + text[tail:], tail - head


def _splits_number(text: str, position: int) -> bool:
    if not 0 < position < len(text):
        return False
    return text[position - 1] in _NUMBER and text[position] in _NUMBER
