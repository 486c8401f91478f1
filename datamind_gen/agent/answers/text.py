"""What an answer says beside its numbers: polarity, refusals, instructions to a judge, named parts, words.

Pure reading of text; which reading decides is `matching`'s business.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LATEX = re.compile(r"\\(?:boxed|text|mathrm|textbf)\{([^{}]*)\}|\\[()\[\],]")
_HTML = re.compile(r"</?(?:b|i|u|em|strong|code|span|p|li|ul|ol|br)\b[^<>]*>", re.I)
_EMPHASIS = re.compile(r"\*\*|__|`+")
_LEAD = re.compile(r"^\s*(?:(?:the )?(?:final |correct )?(?:answer|result)(?: is)?\s*[:=-]?\s*)", re.I)


def tidy(text: str) -> str:
    """The text without emphasis, LaTeX wrapping and a leading "Answer:"."""
    text = unicodedata.normalize("NFC", text).replace("\u2212", "−")
    text = _HTML.sub("", text)
    text = _LATEX.sub(lambda found: found[1] or "", text)
    return _EMPHASIS.sub("", text).strip()


def without_lead(text: str) -> str:
    """The text without a leading "The answer is"."""
    return _LEAD.sub("", text, count=1).strip()


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """The text for comparison as a label: no case, accents, quotes or punctuation but + and #."""
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"['’‘`´]", "", text.replace("&", " and "))
    text = re.sub(r"(?<=\d)[.,](?=\d)", "\x00", text)
    return " ".join(re.sub(r"[^\w+#\x00-]|_|(?<!\w)-|-(?!\w)", " ", text).replace("\x00", ".").split())


def squash(text: str) -> str:
    """`fold` without spaces and hyphens."""
    return re.sub(r"[ -]", "", fold(text))


# --- yes and no ---------------------------------------------------------------------------------

_BOTH = re.compile(r"\byes\b\s*(?:and|or|/)\s*\bno\b|\bno\b\s*(?:and|or|/)\s*\byes\b", re.I)
_YES = re.compile(r"^(?:yes|true|correct|right|indeed)\b", re.I)
_NO = re.compile(r"^(?:no(?! doubt)|false|incorrect|not true|not correct|wrong|untrue)\b", re.I)
_CLAIM = (
    r"\b(?:statement|claim|hypothesis|assertion|proposition|it|this|that|answer) (?:is|was|holds|proves)"
    r"(?: indeed| therefore| thus)?(?: to be)? "
)
_HOLDS = re.compile(_CLAIM + r"(?:true|correct|right|supported|confirmed|yes)\b", re.I)
_FAILS = re.compile(
    _CLAIM + r"(?:false|incorrect|wrong|untrue|refuted|rejected|no|(?:not|n't) (?:\w+ )?"
    r"(?:true|correct|right|supported|confirmed))\b",
    re.I,
)


def read_polarity(text: str) -> bool | None:
    """Yes or no, where the text says so plainly."""
    text = without_lead(tidy(text))
    if _BOTH.search(text):
        return None
    if _NO.search(text) or _FAILS.search(text):
        return False
    if _YES.search(text) or _HOLDS.search(text):
        return True
    return None


# --- what is no answer --------------------------------------------------------------------------

_REFUSAL = re.compile(
    r"\b(?:cannot|can't|can not|could not|couldn't|unable to|(?:im|not )possible to|not able to|failed to)"
    r" (?:be )?(?:determin|answer|comput|calculat|find|found|tell|conclu|establish|provid|say|infer|assess)"
    r"|^\W*(?:n/?a|unknown|not available|undetermined|no answer|i (?:do not|don't) know|none given|\?+)\W*$"
    r"|\b(?:not|n't) (?:enough|sufficient) (?:information|data|evidence|context)"
    r"|\binsufficient (?:information|data|evidence|context)\b",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n")
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b(?:\W+\w+){0,4}?\W+"
    r"(?:above|previous|prior|earlier|preceding|instructions?|rules?|prompts?|guidelines)\b"
    r"|\b(?:judges?|graders?|evaluators?|reviewers?|you) (?:must|should|shall|need to|has to|have to|are to)"
    r" (?:\w+ )?(?:answer|reply|output|say|mark|respond|give|score|rate|accept|treat|return|print|choose)\b"
    r"|\bnote (?:to|for) (?:the |all )?(?:judge|grader|evaluator|reviewer)"
    r"|\b(?:mark|treat|accept|count|consider|score|grade|rate) (?:this|it|my|the|our) "
    r"(?:\w+ )?(?:answers?|responses?|solutions?|output)?\W*(?:as|to be)? ?(?:being )?"
    r"(?:correct|right|true|valid|accurate)\b"
    r"|\b(?:give|award|assign) (?:\w+ ){0,3}(?:full|maximum|perfect|highest) "
    r"(?:marks?|scores?|points|credit)\b"
    r"|^\s*(?:system|assistant|developer)\s*:"
    r"|\bthe answers (?:all )?agree\b"
    r"|(?:<|&lt;)\s*/?\s*(?:correct|number|score|reasoning|thought|answer_?\d*|question)\s*>"
    r"|\banswer (?:with )?[\"']?(?:yes|correct|true)[\"']?\W*$",
    re.I | re.M,
)


def is_refusal(text: str) -> bool:
    """Whether the first sentence says that there is no answer."""
    return bool(_REFUSAL.search(_SENTENCE.split(text.strip(), maxsplit=1)[0]))


def is_instruction(text: str) -> bool:
    """Whether the text tells a judge what to do: an answer never does."""
    return bool(_ORDER.search(text))


# --- direction ----------------------------------------------------------------------------------

_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|n't|isn't|aren't|wasn't|doesn't|don't|didn't|lack\w*)\b", re.I
)
_AXES = tuple(
    (re.compile(rf"\b(?:{up})\b", re.I), re.compile(rf"\b(?:{down})\b", re.I))
    for up, down in (
        (
            r"increas\w*|ris(?:e|es|en|ing)|rose|gr(?:ew|ow\w*)|gain\w*|climb\w*|upward",
            r"decreas\w*|declin\w*|drop\w*|f(?:a|e)ll(?:s|en|ing)?|shr[aiu]nk\w*|reduc\w*|los[st]\w*|downward",
        ),
        (r"positiv\w*|direct(?:ly)?", r"negativ\w*|invers\w*"),
        (r"significant(?:ly)?", r"insignificant(?:ly)?|non-?significant"),
        (r"normal(?:ly)?|gaussian", r"non-?normal(?:ly)?|abnormal(?:ly)?"),
        (r"high(?:er|est)?|more|most|larg(?:er|est)|great(?:er|est)|max\w*|top|best|above|longest|oldest",
         r"low(?:er|est)?|less|least|few(?:er|est)|small(?:er|est)|min\w*|bottom|worst|below|shortest|youngest"),
        (r"support(?:s|ed)?|confirm(?:s|ed)?", r"refut(?:e|es|ed)|contradict(?:s|ed)?|reject(?:s|ed)?"),
        (r"strong(?:ly|er)?", r"weak(?:ly|er)?"),
        (r"right|right-skewed", r"left|left-skewed"),
        (r"differ(?:s|ent|ence)?", r"equal|identical"),
    )
)  # fmt: skip
_NTH = re.compile(r"\b(?:second|third|fourth|last|runner-up|2nd|3rd|next)\b", re.I)


@lru_cache(maxsize=4096)
def read_directions(text: str) -> tuple[int, ...]:
    """For each axis of opposites (up and down, significant and not …) 1, -1, or 0 for neither or both.

    A negation within three words before turns a word round.
    """
    found = []
    for up, down in _AXES:
        signs = {_sign(text, match, 1) for match in up.finditer(text)}
        signs |= {_sign(text, match, -1) for match in down.finditer(text)}
        found.append(signs.pop() if len(signs) == 1 else 0)
    return tuple(found)


def _sign(text: str, match: re.Match[str], sign: int) -> int:
    before = re.split(r"[.;,!?]", text[max(0, match.start() - 60) : match.start()])[-1].split()[-3:]
    return -sign if _NEGATION.search(" ".join(before)) else sign


def oppose(mine: str, theirs: str) -> bool:
    """Whether the two texts point in opposite directions on some axis."""
    return any(a * b < 0 for a, b in zip(read_directions(mine), read_directions(theirs), strict=True))


def names_other_rank(clause: str, question: str) -> bool:
    """Whether a clause is about another rank than the one that the question asks for."""
    return oppose(clause, question) or bool(_NTH.search(clause) and not _NTH.search(question))


# --- named parts --------------------------------------------------------------------------------

_NAMED = re.compile(r"@(\w+)\[([^\[\]]*)\]")


def read_named(text: str) -> dict[str, list[str]]:
    """The parts of a `@name[value]` answer, by name in lower case."""
    parts: dict[str, list[str]] = {}
    for name, value in _NAMED.findall(text):
        parts.setdefault(name.lower(), []).append(value.strip())
    return parts
