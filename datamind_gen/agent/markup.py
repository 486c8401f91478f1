"""Text that is data, kept from acting as markup.

Cells, column names, printed output and models' answers all end up inside prompts. Where such text holds
one of our tags (`</interpreter>`, `<answer>`, a judge's `<correct>`) or a chat template's control token
(`<|im_end|>`, `</s>`, `[INST]`), `neutralise` writes its first bracket as an entity, so that it reads the
same to a person and means nothing to a parser. All else, `<NA>` and `<class 'int'>` included, is left
as it is. It does not judge what the text says: instructions in plain words are a rule's business.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

PROTOCOL_TAGS = ("think", "reasoning", "code", "interpreter", "answer")
CONTROL_WORDS = ("s", "bos", "eos", "pad", "start_of_turn", "end_of_turn", "system", "user", "assistant")

_ENTITY = {"<": "&lt;", "[": "&#91;"}


def neutralise(text: str, tags: Collection[str] = PROTOCOL_TAGS) -> str:
    """The text with every tag of `tags`, and every control token known to us, made inert.

    A tag counts with its numbered forms: `answer` covers `<answer_2>` as well.
    """
    if "<" not in text and "[" not in text:
        return text
    return _pattern(frozenset(tags)).sub(lambda found: _ENTITY[found[0]], text)


@lru_cache(maxsize=64)
def _pattern(tags: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(tags))
    words = "|".join(CONTROL_WORDS)
    return re.compile(
        rf"<(?=\s*/?\s*(?:(?:{names})(?:[_-]?\d*|_)\s*/?\s*>|(?:{words})>)|[|｜]|<SYS>>|</SYS>>)|\[(?=/?INST\])",
        re.IGNORECASE,
    )
