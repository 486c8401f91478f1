"""What `--set a.b=c` does to a pipeline: one value set, at a dotted key path with indices for lists.

The value is read as YAML (`3`, `true`, `[a, b]`, `{model: 0.7}`). A path is relative to the working
directory, as a shell completes it. Naming another `provider` drops what was said for the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from datamind_gen.spec.document import (
    Key,
    KeyPath,
    Node,
    Place,
    Source,
    parse_document,
    problem_at,
    write_path,
)
from datamind_gen.spec.layers import EXTENDS
from datamind_gen.spec.problems import Problem
from datamind_gen.spec.shape import DISCRIMINATOR


def apply_override(root: Node, override: str, *, option: str = "--set ") -> Node | Problem:
    """The pipeline with one `a.b=c` set, or what is wrong with it. `option` is what the user wrote before
    it (a recipe's overrides have none)."""
    source = Source(option + override, Path.cwd())
    place = Place(source, 0, 0)
    dotted, equals, text = override.partition("=")
    parts = [part.strip() for part in dotted.split(".")]
    if not equals or not all(parts):
        return problem_at(place, "not of the form key.path=value", fix=f"as in `{option}seed=5`")
    if parts[0] == EXTENDS:
        return problem_at(place, "`extends` cannot be set here", fix="write it in a pipeline of your own")
    document = parse_document(text, source)
    if document.problems or document.root is None:
        return replace(document.problems[0], line=0, column=0, key=dotted)
    value = _at_place(document.root, place) if text.strip() else Node(None, place)
    path = _read_path(root, parts, place)
    if isinstance(path, Problem):
        return path
    if path[-1] == DISCRIMINATOR:
        root = _drop_other_provider(root, path[:-1], value)
    return _replace_at(root, path, value)


def _read_path(root: Node, parts: Sequence[str], place: Place) -> KeyPath | Problem:
    path: list[Key] = []
    node: Node | None = root
    for part in parts:
        if node is None or node.value is None:
            path.append(_number_or_text(part))
            continue
        key: Key = _number_or_text(part)
        fix = ""
        if isinstance(node.value, list):
            size = len(node.value)
            if not isinstance(key, int) or not 0 <= key <= size:
                fix = f"the list has {size} item{'' if size == 1 else 's'}, counted from 0; {size} appends"
        elif not isinstance(node.value, dict):
            fix = f"set `{write_path(tuple(path))}` itself"
        if fix:
            where = write_path((*path, part))
            return problem_at(place, f"`{where}` does not exist", key=where, value=part, fix=fix)
        path.append(key)
        node = node.child(key)
    return tuple(path)


def _number_or_text(part: str) -> Key:
    return int(part) if part.isdecimal() else part


def _drop_other_provider(root: Node, section: KeyPath, said: Node) -> Node:
    node = root.get(*section)
    was = node.child(DISCRIMINATOR) if node is not None else None
    if node is None or was is None or was.value == said.value:
        return root
    set_here = {key: child for key, child in node.items() if not child.place.line}
    return _replace_at(root, section, Node(set_here, said.place))


def _replace_at(root: Node, path: KeyPath, value: Node) -> Node:
    key, *rest = path
    if not rest:
        return root.with_child(key, value)
    child = root.child(key)
    if child is None or child.value is None:
        child = Node({}, value.place)
    return root.with_child(key, _replace_at(child, tuple(rest), value))


def _at_place(node: Node, place: Place) -> Node:
    if isinstance(node.value, dict):
        return Node({key: _at_place(child, place) for key, child in node.value.items()}, place)
    if isinstance(node.value, list):
        return Node([_at_place(child, place) for child in node.value], place)
    return Node(node.value, place)
