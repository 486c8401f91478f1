"""A file's licence: declared in the source, found beside the file, or `unknown`.

Found means: a `FILE.license` text, or a LICENSE file that we recognise in the file's own folder (one
higher up may cover code alone); or a Frictionless `datapackage.json` or a tab-separated `MANIFEST.tsv`
with `path` and `license` columns that lists the file, at most three levels up. `judge_license` says
what a licence allows; it is no legal advice.
"""

from __future__ import annotations

import csv
import json
import re
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

UNKNOWN = "unknown"
_LEVELS = 3


class LicenseClass(StrEnum):
    """What a data licence asks of whoever publishes what was made from the data."""

    PERMISSIVE = "permissive"
    ATTRIBUTION = "attribution"
    SHARE_ALIKE = "share_alike"
    NON_COMMERCIAL = "non_commercial"
    NO_DERIVATIVES = "no_derivatives"
    UNKNOWN = "unknown"

    @property
    def may_publish(self) -> bool:
        """Whether a derived dataset may be published for any use (with credit, where asked)."""
        return self in (LicenseClass.PERMISSIVE, LicenseClass.ATTRIBUTION)


_CLASSES: tuple[tuple[str, LicenseClass], ...] = (
    (r"\bnd\b|no.?deriv", LicenseClass.NO_DERIVATIVES),
    (r"\bnc\b|non.?commercial|research only|academic", LicenseClass.NON_COMMERCIAL),
    (r"\bsa\b|share.?alike|odbl|\bgpl|agpl|lgpl|copyleft", LicenseClass.SHARE_ALIKE),
    (r"upstream|does not cover|varies|unclear", LicenseClass.UNKNOWN),
    (r"cc.?by|attribution|odc.?by|\bogl\b|open government|etalab|mit\b|bsd|apache", LicenseClass.ATTRIBUTION),
    (r"cc0|public domain|pddl|unlicense|us-gov|0bsd|zero", LicenseClass.PERMISSIVE),
)
_LICENSE_TEXTS: tuple[tuple[str, str], ...] = (
    (r"CC0 1\.0|No Copyright", "CC0-1.0"),
    (r"Attribution-NonCommercial-ShareAlike 4\.0", "CC-BY-NC-SA-4.0"),
    (r"Attribution-NonCommercial 4\.0", "CC-BY-NC-4.0"),
    (r"Attribution-ShareAlike 4\.0", "CC-BY-SA-4.0"),
    (r"Attribution 4\.0", "CC-BY-4.0"),
    (r"Open Database License", "ODbL-1.0"),
    (r"Open Data Commons Attribution", "ODC-By-1.0"),
    (r"Public Domain Dedication and License", "PDDL-1.0"),
    (r"Apache License,? *\n? *Version 2\.0", "Apache-2.0"),
    (r"MIT License|Permission is hereby granted, free of charge", "MIT"),
    (r"Redistribution and use in source and binary forms", "BSD-3-Clause"),
    (r"Open Government Licence", "OGL-UK-3.0"),
)


def judge_license(license: str) -> LicenseClass:
    """The class of a licence, by its SPDX id or text; UNKNOWN when it says nothing clear."""
    text = re.sub(r"[-_/]+", " ", license.lower())
    for pattern, kind in _CLASSES:
        if re.search(pattern.replace("-", " "), text):
            return kind
    return LicenseClass.UNKNOWN


def find_license(path: Path) -> str:
    """The licence found beside a file, or `unknown`."""
    own = path.with_name(path.name + ".license")
    if own.is_file():
        text = own.read_text(encoding="utf-8", errors="replace").strip()
        match = re.search(r"SPDX-License-Identifier:\s*(\S+)", text)
        return match.group(1) if match else _recognise(text) or text.splitlines()[0][:100]
    folder = path.absolute().parent
    for _ in range(_LEVELS):
        found = _listed(folder).get(path.absolute().relative_to(folder).as_posix())
        if found:
            return found
        folder = folder.parent
    return _whole_folder(path.absolute().parent) or UNKNOWN


@lru_cache(maxsize=256)
def _listed(folder: Path) -> dict[str, str]:
    """Licences by relative path, from a MANIFEST.tsv or a datapackage.json."""
    listed: dict[str, str] = {}
    manifest = folder / "MANIFEST.tsv"
    if manifest.is_file():
        with manifest.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row.get("path") and row.get("license"):
                    listed[row["path"]] = row["license"]
    package = _package(folder)
    resources = package.get("resources")
    for resource in resources if isinstance(resources, list) else []:
        if isinstance(resource, dict) and isinstance(resource.get("path"), str):
            name = _license_name(resource) or _license_name(package)
            if name:
                listed.setdefault(resource["path"], name)
    return listed


@lru_cache(maxsize=256)
def _whole_folder(folder: Path) -> str | None:
    declared = _license_name(_package(folder))
    if declared:
        return declared
    for name in ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "COPYING"):
        file = folder / name
        if file.is_file():
            recognised = _recognise(file.read_text(encoding="utf-8", errors="replace")[:20_000])
            if recognised:
                return recognised
    return None


def _package(folder: Path) -> dict[str, object]:
    file = folder / "datapackage.json"
    if not file.is_file():
        return {}
    try:
        package = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return {}
    return package if isinstance(package, dict) else {}


def _license_name(described: dict[str, object]) -> str | None:
    licenses = described.get("licenses") or [described.get("license")]
    first = licenses[0] if isinstance(licenses, list) and licenses else None
    if isinstance(first, dict):
        first = first.get("name") or first.get("type") or first.get("title")
    return first if isinstance(first, str) and first else None


def _recognise(text: str) -> str | None:
    return next((name for pattern, name in _LICENSE_TEXTS if re.search(pattern, text, re.IGNORECASE)), None)
