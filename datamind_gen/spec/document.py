"""YAML read with the place of every value kept, so that a mistake can be shown where it was made.

    document = read_document(Path("pipelines/mine.yaml"))
    document.root.get("sample", "turns").place      # mine.yaml:12:3

Mistakes of form (syntax, a key written twice, an unknown tag) are collected, not raised. What the values
mean is not known here; taxonomies may be read with it just as well as pipelines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

from datamind_gen.spec.problems import Problem

Key = str | int | float
KeyPath = tuple[Key, ...]
OMITTED = object()
"""The value of a list's item that was taken out."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text that values come from: a file, or the command line."""

    name: str
    """As messages show it."""
    folder: Path
    """What relative paths in it are relative to."""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands; that of its key, if it has one. Line and column count from 1."""

    source: Source
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}" if self.line else self.source.name

    @property
    def excerpt(self) -> str:
        """The line itself."""
        lines = self.source.lines
        return lines[self.line - 1] if 0 < self.line <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place: a scalar, a list of nodes, or a mapping to nodes."""

    value: Any
    place: Place

    def child(self, key: Key) -> Node | None:
        """The entry or item of that key, if there is one."""
        if isinstance(self.value, dict):
            found: Node | None = self.value.get(key)
            return found
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            item: Node = self.value[key]
            return item
        return None

    def get(self, *path: Key) -> Node | None:
        """The node at a key path, if there is one."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node is not None else None
        return node

    def items(self) -> Iterator[tuple[Key, Node]]:
        """Keys and nodes of a mapping or a list; nothing of a scalar."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value if node.value is not OMITTED]
        return self.value

    def with_child(self, key: Key, child: Node) -> Node:
        """A copy in which the entry of that key is replaced, added, or (a list's next index) appended."""
        if isinstance(self.value, list):
            assert isinstance(key, int)
            return replace(self, value=[*self.value[:key], child, *self.value[key + 1 :]])
        return replace(self, value={**self.value, key: child})

    def without(self, path: KeyPath) -> Node:
        """A copy without what stands at a key path. The other items of a list keep their indices."""
        key, *rest = path
        child = self.child(key)
        if child is None:
            return self
        if rest:
            return self.with_child(key, child.without(tuple(rest)))
        if isinstance(self.value, list):
            return self.with_child(key, replace(child, value=OMITTED))
        return replace(self, value={other: node for other, node in self.value.items() if other != key})


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content and what is wrong with its form. `root` is None when it cannot be read at all."""

    source: Source
    root: Node | None
    problems: tuple[Problem, ...] = ()


def write_path(path: KeyPath) -> str:
    """A key path as a user writes it after --set: `sources.0.path`."""
    return ".".join(str(key) for key in path)


def problem_at(place: Place, message: str, **more: Any) -> Problem:
    """A problem at a place; `more` are Problem's other fields."""
    return Problem(
        file=place.source.name,
        line=place.line,
        column=place.column,
        message=message,
        excerpt=place.excerpt,
        **more,
    )


def show_path(path: Path) -> str:
    """A path as messages show it: relative to the working directory where it lies below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def read_document(path: Path) -> Document:
    """A YAML file as nodes. A file that is missing or no text is a problem of the document too."""
    source = Source(show_path(path), path.resolve().parent)
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Document(
            source, None, (Problem(file=source.name, message=f"cannot read it: {error.strerror}"),)
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problem = Problem(file=source.name, line=line, message="not UTF-8 text", fix="save the file as UTF-8")
        return Document(source, None, (problem,))
    return parse_document(text, replace(source, lines=tuple(text.splitlines())))


def parse_document(text: str, source: Source) -> Document:
    """YAML text as nodes. An empty text is an empty mapping."""
    reader = _Reader(source)
    try:
        composed = _compose(text)
        root = reader.read(composed) if composed else Node({}, Place(source, 1, 1))
    except yaml.YAMLError as error:
        return Document(source, None, (*reader.problems, _syntax_problem(error, source)))
    return Document(source, root, tuple(reader.problems))


def _compose(text: str) -> yaml.Node | None:
    """libyaml is ten times as fast; of what is wrong, the Python parser says more."""
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=yaml.CSafeLoader)
    return yaml.compose(text, Loader=yaml.SafeLoader)


@dataclass
class _Reader:
    """Turns PyYAML's composed nodes into ours."""

    source: Source
    problems: list[Problem] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)
    _constructor: SafeConstructor = field(default_factory=SafeConstructor)

    def read(self, node: yaml.Node, place: Place | None = None) -> Node:
        place = place or self._place(node)
        if id(node) in self._open:
            self.problems.append(problem_at(place, "an alias stands inside the value that it refers to"))
            return Node(None, place)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return Node(self._read_mapping(node), place)
            if isinstance(node, yaml.SequenceNode):
                return Node([self.read(item) for item in node.value], place)
            return Node(self._read_scalar(node), place)
        finally:
            self._open.discard(id(node))

    def _read_mapping(self, node: yaml.MappingNode) -> dict[Key, Node]:
        self._report_duplicates(node)
        try:
            self._constructor.flatten_mapping(node)
        except ConstructorError as error:
            self.problems.append(_syntax_problem(error, self.source))
        entries: dict[Key, Node] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if isinstance(key_node, yaml.ScalarNode):
                entries[self._read_key(key_node)] = self.read(value_node, place)
            else:
                self.problems.append(problem_at(place, "a key must be a plain word or number"))
        return entries

    def _report_duplicates(self, node: yaml.MappingNode) -> None:
        first: dict[Key, Place] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, place = self._read_key(key_node), self._place(key_node)
            if key in first:
                self.problems.append(
                    problem_at(
                        place,
                        f"`{key}` stands here a second time; the first is on line {first[key].line}",
                        key=str(key),
                        fix="keep one of the two",
                    )
                )
            first.setdefault(key, place)

    def _read_key(self, node: yaml.ScalarNode) -> Key:
        """Numbers are numbers; all else is text, so that `no: 1` and `on: 1` mean what they say."""
        value = self._read_scalar(node)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number else str(node.value)

    def _read_scalar(self, node: yaml.Node) -> Any:
        try:
            return self._constructor.construct_object(node)
        except ConstructorError as error:
            self.problems.append(_syntax_problem(error, self.source))
        except ValueError as error:
            self.problems.append(
                problem_at(self._place(node), str(error), fix="put it in quotes to mean text")
            )
        return None

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.source, node.start_mark.line + 1, node.start_mark.column + 1)


def _syntax_problem(error: yaml.YAMLError, source: Source) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1, 1)
    message = f"not valid YAML: {said}" + (f" ({context})" if context else "")
    return problem_at(place, message, fix=_advise(said, place))


def _advise(said: str, place: Place) -> str:
    if "'\\t'" in said:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in said:
        return "put text that holds `: ` in quotes, and check the indentation of the line above"
    if "could not determine a constructor" in said:
        return "remove the tag that starts with `!`; only plain values may stand here"
    if "cannot start any token" in said or "expected alphabetic" in said:
        return "put text that starts with a special character in quotes"
    if "expected <block end>" in said or "could not find expected ':'" in said:
        return "check the indentation of this line and of the one above, and that each key ends in `:`"
    if "undefined alias" in said:
        return "define the anchor (`&name`) above its first use"
    return "check quotes, brackets and indentation here"
