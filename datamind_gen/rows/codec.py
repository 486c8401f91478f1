"""Rows as JSON text, and the hashes, ids and seeds made from it: the only codec there is."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> str:
    """JSON text of a row: sorted keys, no spaces, and so fit for hashing."""
    plain = _adapter(type(value)).dump_python(value, mode="json")
    return dump_json(plain)


def decode(kind: type[T], text: str) -> T:
    """The row that `encode` wrote. Raises pydantic.ValidationError."""
    row: T = _adapter(kind).validate_json(text)
    return row


def dump_json(plain: Any) -> str:
    """Canonical JSON: the form that is hashed and published."""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_text(*parts: str) -> str:
    """A hex sha256 over the parts, each delimited."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()


def make_id(kind: str, *parts: str) -> str:
    """A row's id: its kind and 16 hex digits over what made it."""
    return f"{kind}-{hash_text(kind, *parts)[:16]}"


def seed_from(*parts: str) -> int:
    """A 63-bit seed that depends on the parts alone."""
    return int(hash_text(*parts)[:16], 16) >> 1
