"""Which encoding a text file is in.

UTF-8 proves itself. Beyond it every single-byte codec "succeeds", so the choice is made by what comes
out: the accented letters of one language inside words, curly quotes at word ends and currency before
digits speak for a codec, control characters and symbols inside words against it. charset-normalizer
judges other scripts.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_WESTERN = ("cp1252", "mac_roman", "cp850", "cp437", "cp1250", "cp1254", "cp1257")
_OTHER_SCRIPTS = (
    "cp932", "gb18030", "big5", "euc_kr", "euc_jp", "cp1251", "koi8_r", "cp866", "mac_cyrillic", "cp1253",
    "cp1255", "cp1256", "cp874",
)  # fmt: skip
_MOJIBAKE = re.compile(r"Ã[\x80-\xbf©¨¡¢£¤¶¼±³º\u00a0-\u00bf]|â€[™œ\u009d“”¦\u0093\u0094]|Â[£°©®\u00a0]")
_LANGUAGES = {
    "": (
        "àâæçéèêëîïôœùûüÿ", "äöüß", "áéíóúüñ", "áâãàçéêíóôõúü", "àèéìíòóùú", "åäöæøéü", "áéèëïöüó",
        "áéíóúýþæðö", "àçèéíïòóúü", "äöõüšž",
    ),
    "cp1250": ("áčďéěíňóřšťúůýžäľĺŕô", "ąćęłńóśźż", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß"),
    "cp1254": ("çğıöşüâîİ", "äöüß", "àâæçéèêëîïôœùûüÿ"),
    "cp1257": ("āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž", "åäöæø"),
}  # fmt: skip
"""The letters beyond ASCII of the languages that a codec is used for; "" stands for western Europe."""
_WEST = set("".join(_LANGUAGES[""]) + "".join(_LANGUAGES[""]).upper()) - set("þðýÞÐÝ")
_PUNCTUATION = set("‘’“”–—…•«»‹›„‚´`·¿¡†‡®©™ºª")
_BEFORE_DIGIT = set("£€$±≤≥¥¢§×")
_CURRENCY = set("£€¥")
_AFTER_DIGIT = set("°%‰²³½¼¾€£¢×")
_SAMPLE = 400_000
_MANY_BYTES = 6
"""Different high bytes that a text of another script has at least: one sign (£) again and again is none."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding that Python and pandas know, and how sure it is."""

    name: str
    evidence: str
    errors: str = "strict"
    """`replace` when some bytes fit no codec."""
    confidence: float = 1.0
    bad_bytes: int = 0
    double_encoded: bool = False


def find_encoding(raw: bytes, *, whole: bool = True) -> Encoding:
    """The encoding of the bytes; `whole` says whether they are the file's end as well."""
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return Encoding(name, "a byte order mark")
    wide = _wide(raw)
    if wide:
        return wide
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
    except UnicodeDecodeError:
        return _beyond_utf8(raw)
    if text.isascii():
        if b"\x1b$" in raw or b"\x1b(" in raw:
            return Encoding("iso2022_jp", "escape sequences of ISO-2022-JP", confidence=0.9)
        return Encoding("utf-8", "plain ASCII")
    doubled = len(_MOJIBAKE.findall(text))
    if doubled > 0 and doubled >= 0.3 * sum(1 for sign in text[:_SAMPLE] if ord(sign) > 127) / 2:
        return Encoding(
            "utf-8", "valid UTF-8, but the text was encoded twice", double_encoded=True, confidence=0.9
        )
    return Encoding("utf-8", "valid UTF-8 throughout")


def _wide(raw: bytes) -> Encoding | None:
    """UTF-16 without a mark: every second byte of Latin text is NUL."""
    head = raw[:4096]
    if len(head) < 8 or head.count(0) < 0.3 * len(head):
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.8 * len(head) / 2 and even < 0.1 * len(head):
        return Encoding("utf-16-le", "every second byte is NUL", confidence=0.95)
    if even > 0.8 * len(head) / 2 and odd < 0.1 * len(head):
        return Encoding("utf-16-be", "every first byte is NUL", confidence=0.95)
    return None


def _beyond_utf8(raw: bytes) -> Encoding:
    sequences = len(
        re.findall(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", raw)
    )
    bad = raw.decode("utf-8", errors="replace").count("\ufffd") - raw.count(b"\xef\xbf\xbd")
    if sequences >= 3 * max(bad, 1):
        evidence = f"{sequences} valid UTF-8 sequences and {bad} bytes that fit none"
        return Encoding("utf-8", evidence, "replace", confidence=0.8, bad_bytes=bad)
    high = bytes(sorted({byte for byte in raw if byte > 127}))
    sample = _lines_with_high_bytes(raw)
    letters = sum(1 for byte in sample if byte > 127 or chr(byte).isalpha())
    share = sum(1 for byte in sample if byte > 127) / max(letters, 1)
    if share > 0.25 and len(high) >= _MANY_BYTES:
        found = _other_script(sample)
        if found:
            return found
    scores = sorted(
        ((_score(sample, name), -place, name) for place, name in enumerate(_WESTERN)), reverse=True
    )
    best, _, name = scores[0]
    sure = 0.95 if best > 0.6 else 0.75
    evidence = f"not UTF-8; {len(high)} different high bytes read best as {name}"
    if name == "cp1252" and {0x81, 0x8D, 0x8F, 0x90, 0x9D} & set(high):
        return Encoding("latin-1", evidence + " with undefined bytes", confidence=0.7)
    return Encoding(name, evidence, confidence=sure)


def _lines_with_high_bytes(raw: bytes) -> bytes:
    lines = [line for line in re.split(rb"[\r\n]+", raw) if not line.isascii()]
    return b"\n".join(lines)[:_SAMPLE]


def _other_script(sample: bytes) -> Encoding | None:
    best = from_bytes(sample[:60_000], cp_isolation=[*_OTHER_SCRIPTS, "cp1252", "cp1250"]).best()
    if best is None or best.encoding not in _OTHER_SCRIPTS:
        return None
    return Encoding(
        best.encoding, f"charset-normalizer: {best.language}, chaos {best.chaos:.2f}", confidence=0.85
    )


def _score(sample: bytes, name: str) -> float:
    """How much the high characters look at home in one language, from -2 to 1 each, as an average."""
    text = sample.decode(name, errors="replace")
    seen: Counter[tuple[str, str, str]] = Counter()
    for place, sign in enumerate(text):
        if ord(sign) < 128:
            continue
        before = text[place - 1] if place else " "
        after = text[place + 1] if place + 1 < len(text) else " "
        seen[sign, before, after] += 1
        if seen.total() > 4000:
            break
    if not seen:
        return 0.0
    known = _WEST if name not in _LANGUAGES else set()
    totals = []
    for letters in _LANGUAGES.get(name, _LANGUAGES[""]):
        home = set(letters + letters.upper())
        totals.append(sum(_fitness(*where, home, known) * count for where, count in seen.items()))
    return max(totals) / seen.total()


def _fitness(sign: str, before: str, after: str, home: set[str], known: set[str]) -> float:
    category = unicodedata.category(sign)
    if category in ("Cc", "Co", "Cn") or sign == "\ufffd":
        return -2.0
    inside = before.isalpha() and after.isalpha()
    if category[0] == "L":
        if sign.isupper() and before.islower():
            return -1.0
        if sign.islower() and before.isupper() and after.isupper():
            return -0.5
        near = before.isalpha() or after.isalpha()
        return (1.0 if sign in home else 0.7 if sign in known else 0.2) if near else -0.3
    if sign == "\u00a0":
        return 0.5
    if sign == "’" and before.isalpha():
        return 1.0
    if sign in _AFTER_DIGIT and before.isdigit():
        return 1.0
    if sign in _BEFORE_DIGIT and after.isdigit():
        return 1.0
    if sign in _CURRENCY and not before.isalpha() and (not after.isalpha() or after in "mkb"):
        return 1.0  # (£), £m, £bn
    if sign in _PUNCTUATION:
        return 0.2 if inside else 0.8
    return -1.0 if inside else -0.2
