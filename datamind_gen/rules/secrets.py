"""Secrets and personal data: keys, addresses, phone, card and account numbers in what would be published.

Numbers count only when their own check digits hold (Luhn for cards, mod 97 for IBANs), for tables are full of
long numbers. The finding never repeats what was found. It does not find names or postal addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams


class SecretKind(StrEnum):
    API_KEY = "api_key"
    PRIVATE_KEY = "private_key"
    PASSWORD = "password"
    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    SSN = "ssn"


_API_KEY = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{36,}\b"
    r"|\bhf_[A-Za-z0-9]{30,}\b|\bxox[baprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|\bglpat-[A-Za-z0-9_-]{20,}"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
_PASSWORD = re.compile(
    r"\b(?:password|passwd|pwd|api[_-]?key|secret|token)\s*[=:]\s*['\"](?!\s*['\"])[^'\"\s]{8,}['\"]"
    r"|\b\w+://[^\s:/@]+:[^\s:/@]{4,}@\w",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@(?P<host>[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})\b")
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[-.]\d{3}[-.]\d{4})(?![\w-]|\.\d)"
)
_CARD = re.compile(
    r"(?<![\w.-])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[47]\d\d|6011|65\d\d)(?:[ -]?\d{2,6}){2,4}(?![\w.-]?\d)"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net)|test|invalid|localhost)$", re.IGNORECASE)


class SecretsRule(RowRule):
    name = "secrets"
    reason = Reason.SECRETS

    class Params(RuleParams):
        kinds: tuple[SecretKind, ...] = tuple(SecretKind)
        allow_hosts: tuple[str, ...] = ()
        """Hosts whose e-mail addresses may be published; example.com and its like always may."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        for place, text in _published(candidate):
            for kind, start in self._find(text):
                if kind in self.params.kinds:
                    return RuleFinding(f"{kind} in {place}, at character {start}")
        return None

    def _find(self, text: str) -> Iterator[tuple[SecretKind, int]]:
        simple = (
            (SecretKind.API_KEY, _API_KEY),
            (SecretKind.PRIVATE_KEY, _PRIVATE_KEY),
            (SecretKind.PASSWORD, _PASSWORD),
            (SecretKind.PHONE, _PHONE),
            (SecretKind.SSN, _SSN),
        )
        for kind, pattern in simple:
            yield from ((kind, found.start()) for found in pattern.finditer(text))
        for found in _EMAIL.finditer(text):
            host = found["host"].lower()
            if not _RESERVED.search(host) and host not in self.params.allow_hosts:
                yield SecretKind.EMAIL, found.start()
        yield from ((SecretKind.CARD, found.start()) for found in _CARD.finditer(text) if is_card(found[0]))
        yield from ((SecretKind.IBAN, found.start()) for found in _IBAN.finditer(text) if is_iban(found[0]))


def is_card(text: str) -> bool:
    """Whether the digits have a card's length and Luhn's check digit."""
    digits = [int(char) for char in text if char.isdigit()]
    if len(digits) not in (15, 16):
        return False
    doubled = (2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the text has an IBAN's length and check digits (mod 97)."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _published(candidate: Candidate) -> Iterator[tuple[str, str]]:
    yield "the question", candidate.query.question
    for index, turn in enumerate(candidate.trajectory.turns, start=1):
        yield f"turn {index}", turn.text
        yield f"the observation of turn {index}", turn.observation or ""
    yield "the result file", candidate.trajectory.result_csv or ""
