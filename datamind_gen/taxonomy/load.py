"""Reads a taxonomy: `taxonomy.yaml` and, beside it, one YAML file a category.

`load_taxonomy("data_analysis")` finds a shipped taxonomy by name, and any other by its folder. Every
mistake in every file is reported at once, with file and line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from datamind_gen.taxonomy.schema import Category, Strict, Taxonomy

T = TypeVar("T", bound=BaseModel)
_HEAD = "taxonomy.yaml"


class TaxonomyError(ValueError):
    """One or more mistakes in a taxonomy's files, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Head(Strict):
    name: str
    title: str
    description: str


def shipped_taxonomies() -> Path:
    """The folder of the taxonomies that come with the package."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "taxonomies"
    return installed if installed.is_dir() else package.parent / "taxonomies"


def find_taxonomy(name: str | Path) -> Path:
    """The folder of a taxonomy, given as a path or as a shipped one's name. Raises TaxonomyError."""
    for folder in (Path(name), shipped_taxonomies() / name):
        if (folder / _HEAD).is_file():
            return folder
    shipped = sorted(path.parent.name for path in shipped_taxonomies().glob(f"*/{_HEAD}"))
    raise TaxonomyError([f"{name}: no {_HEAD} there; the shipped taxonomies are {', '.join(shipped)}"])


def load_taxonomy(name: str | Path) -> Taxonomy:
    """The taxonomy in a folder, or a shipped one by name. Raises TaxonomyError."""
    folder = find_taxonomy(name)
    problems: list[str] = []
    head = _load(folder / _HEAD, _Head, problems)
    files = sorted(path for path in folder.glob("*.yaml") if path.name != _HEAD)
    categories = [category for path in files if (category := _load(path, Category, problems)) is not None]
    for path, category in zip(files, categories, strict=False):
        if not problems and path.stem != category.name:
            problems.append(f"{path}: holds category {category.name!r}; call the file {category.name}.yaml")
    if not files:
        problems.append(f"{folder}: no category; add one YAML file a category beside {_HEAD}")
    if problems or head is None:
        raise TaxonomyError(problems)
    return Taxonomy(**head.model_dump(), categories=tuple(categories))


def load_category(path: Path) -> Category:
    """One category's file. Raises TaxonomyError."""
    problems: list[str] = []
    category = _load(path, Category, problems)
    if category is None:
        raise TaxonomyError(problems)
    return category


def _load(path: Path, kind: type[T], problems: list[str]) -> T | None:
    text = path.read_text(encoding="utf-8")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problems.append(f"{path}: not YAML: {str(error).replace(chr(10), ' ')}")
        return None
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        for found in error.errors():
            key = ".".join(str(part) for part in found["loc"])
            line = _line(node, found["loc"])
            problems.append(f"{path}:{line}: {key or 'file'}: {found['msg'].removeprefix('Value error, ')}")
        return None


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """The line of the deepest node on the path that exists."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in path:
        child = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, child = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
            line = child.start_mark.line + 1
        if child is None:
            break
        node = child
    return line
