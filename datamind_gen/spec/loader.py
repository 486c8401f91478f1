"""Pipeline YAML -> PipelineSpec, with every value's place kept and every mistake found at once.

    loaded = load_pipeline("pipelines/full.yaml", overrides=["coverage.target=50"])   # raises InvalidPipeline
    loaded.spec.sample.samples
    loaded.resolve(loaded.spec.sources[0].path)

`read_pipeline` never raises for a mistake: it returns what could be made of the pipeline, and
`validate_pipeline` says all that is wrong with it. Nothing here is spent, sent or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from datamind_gen.spec.checks import BUILT_IN_CHECKS, ExtraCheck
from datamind_gen.spec.diagnosis import validate_document
from datamind_gen.spec.document import Key, KeyPath, Node, Place, problem_at
from datamind_gen.spec.layers import EXTENDS, localise, locate_pipeline, name_pipeline, read_layers
from datamind_gen.spec.overrides import apply_override
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.spec.problems import InvalidPipeline, Problem, Severity, sort_problems
from datamind_gen.spec.resources import bundled_taxonomies

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadedPipeline:
    """A pipeline with where it, and each of its values, came from."""

    spec: PipelineSpec
    origin: Path
    """The pipeline's file."""
    document: Node
    """All that was written, in this file, in those that it extends, and after --set."""
    files: tuple[Path, ...] = ()
    """The pipeline's file, then what it extends, nearest first."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with single values. `spec` is without those."""
    left_out: tuple[KeyPath, ...] = ()
    """The key paths of those."""
    is_partial: bool = False
    """Whether a file that it is made of could not be read or found."""

    @property
    def folder(self) -> Path:
        """What paths in the spec are relative to."""
        return self.origin.parent

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.is_error)

    @property
    def taxonomy_folder(self) -> Path | None:
        """The folder of the taxonomy, given by path or bundled name; None when there is none."""
        own = self.resolve(self.spec.taxonomy)
        if (own / "taxonomy.yaml").is_file():
            return own
        return bundled_taxonomies().get(self.spec.taxonomy)

    @property
    def prompts_folder(self) -> Path | None:
        """The folder of prompts that replace built-in ones, if the pipeline names one."""
        return None if self.spec.prompts is None else self.resolve(self.spec.prompts)

    def resolve(self, path: str) -> Path:
        """Where a path that the spec holds lies here."""
        return self.folder / Path(path).expanduser()

    def gives(self, key: str) -> bool:
        """Whether a value was written at a key path (`sample.turns`), rather than left to its default."""
        return self._node(key) is not None

    def place_of(self, key: str) -> Place:
        """Where the value at a key path was written; for a default, where its section was."""
        path = _read_key(key)
        for depth in range(len(path), 0, -1):
            if (node := self.document.get(*path[:depth])) is not None:
                return node.place
        return self.document.place

    def base_of(self, key: str) -> Path:
        """What a relative path at a key path was relative to where it was written."""
        return self.place_of(key).source.folder

    def problem(self, key: str, message: str, **more: Any) -> Problem:
        """A problem at a key path; `more` are Problem's other fields."""
        return problem_at(self.place_of(key), message, key=key, **more)

    def if_given(self, key: str, because: str, fix: str) -> Iterator[Problem]:
        """A warning that what is written at a key path is ignored; nothing when nothing is."""
        if self.gives(key):
            yield self.problem(key, f"`{key}` is ignored: {because}", fix=fix, severity=Severity.WARNING)

    def kept_items(self, key: str, items: Sequence[T]) -> Iterator[tuple[int, T]]:
        """The items of a list in the spec, each with its index as written."""
        out = {path[1] for path in self.left_out if path[0] == key and len(path) == 2}
        size = len(items) + len(out)
        return zip((index for index in range(size) if index not in out), items, strict=True)

    def _node(self, key: str) -> Node | None:
        return self.document.get(*_read_key(key))


def load_pipeline(
    path: str | Path, *, overrides: Sequence[str] = (), checks: Iterable[ExtraCheck] = ()
) -> LoadedPipeline:
    """A pipeline without mistakes; its warnings are in `problems`.

    `path` is a YAML file or the name of a bundled pipeline. Raises InvalidPipeline with all mistakes.
    """
    loaded = read_pipeline(path, overrides=overrides)
    problems = validate_pipeline(loaded, checks=checks)
    if any(problem.is_error for problem in problems):
        raise InvalidPipeline(problems)
    return replace(loaded, problems=tuple(problems))


def read_pipeline(path: str | Path, *, overrides: Sequence[str] = ()) -> LoadedPipeline:
    """A pipeline, without what is wrong in it. Raises InvalidPipeline only when there is no such file."""
    found = locate_pipeline(str(path), Path.cwd())
    if isinstance(found, Problem):
        raise InvalidPipeline([found])
    layers = read_layers(found)
    document = layers.merge(PipelineSpec)
    problems = list(layers.problems)
    for override in overrides:
        changed = apply_override(document, override)
        if isinstance(changed, Problem):
            problems.append(changed)
        else:
            document = changed
    document = localise(document, found.parent)
    if document.child("name") is None:
        document = document.with_child("name", Node(name_pipeline(found), document.place))
    spec, mistakes, left_out = validate_document(PipelineSpec, document, also=[EXTENDS])
    if spec is None:
        spec = PipelineSpec(name=name_pipeline(found))
    return LoadedPipeline(
        spec,
        found,
        document,
        layers.files,
        sort_problems([*problems, *mistakes]),
        left_out,
        layers.is_partial,
    )


def validate_pipeline(loaded: LoadedPipeline, *, checks: Iterable[ExtraCheck] = ()) -> list[Problem]:
    """All that is wrong with a pipeline, sorted by file and line: its values, its files, its sense."""
    found = [problem for check in (*BUILT_IN_CHECKS, *checks) for problem in check(loaded)]
    return list(sort_problems([*loaded.problems, *found]))


def _read_key(key: str) -> KeyPath:
    parts: list[Key] = [int(part) if part.isdecimal() else part for part in key.split(".")]
    return tuple(parts)
