"""The grammar of one assistant message, as the paper's protocol has it.

    message  = { think | code | answer | interpreter | loose text }
    think    = "<think>" … "</think>"          answer = "<answer>" … "</answer>"
    code     = "<code>" ( fence+ | Python ) "</code>"

`parse` walks the message once, block by block, so that a tag inside a thought, a Python string, a fence or
an invented `<interpreter>` never counts. **A message ends at its first action**: what follows the first
complete code or answer was written before the observation could be seen, and is not read. That is what
stop strings do on a server that honours them; here it holds on every server. All fences of a code block
run, in order; code without a fence runs as it stands.

`parse` says what deviates (`problems`) and judges nothing: the loop asks for an action, the format rule for
compliance. Observations never pass through here, so nothing that code prints can be taken for an answer.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

STOP_STRINGS = ("</code>", "</answer>")


class Problem(StrEnum):
    """How a message deviates from think-then-act."""

    NO_ACTION = "no_action"
    NO_THINK = "no_think"
    REPEATED_THINK = "repeated_think"
    UNOPENED_THINK = "unopened_think"
    UNCLOSED_THINK = "unclosed_think"
    UNCLOSED_CODE = "unclosed_code"
    UNCLOSED_ANSWER = "unclosed_answer"
    UNCLOSED_FENCE = "unclosed_fence"
    EMPTY_CODE = "empty_code"
    EMPTY_ANSWER = "empty_answer"
    TEXT_OUTSIDE_TAGS = "text_outside_tags"
    TEXT_OUTSIDE_FENCE = "text_outside_fence"
    STRAY_TAG = "stray_tag"
    INVENTED_OBSERVATION = "invented_observation"
    NESTED_TAG = "nested_tag"
    AFTER_ACTION = "after_action"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one assistant message says. At most one of `code` and `answer` is set."""

    thought: str | None
    code: str | None
    answer: str | None
    problems: tuple[Problem, ...]
    end: int
    """Where the first action ends in the text; the text's length when there is none."""

    @property
    def acts(self) -> bool:
        return self.code is not None or self.answer is not None


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a message: a tag's content, `text` between tags, or a `stray` closing tag."""

    kind: str
    body: str
    end: int
    closed: bool = True


_TAG = re.compile(r"<(/?)(think|code|answer|interpreter)>")
_ACTION = re.compile(r"<(?:code|answer)>")
_CODE_TOKEN = re.compile(
    r'''(?P<string>"""(?:\\[\s\S]|[^\\])*?"""|\'\'\'(?:\\[\s\S]|[^\\])*?\'\'\''''
    r"""|"(?:\\[^\n]|[^"\\\n]){0,2000}"|'(?:\\[^\n]|[^'\\\n]){0,2000}')"""
    r"|(?P<comment>\#(?:(?!</code>).)*)"
    r"|(?P<fence>^[ \t]*```[ \t]*(?P<info>[\w+-]*)[ \t]*(?=$|</code>))"
    r"|(?P<close></code>)",
    re.MULTILINE,
)


def parse(text: str) -> Parsed:
    """What the message says, up to and including its first action."""
    thoughts: list[str] = []
    problems: list[Problem] = []
    code = answer = None
    end = len(text)
    for block in scan(text):
        match block.kind:
            case "think" | "unopened":
                thoughts.append(block.body.strip())
                problems += [Problem.UNOPENED_THINK] if block.kind == "unopened" else []
                problems += [] if block.closed else [Problem.UNCLOSED_THINK]
            case "code":
                code, found = _read_code(block)
                problems += found
            case "answer":
                answer, found = _read_answer(block)
                problems += found
            case "interpreter":
                problems.append(Problem.INVENTED_OBSERVATION)
            case "stray":
                problems.append(Problem.STRAY_TAG)
            case _:
                problems += [Problem.TEXT_OUTSIDE_TAGS] if block.body.strip() else []
        if code is not None or answer is not None:
            end = block.end
            break
    else:
        problems.append(Problem.NO_ACTION)
    problems += [Problem.AFTER_ACTION] if text[end:].strip() else []
    problems += [Problem.NO_THINK] if not thoughts else []
    problems += [Problem.REPEATED_THINK] if len(thoughts) > 1 else []
    thought = "\n\n".join(thoughts) if thoughts else None
    return Parsed(thought, code, answer, tuple(dict.fromkeys(problems)), end)


def last_answer(texts: Sequence[str]) -> str | None:
    """The answer in the last of an episode's assistant messages: the only one that counts."""
    return parse(texts[-1]).answer if texts else None


def scan(text: str) -> Iterator[Block]:
    """The message's blocks in order. Never raises; an unclosed block runs to the next one or the end."""
    position = 0
    while tag := _TAG.search(text, position):
        before = text[position : tag.start()]
        if tag[0] == "</think>" and position == 0:
            yield Block("unopened", before, tag.end())
            position = tag.end()
            continue
        if before:
            yield Block("text", before, tag.start())
        block = Block("stray", tag[0], tag.end()) if tag[1] else _block(text, tag[2], tag.end())
        yield block
        position = block.end
    if position < len(text):
        yield Block("text", text[position:], len(text))


def _block(text: str, kind: str, start: int) -> Block:
    closing = _code_end(text[start:]) if kind == "code" else text[start:].find(f"</{kind}>")
    if closing is not None and closing >= 0:
        end = start + closing
        return Block(kind, text[start:end], end + len(kind) + 3)
    following = _ACTION.search(text, start) if kind == "think" else None
    end = following.start() if following else len(text)
    return Block(kind, text[start:end], end, closed=False)


def _code_end(text: str) -> int | None:
    """Where the `</code>` stands that is neither in a string nor in a fence that closes after it."""
    fenced = False
    inside: int | None = None
    for token in _CODE_TOKEN.finditer(text):
        if token["fence"]:
            if fenced and token["info"]:
                return inside
            fenced = not fenced
            inside = None if not fenced else inside
        elif token["close"]:
            if not fenced:
                return token.start()
            inside = token.start() if inside is None else inside
    return inside


def _read_code(block: Block) -> tuple[str | None, list[Problem]]:
    if not block.closed:
        return None, [Problem.UNCLOSED_CODE]
    problems: list[Problem] = []
    fences = [token for token in _CODE_TOKEN.finditer(block.body) if token["fence"]]
    if fences:
        pieces, problems = _split_fences(block.body, fences)
        code = "\n".join(piece.strip("\n") for piece in pieces)
    else:
        code = block.body.strip("\n").rstrip()
        code = textwrap.dedent(code) if code[:1].isspace() else code
    return (code, problems) if code.strip() else (None, [*problems, Problem.EMPTY_CODE])


def _split_fences(body: str, fences: list[re.Match[str]]) -> tuple[list[str], list[Problem]]:
    problems: list[Problem] = []
    pieces: list[str] = []
    outside = body[: fences[0].start()]
    for index in range(0, len(fences), 2):
        start = fences[index].end()
        if index + 1 == len(fences):
            piece = body[start:].rstrip()
            problems += [] if piece.endswith("```") else [Problem.UNCLOSED_FENCE]
            pieces.append(piece.removesuffix("```"))
        else:
            pieces.append(body[start : fences[index + 1].start()])
            following = fences[index + 2].start() if index + 2 < len(fences) else len(body)
            outside += body[fences[index + 1].end() : following]
    problems += [Problem.TEXT_OUTSIDE_FENCE] if outside.strip() else []
    return pieces, problems


def _read_answer(block: Block) -> tuple[str | None, list[Problem]]:
    if not block.closed:
        return None, [Problem.UNCLOSED_ANSWER]
    answer = block.body.strip()
    if not answer:
        return None, [Problem.EMPTY_ANSWER]
    return answer, [Problem.NESTED_TAG] if _TAG.search(answer) else []
