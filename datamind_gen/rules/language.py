"""Language integrity: thoughts and answer are readable, in one language, without loops, and complete.

Looks at what the model wrote in words (thoughts, comments aside; the answer), never at code or observations.
Words that stand in the question or in the observations are data and may be in any script. It does not judge
style, and tells apart only those languages of one script whose most frequent words it knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from pydantic import Field

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams

_GARBLED = re.compile(
    r"[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffe\uffff]"
    r"|(?:Ã[\x80-\xbf©¨¢ª®¯]|â€[™œ\x9d“”¦]|[ÐÑ][\x80-\xbf°±²³´µ¶·¸¹º»¼½¾]){2,}"
)
_LOOP = re.compile(r"(?P<unit>[^\n]{2,60}?)(?P=unit){5,}")
_RULE_LINE = re.compile(r"^[\W_\d]*$")
_UNFINISHED = re.compile(
    r"(?:[,;:(\[{/&+=]|\b(?:and|or|the|a|an|of|with|for|to|because|which|that|than|is|are))$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+")
_COMMON_WORDS = {
    "en": "the and is are of that this with for was were from which have not by",
    "fr": "les des est dans une pour que qui avec sur sont pas cette nous aux mais",
    "de": "der die das und ist nicht mit ein eine für auf den dem sind wird auch",
    "es": "los las una que con para por está son como más pero este esta del muy",
    "pt": "uma não com para são mas como dos das você isso então também pelo pela",
    "it": "gli della che con per una sono non più questo questa nel alla anche come",
    "nl": "het een van dat niet met zijn voor ook maar deze wordt naar bij dan uit",
}
_LANGUAGES = {language: frozenset(words.split()) for language, words in _COMMON_WORDS.items()}


class LanguageRule(RowRule):
    name = "language"
    reason = Reason.LANGUAGE

    class Params(RuleParams):
        max_foreign_share: float = Field(0.02, ge=0, le=1)
        """Letters of other scripts than the question's, among all letters."""
        max_repeated_lines: int = Field(3, ge=1)
        """How often one line of a text may stand in it."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        trajectory = candidate.trajectory
        seen = " ".join([candidate.query.question, *(turn.observation or "" for turn in trajectory.turns)])
        known = frozenset(_WORD.findall(seen))
        texts = [(f"turn {i}", turn.thought or "") for i, turn in enumerate(trajectory.turns, start=1)]
        texts.append(("the answer", trajectory.answer or ""))
        for place, text in texts:
            found = self._find(text, seen)
            if found:
                return RuleFinding(f"{place}: {found}")
        whole = "\n".join(text for _, text in texts)
        mixed = self._find_mixture(whole, candidate.query.question, known) or _find_truncation(candidate)
        return RuleFinding(mixed) if mixed else None

    def _find(self, text: str, seen: str) -> str:
        garbled = _GARBLED.search(text)
        if garbled and garbled[0] not in seen:
            return f"garbled text near {_show(text, garbled.start())}"
        for loop in _LOOP.finditer(text):
            if len(loop[0]) >= 24 and re.search(r"[^\W\d_]", loop["unit"]):
                return f"{loop['unit'].strip()!r} is repeated without end"
        lines = Counter(line.strip() for line in text.splitlines() if not _RULE_LINE.match(line))
        for line, count in lines.items():
            if count > self.params.max_repeated_lines and len(line) > 12:
                return f"the line {line[:40]!r} stands there {count} times"
        return ""

    def _find_mixture(self, text: str, question: str, known: frozenset[str]) -> str:
        words = [word for word in _WORD.findall(text) if word not in known]
        home = _main_script(question) or _main_script(text)
        foreign = [word for word in words if not {_script(char) for char in word} <= {home, ""}]
        letters = sum(map(len, words)) or 1
        strange = sum(sum(_script(char) not in (home, "") for char in word) for word in foreign)
        hybrid = next((word for word in foreign if home in {_script(char) for char in word}), None)
        if hybrid is not None and len(hybrid) > 3:
            return f"a word of two scripts: {hybrid[:30]!r}"
        if strange >= 4 and strange / letters > self.params.max_foreign_share:
            return f"another script: {' '.join(foreign)[:40]!r}"
        return _find_second_language(words, question)


def _find_second_language(words: list[str], question: str) -> str:
    counts = Counter(word.lower() for word in words)
    asked = Counter(word.lower() for word in _WORD.findall(question))
    scores = {name: sum(counts[word] for word in common) for name, common in _LANGUAGES.items()}
    for name, common in _LANGUAGES.items():
        scores[name] += sum(asked[word] for word in common)
    home = max(scores, key=lambda name: scores[name])
    for name, common in _LANGUAGES.items():
        own = common - _LANGUAGES[home]
        distinct = [word for word in own if counts[word] and not asked[word]]
        if name != home and len(distinct) >= 4 and sum(counts[word] for word in distinct) >= 6:
            return f"two languages, {home} and {name}: {' '.join(sorted(distinct)[:5])!r}"
    return ""


def _find_truncation(candidate: Candidate) -> str:
    trajectory = candidate.trajectory
    if trajectory.turns and trajectory.turns[-1].finish_reason == "length":
        return "the last message was cut by the length limit"
    answer = (trajectory.answer or "").rstrip()
    if _UNFINISHED.search(answer) and len(answer) > 20:
        return f"the answer breaks off: {answer[-30:]!r}"
    if answer.count("(") > answer.count(")") and len(answer) > 20:
        return "the answer breaks off in a parenthesis"
    return ""


def _main_script(text: str) -> str:
    counts = Counter(script for script in map(_script, text) if script)
    return counts.most_common(1)[0][0] if counts else ""


def _script(char: str) -> str:
    """The script of a letter, "" for all else; letters of mathematics belong to every script."""
    if char.isascii():
        return "LATIN" if char.isalpha() else ""
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "").partition(" ")[0]
    if name in (
        "GREEK",
        "MATHEMATICAL",
        "MICRO",
        "ANGSTROM",
        "FEMININE",
        "MASCULINE",
        "SUPERSCRIPT",
        "MODIFIER",
    ):
        return ""
    return "CJK" if name in ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL") else name


def _show(text: str, place: int) -> str:
    return repr(text[max(0, place - 10) : place + 20])
