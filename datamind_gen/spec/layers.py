"""How a pipeline comes together with those that it extends: the furthest ancestor first, itself last.

Sections are merged key by key. Everything else is replaced whole: numbers, lists, maps of shares, and a
model that names another provider. Every value keeps its place, whichever file it came from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datamind_gen.spec.document import Document, KeyPath, Node, Place, problem_at, read_document
from datamind_gen.spec.problems import Problem, find_nearest, list_names
from datamind_gen.spec.resources import bundled_pipelines
from datamind_gen.spec.shape import DISCRIMINATOR, allows_none, annotation_of, is_merged

EXTENDS = "extends"
NEVER_INHERITED = ("name", "title", "description")


@dataclass(frozen=True, slots=True)
class Layers:
    """A pipeline's own file and all that it extends, nearest first, with what is wrong in their form."""

    files: tuple[Path, ...]
    roots: tuple[Node, ...]
    problems: tuple[Problem, ...]
    is_partial: bool
    """Whether a file could not be read or found, so that what it says is missing."""

    def merge(self, model: Any) -> Node:
        """All layers as one; `model` says which mappings are sections."""
        merged = Node({}, self.roots[0].place)
        for root in reversed(self.roots):
            merged = merge_nodes(merged, root, model)
        return merged


def read_layers(origin: Path) -> Layers:
    """A pipeline's file and what it extends, each read once. Mistakes are collected."""
    files: list[Path] = []
    roots: list[Node] = []
    problems: list[Problem] = []
    is_partial = False
    path: Path | None = origin
    while path is not None:
        files.append(path)
        document = read_document(path)
        problems.extend(document.problems)
        is_partial |= document.root is None
        root = _mapping_of(document, problems)
        extends = root.child(EXTENDS)
        hidden = (EXTENDS,) if path == origin else (EXTENDS, *NEVER_INHERITED)
        for key in hidden:
            root = root.without((key,))
        roots.append(root)
        parent = None if extends is None else _find_parent(extends, path, files)
        if isinstance(parent, Problem):
            problems.append(parent)
            is_partial = True
        path = parent if isinstance(parent, Path) else None
    return Layers(tuple(files), tuple(roots), tuple(problems), is_partial)


def _mapping_of(document: Document, problems: list[Problem]) -> Node:
    root = document.root or Node({}, Place(document.source, 1, 1))
    if isinstance(root.value, dict):
        return root
    fix = "start with keys such as `sources:` and `coverage:`"
    problems.append(problem_at(root.place, "a pipeline is a mapping of sections", fix=fix))
    return Node({}, root.place)


def _find_parent(extends: Node, child: Path, chain: Sequence[Path]) -> Path | Problem:
    if not isinstance(extends.value, str):
        message = f"`{EXTENDS}` takes one pipeline: a path relative to this file, or a bundled name"
        fix = "to extend several, let one extend the next"
        return problem_at(extends.place, message, key=EXTENDS, fix=fix)
    found = locate_pipeline(extends.value, child.parent)
    if isinstance(found, Problem):
        place = extends.place
        return replace(
            found,
            file=place.source.name,
            line=place.line,
            column=place.column,
            excerpt=place.excerpt,
            key=EXTENDS,
        )
    if found in chain:
        names = " -> ".join(path.name for path in (*chain[chain.index(found) :], found))
        message = f"pipelines extend each other in a circle: {names}"
        fix = "remove this `extends`, or one of the others"
        return problem_at(extends.place, message, key=EXTENDS, value=extends.value, fix=fix)
    return found


def locate_pipeline(reference: str, folder: Path) -> Path | Problem:
    """The file that a path relative to a folder, or a bundled pipeline's name, means."""
    bundled = bundled_pipelines()
    candidate = (folder / Path(reference).expanduser()).resolve()
    if candidate.is_file():
        return candidate
    if reference in bundled:
        return bundled[reference].resolve()
    return Problem(
        file=reference,
        message=f"there is no pipeline `{reference}`",
        value=reference,
        nearest=_nearest(reference, candidate, bundled),
        fix=f"give a path to a YAML file, or a bundled name: {list_names(bundled)}",
    )


def _nearest(reference: str, candidate: Path, bundled: Mapping[str, Path]) -> str | None:
    """The pipeline in a folder, the one spelt nearly so beside it, or the bundled one of that name."""
    path = Path(reference)
    if (candidate / "pipeline.yaml").is_file():
        return str(path / "pipeline.yaml")
    siblings = {found.name for found in candidate.parent.glob("*.y*ml")}
    if sibling := find_nearest(path.name, siblings):
        return str(path.with_name(sibling))
    return find_nearest(path.stem if path.suffix in (".yaml", ".yml") else reference, bundled)


def merge_nodes(base: Node, over: Node, annotation: Any) -> Node:
    """One value over another. A section that is written but left empty changes nothing."""
    if not is_merged(annotation) or not isinstance(base.value, dict):
        return over
    if over.value is None:
        return over if allows_none(annotation) else base
    if not isinstance(over.value, dict):
        return over
    said, was = over.child(DISCRIMINATOR), base.child(DISCRIMINATOR)
    if said is not None and was is not None and said.value != was.value:
        return over
    entries = dict(base.value)
    for key, node in over.value.items():
        known = entries.get(key) or Node({}, node.place)
        entries[key] = merge_nodes(known, node, annotation_of(annotation, key, over))
    return Node(entries, over.place)


def localise(node: Node, folder: Path, path: KeyPath = ()) -> Node:
    """The node with the relative paths of files in it made relative to another folder."""
    if isinstance(node.value, dict):
        return replace(
            node, value={key: localise(child, folder, (*path, key)) for key, child in node.items()}
        )
    if isinstance(node.value, list):
        children = [localise(child, folder, (*path, index)) for index, child in enumerate(node.value)]
        return replace(node, value=children)
    written = node.place.source.folder
    if written == folder or not _is_relative_path(path, node.value):
        return node
    return replace(node, value=os.path.relpath(written / node.value, folder))


def _is_relative_path(path: KeyPath, value: object) -> bool:
    if not isinstance(value, str) or value.startswith(("/", "~")):
        return False
    match path:
        case ("prompts",) | ("sources", int(), "path" | "glob" | "folder"):
            return True
        case ("taxonomy",):
            return "/" in value
        case _:
            return False


def name_pipeline(origin: Path) -> str:
    """The name of a pipeline that gives none: its file's, without what a name may not hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", origin.stem).strip("-._") or "pipeline"
