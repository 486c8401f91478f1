"""Every name that a program uses is one of its own slots.

`find_misnamed` looks where slots and answers refer to slots, `find_bad_templates` into the templates. Both
read the YAML as it was written, so that they find their mistakes beside those of a program's shape.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamind_gen.spec.document import Key, KeyPath, Node, Place, problem_at, write_path
from datamind_gen.spec.problems import Problem, find_nearest
from datamind_gen.taxonomy.render import RenderError, template_variables
from datamind_gen.taxonomy.schema import RESERVED

ENGINE: Mapping[str, tuple[str, ...]] = {
    "python": ("decimals",),
    "sql": ("table", "decimals", "dialect"),
    "words": (),
}
"""What each language's templates may name beside slots."""
_OF_COLUMN = ("quantile_of", "value_of", "values_of", "date_of", "year_of")
_REFERENCES = (*_OF_COLUMN, "other_than")
_NO_COLUMN = ("number", "choice", *_OF_COLUMN)
_TEMPLATES = (
    ("question", "words"),
    ("phrase", "words"),
    ("thought", "words"),
    ("python", "python"),
    ("guards", "python"),
    ("sql", "sql"),
)


def programs_of(category: Node) -> Iterator[tuple[int, Node]]:
    """The programs of a category's file that are at least mappings, with their indices."""
    listed = category.child("programs")
    if listed is not None and isinstance(listed.value, list):
        for index, program in enumerate(listed.value):
            if isinstance(program.value, dict):
                yield index, program


def problem_in(
    category: Node, path: KeyPath, said: str, *, place: Place | None = None, **more: Any
) -> Problem:
    """A problem at a key path of a category's file, told with the program that it is in; at `place` where
    that is more exact."""
    called, inside = _called(category), path
    if path[:1] == ("programs",) and len(path) > 1:
        own = category.get(*path[:2], "name")
        called, inside = f"{called}/{own.value if own else path[1]}", path[2:]
    depths = range(len(path), -1, -1)
    nearest = next(node for depth in depths if (node := category.get(*path[:depth])) is not None)
    told = ": ".join(part for part in (called, write_path(inside), said) if part)
    return problem_at(place or nearest.place, told, key=write_path(path), **more)


def _called(category: Node) -> str:
    name = category.child("name")
    return str(name.value) if name else Path(category.place.source.name).stem


def find_misnamed(category: Node) -> Iterator[Problem]:
    """References of slots and answers to slots that are none, and names that are taken."""
    programs: set[str] = set()
    for index, program in programs_of(category):
        path: KeyPath = ("programs", index)
        if (name := program.child("name")) is not None:
            if str(name.value) in programs:
                yield problem_in(category, (*path, "name"), "another program has that name")
            programs.add(str(name.value))
        slots = _entries(program, "slots")
        columns = [key for key, slot in slots.items() if not any(map(slot.child, _NO_COLUMN))]
        for inside, node in _references(program):
            kind, valid = ("slot", list(slots)) if inside[-1] == "other_than" else ("column slot", columns)
            if isinstance(node.value, str) and node.value not in valid:
                yield _no_slot(category, (*path, *inside), node.value, kind, valid)
        for key in slots.keys() & RESERVED:
            fix = f"taken: {', '.join(sorted(RESERVED))}"
            yield problem_in(category, (*path, "slots", key), "that name is taken", value=key, fix=fix)


def _references(program: Node) -> Iterator[tuple[KeyPath, Node]]:
    """Where a program's slots and answer refer to its slots."""
    places: list[KeyPath] = [("gives", "of"), ("gives", "unit_of"), ("gives", "whole")]
    places += [("slots", name, key) for name in _entries(program, "slots") for key in _REFERENCES]
    given = program.get("gives", "columns")
    places += [("gives", "columns", index, "like") for index, _ in given.items()] if given else []
    for path in places:
        if (node := program.get(*path)) is not None:
            yield path, node


def find_bad_templates(category: Node, index: int) -> Iterator[Problem]:
    """Templates of a program that do not parse, and names in them that are no slots."""
    program = category.get("programs", index)
    assert program is not None
    slots = list(_entries(program, "slots"))
    for inside, kind, node in _templates(program):
        path: KeyPath = ("programs", index, *inside)
        known = [*slots, *ENGINE[kind]]
        if inside == ("gives", "statement"):
            known += _entries(program, "gives", "claims")
        try:
            unknown = template_variables(node.value) - set(known)
        except RenderError as error:
            place = _line_within(node.place, error.line)
            fix = "a slot is `{{ name }}`, a condition `{% if … %} … {% endif %}`"
            yield problem_in(category, path, str(error), place=place, fix=fix)
            continue
        for name in sorted(unknown):
            yield _no_slot(category, path, name, "slot", known, line_of(node.place, name))


def _templates(program: Node) -> Iterator[tuple[KeyPath, str, Node]]:
    """Path, language and text of each."""
    found: list[tuple[KeyPath, str, Node | None]] = []
    for key, kind in _TEMPLATES:
        node = program.child(key)
        found.append(((key,), kind, node))
        if node is not None and isinstance(node.value, list):
            found += [((key, item), kind, child) for item, child in node.items()]
    found.append((("gives", "statement"), "words", program.get("gives", "statement")))
    columns = program.get("gives", "columns")
    for item, column in columns.items() if columns is not None else ():
        found.append((("gives", "columns", item, "words"), "words", column.child("words")))
    for path, kind, node in found:
        if node is not None and isinstance(node.value, str):
            yield path, kind, node


def _entries(node: Node, *path: Key) -> dict[str, Node]:
    """A mapping's entries by key; none where it is no mapping."""
    found = node.get(*path)
    is_mapping = found is not None and isinstance(found.value, dict)
    return {str(key): child for key, child in found.items()} if found is not None and is_mapping else {}


def _no_slot(
    category: Node, path: KeyPath, name: str, kind: str, valid: Collection[str], place: Place | None = None
) -> Problem:
    return problem_in(
        category,
        path,
        f"`{name}` is no {kind}",
        place=place,
        value=name,
        nearest=find_nearest(name, valid),
        fix=f"{kind}s: {', '.join(valid) or 'none'}",
    )


def _line_within(place: Place, line: int) -> Place:
    """The line of a text, in the file, when the text is a block that begins below its key."""
    is_block = re.search(r"\|[+-]?\s*$", place.excerpt) is not None
    return replace(place, line=place.line + line, column=1) if is_block else place


def line_of(place: Place, name: str) -> Place:
    """Where a word first stands from a place on."""
    for line in range(place.line, len(place.source.lines) + 1):
        if found := re.search(rf"\b{re.escape(name)}\b", place.source.lines[line - 1]):
            return replace(place, line=line, column=found.start() + 1)
    return place
