"""Reads a taxonomy: `taxonomy.yaml` and, beside it, one YAML file a category.

`load_taxonomy("data_analysis")` finds a shipped taxonomy by name, and any other by its folder. Every
mistake in every file is reported at once, with file and line; `read_categories` gives what can be used all
the same, so that `lint` finds the rest beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from datamind_gen.spec.diagnosis import validate_document
from datamind_gen.spec.document import Node, read_document, show_path
from datamind_gen.spec.problems import Problem, find_nearest, render_problems, sort_problems
from datamind_gen.taxonomy.names import find_misnamed, problem_in, programs_of
from datamind_gen.taxonomy.schema import Category, Program, Strict, Taxonomy

_HEAD = "taxonomy.yaml"


class TaxonomyError(ValueError):
    """One or more mistakes in a taxonomy's files: all of them, in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sort_problems(problems)
        super().__init__(render_problems(self.problems).plain.strip())


class Head(Strict):
    """What `taxonomy.yaml` says."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class CategoryFile:
    """A category's file: what it says, as far as that is sound, and what is wrong with shape and names."""

    root: Node | None
    """None when the file cannot be read at all."""
    category: Category | None
    programs: Mapping[int, Program]
    """Those that are sound in themselves, by their index in the file."""
    problems: tuple[Problem, ...]


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
    fix = f"the shipped taxonomies are {', '.join(shipped)}"
    problem = Problem(
        file=str(name), message=f"no {_HEAD} there", nearest=find_nearest(name, shipped), fix=fix
    )
    raise TaxonomyError([problem])


def load_taxonomy(name: str | Path) -> Taxonomy:
    """The taxonomy in a folder, or a shipped one by name. Raises TaxonomyError."""
    folder = find_taxonomy(name)
    head, problems = read_head(folder)
    files = read_categories(folder)
    problems += [problem for file in files for problem in file.problems]
    if problems or head is None:
        raise TaxonomyError(problems)
    categories = tuple(file.category for file in files if file.category is not None)
    return Taxonomy(**head.model_dump(), categories=categories)


def load_category(path: Path) -> Category:
    """One category's file. Raises TaxonomyError."""
    file = read_category(path)
    if file.category is None or file.problems:
        raise TaxonomyError(file.problems)
    return file.category


def read_head(folder: Path) -> tuple[Head | None, list[Problem]]:
    """What a taxonomy's `taxonomy.yaml` says, and what is wrong with it or with its folder."""
    document = read_document(folder / _HEAD)
    problems = list(document.problems)
    if not _category_paths(folder):
        lacking = f"no category beside {_HEAD}"
        problems.append(Problem(file=show_path(folder), message=lacking, fix="add one YAML file a category"))
    if document.root is None:
        return None, problems
    found = validate_document(Head, document.root, whole="the taxonomy")
    return found.value, [*problems, *found.problems]


def read_categories(folder: Path) -> list[CategoryFile]:
    """All categories of a taxonomy's folder, mistakes and all."""
    return [read_category(path) for path in _category_paths(folder)]


def _category_paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.name != _HEAD)


def read_category(path: Path) -> CategoryFile:
    """One category's file, mistakes and all."""
    document = read_document(path)
    root = document.root
    if root is None:
        return CategoryFile(None, None, {}, document.problems)
    found = validate_document(Category, root, whole="the category")
    problems = [*document.problems, *found.problems, *find_misnamed(root)]
    if found.value is not None and found.value.name != path.stem:
        fix = f"call the file {found.value.name}.yaml, or the category {path.stem}"
        problems.append(problem_in(root, ("name",), f"the file is {path.name}", fix=fix))
    if problems:
        programs = {index: program for index, node in programs_of(root) if (program := _sound(node))}
    else:
        programs = dict(enumerate(found.value.programs))
    return CategoryFile(root, None if found.problems else found.value, programs, tuple(problems))


def _sound(node: Node) -> Program | None:
    """A program whose own shape is right, whatever else is wrong in its file."""
    try:
        return Program.model_validate(node.plain())
    except ValidationError:
        return None
