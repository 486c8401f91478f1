"""What the typed pipeline allows at a key path: read off the pydantic models, never written down twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from datamind_gen.spec.document import Key, KeyPath, Node

DISCRIMINATOR = "provider"
"""The key that decides which kind of model a section describes."""


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A section's fields by the key that a user writes."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def allowed_models(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The sections that may stand where this is the annotation; none where a plain value stands."""
    if get_origin(annotation) is Annotated:
        return allowed_models(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(model for member in get_args(annotation) for model in allowed_models(member))
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation,) if is_model else ()


def is_merged(annotation: Any) -> bool:
    """Whether a section stands here that is merged key by key when a pipeline extends another."""
    models = allowed_models(annotation)
    return bool(models) and not any(getattr(model, "replaced_whole", False) for model in models)


def allows_none(annotation: Any) -> bool:
    """Whether `null` may stand here."""
    if get_origin(annotation) is Annotated:
        return allows_none(get_args(annotation)[0])
    return annotation is type(None) or type(None) in get_args(annotation)


def annotation_of(annotation: Any, key: Key, node: Node | None = None) -> Any:
    """What stands under a key; None when it is not known. `node` helps to choose among kinds of model."""
    models = choose_models(annotation, node)
    for model in models:
        if (info := fields_of(model).get(str(key))) is not None:
            return info.annotation
    if models:
        return None
    return _item_annotation(annotation)


def choose_models(annotation: Any, node: Node | None) -> tuple[type[BaseModel], ...]:
    """The sections that may stand here; only the one that `provider` names, where the node says."""
    models = allowed_models(annotation)
    said = node.child(DISCRIMINATOR) if node is not None else None
    if said is None or len(models) < 2:
        return models
    return tuple(model for model in models if said.value in _literals(model, DISCRIMINATOR)) or models


def annotation_at(root: Any, path: KeyPath, node: Node | None) -> Any:
    """What stands at a key path."""
    annotation = root
    for key in path:
        annotation = annotation_of(annotation, key, node)
        node = node.child(key) if node is not None else None
    return annotation


def keys_at(root: Any, path: KeyPath, node: Node | None) -> tuple[str, ...]:
    """The keys that may stand in the section at a key path; none when it is no section."""
    annotation = annotation_at(root, path, node)
    models = choose_models(annotation, node.get(*path) if node is not None else None)
    return tuple(sorted({key for model in models for key in fields_of(model)}))


@cache
def sections_of_keys(root: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    """For every key, the key paths of the sections that know it."""
    found: dict[str, list[str]] = {}
    for path, key in _walk(root, ()):
        found.setdefault(key, []).append(".".join(path))
    return {key: tuple(dict.fromkeys(paths)) for key, paths in found.items()}


def _walk(model: type[BaseModel], path: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    for key, info in fields_of(model).items():
        yield path, key
        for child in allowed_models(info.annotation):
            yield from _walk(child, (*path, key))


def _literals(model: type[BaseModel], key: str) -> tuple[Any, ...]:
    info = fields_of(model).get(key)
    return get_args(info.annotation) if info and get_origin(info.annotation) is Literal else ()


def _item_annotation(annotation: Any) -> Any:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _item_annotation(members[0])
    if origin in (Union, UnionType):
        return next((item for member in members if (item := _item_annotation(member)) is not None), None)
    if origin is dict:
        return members[1]
    if origin in (tuple, list):
        return members[0]
    return None
