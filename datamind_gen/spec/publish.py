"""What a pipeline says about publishing: what the dataset is called, and which licences may go out."""

from __future__ import annotations

import difflib
import re
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from datamind_gen.spec.section import Section

LICENSE_CLASSES = (
    "permissive",
    "attribution",
    "share_alike",
    "non_commercial",
    "no_derivatives",
    "unknown",
)
"""The classes that a licence falls into; a policy may name a class, a licence or a pattern."""


class LicenseAction(StrEnum):
    """What publishing does with a file under a licence."""

    ALLOW = "allow"
    WARN = "warn"
    """Published, and named in the terminal and on the card."""
    REFUSE = "refuse"
    """Neither the file nor a row made from it is published."""


class LicensePolicy(Section):
    """`publish.licenses:` in a pipeline.

    Each entry is a class (`non_commercial`), a licence (`CC-BY-4.0`) or a pattern (`CC-BY-NC*`), without
    regard to case. A licence's own name beats a pattern, and a pattern beats a class; at the same rank
    `refuse` beats `warn` beats `allow`. What no entry covers is a warning.
    """

    allow: tuple[str, ...] = ("permissive", "attribution")
    """Published without a word beyond the card's list."""
    warn: tuple[str, ...] = ("share_alike", "unknown")
    """Published, with a warning."""
    refuse: tuple[str, ...] = ("non_commercial", "no_derivatives")
    """Not published: neither the files nor the rows made from them."""

    @field_validator("allow", "warn", "refuse")
    @classmethod
    def _check_spelling(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            slug = re.sub(r"[\s-]+", "_", entry.strip().lower())
            near = difflib.get_close_matches(slug, LICENSE_CLASSES, n=1, cutoff=0.8)
            if near and entry != near[0]:
                raise ValueError(f"`{entry}` is no licence class; write `{near[0]}`")
        return entries

    @model_validator(mode="after")
    def _check_overlap(self) -> LicensePolicy:
        seen: dict[str, str] = {}
        for action in LicenseAction:
            for entry in self._entries(action):
                if entry.lower() in seen:
                    raise ValueError(f"`{entry}` stands under {seen[entry.lower()]} and {action}; keep one")
                seen[entry.lower()] = action
        return self

    def action(self, license: str, license_class: str) -> LicenseAction:
        """What to do with a file of that licence text and class."""
        text = license.strip().lower()
        for matches in (
            lambda entry: entry == text,
            lambda entry: any(mark in entry for mark in "*?[") and fnmatchcase(text, entry),
            lambda entry: entry == license_class,
        ):
            for action in (LicenseAction.REFUSE, LicenseAction.WARN, LicenseAction.ALLOW):
                if any(matches(entry.strip().lower()) for entry in self._entries(action)):
                    return action
        return LicenseAction.WARN

    def _entries(self, action: LicenseAction) -> tuple[str, ...]:
        match action:
            case LicenseAction.ALLOW:
                return self.allow
            case LicenseAction.WARN:
                return self.warn
            case LicenseAction.REFUSE:
                return self.refuse


class PublishSettings(Section):
    """`publish:` in a pipeline."""

    repo_id: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """Where `push` puts the dataset when no other place is given: `owner/name` on the Hub."""
    private: bool = False
    """Whether `push` makes a private repository."""
    tags: tuple[str, ...] = ()
    """More tags for the card, beside the engine's own."""
    language: tuple[str, ...] = ("en",)
    """Languages of the questions, as ISO 639 codes."""
    licenses: LicensePolicy = LicensePolicy()
    """Which source licences may be published."""
    shard_rows: Annotated[int, Field(ge=1)] = 20_000
    """Rows a parquet file holds at most."""
