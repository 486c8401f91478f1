"""What no single value shows to be wrong: missing files, unknown names, settings that contradict each other.

Each check takes the loaded pipeline and yields problems; none raises, none stops at the first. Rooms add
their own (a taxonomy's lint, a template's variables, a rule's parameters) as an `ExtraCheck`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from glob import iglob
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from datamind_gen.models.settings import ScriptedSettings
from datamind_gen.rows import FileFormat
from datamind_gen.spec.judging import JudgeMethod
from datamind_gen.spec.pipeline import DECIDED_BY_STAGE
from datamind_gen.spec.problems import Problem, Severity, find_nearest, list_names
from datamind_gen.spec.resources import built_in_prompts, bundled_taxonomies
from datamind_gen.spec.rules import RuleUse
from datamind_gen.spec.running import GraphRunner

if TYPE_CHECKING:
    from datamind_gen.spec.loader import LoadedPipeline

ExtraCheck = Callable[["LoadedPipeline"], Iterable[Problem]]
"""A check of a room's own. It may read files; it spends nothing."""


def check_sources(loaded: LoadedPipeline) -> Iterator[Problem]:
    """Every declared file, folder or pattern is there."""
    if not loaded.is_partial and not loaded.spec.sources and not loaded.document.get("sources", 0):
        yield loaded.problem(
            "sources",
            "no source: there is nothing to ask about",
            fix="add `sources:` with a `path`, `glob` or `folder` of data files, or `bundled: all`",
        )
    for index, source in loaded.kept_items("sources", loaded.spec.sources):
        for key, kind in (("path", Path.is_file), ("folder", Path.is_dir)):
            written = getattr(source, key)
            if written and not kind(loaded.resolve(written)):
                yield _missing_file(loaded, f"sources.{index}.{key}", written, f"no such {_FOUND_AS[key]}")
        if source.glob and next(iglob(str(loaded.resolve(source.glob)), recursive=True), None) is None:
            yield loaded.problem(
                f"sources.{index}.glob",
                f"no file matches `{source.glob}`",
                value=source.glob,
                fix=f"patterns are relative to {loaded.base_of(f'sources.{index}.glob')}",
            )


_FOUND_AS = {"path": "file", "folder": "folder"}


def check_taxonomy(loaded: LoadedPipeline) -> Iterator[Problem]:
    """The taxonomy is there, and the categories that coverage names are in it."""
    spec = loaded.spec
    folder = loaded.taxonomy_folder
    if folder is None:
        known = bundled_taxonomies()
        yield loaded.problem(
            "taxonomy",
            f"there is no taxonomy `{spec.taxonomy}`",
            value=spec.taxonomy,
            nearest=find_nearest(spec.taxonomy, known),
            fix=f"give a folder that holds a taxonomy.yaml, or a bundled name: {list_names(known)}",
        )
        return
    known_categories = {path.stem for path in folder.glob("*.yaml")} - {"taxonomy"}
    for name in spec.coverage.categories or ():
        if name not in known_categories:
            yield loaded.problem(
                f"coverage.categories.{name}",
                f"`{name}` is no category of the taxonomy `{spec.taxonomy}`",
                value=name,
                nearest=find_nearest(name, known_categories),
                fix=f"categories: {list_names(known_categories)}",
            )


def check_formats(loaded: LoadedPipeline) -> Iterator[Problem]:
    """Coverage names formats that exist."""
    known = [format.value for format in FileFormat]
    for name in loaded.spec.coverage.formats or ():
        if name not in known:
            yield loaded.problem(
                f"coverage.formats.{name}",
                f"`{name}` is no file format",
                value=name,
                nearest=find_nearest(name, known),
                fix=f"formats: {', '.join(known)}",
            )


def check_prompts(loaded: LoadedPipeline) -> Iterator[Problem]:
    """The folder of prompts is there, and each file in it replaces a built-in one."""
    written = loaded.spec.prompts
    if written is None:
        return
    folder = loaded.resolve(written)
    if not folder.is_dir():
        yield _missing_file(loaded, "prompts", written, "no such folder")
        return
    known = built_in_prompts()
    for path in sorted(folder.glob("*.jinja")):
        text = path.read_text("utf-8", errors="replace")
        used = any(
            f'"{path.name}"' in other.read_text("utf-8", "replace") for other in folder.glob("*.jinja")
        )
        if path.name not in known and not used and text.strip():
            yield loaded.problem(
                "prompts",
                f"`{path.name}` replaces no built-in prompt, and no prompt there includes it: it is ignored",
                value=path.name,
                nearest=find_nearest(path.name, known),
                fix=f"prompts: {list_names(known)}",
                severity=Severity.WARNING,
            )


def check_contradictions(loaded: LoadedPipeline) -> Iterator[Problem]:
    """What is configured has an effect, and can be met."""
    yield from _check_judging(loaded)
    yield from _check_authors(loaded)
    spec = loaded.spec
    if spec.run.graph is GraphRunner.LOCAL:
        yield from loaded.if_given("run.ray", "the graph is local", "set `run.graph: distilabel`")
    elif spec.run.ray is not None and find_spec("ray") is None:
        yield loaded.problem(
            "run.ray",
            "Ray is not installed",
            value=spec.run.ray,
            fix="pip install 'datamind-gen[ray]', on every node",
        )
    seen: list[RuleUse] = []
    for index, rule in loaded.kept_items("rules", spec.rules):
        if rule in seen:
            yield loaded.problem(
                f"rules.{index}",
                f"the rule `{rule.name}` stands twice with the same settings",
                value=rule.name,
                fix="remove one of the two",
                severity=Severity.WARNING,
            )
        seen.append(rule)


def _check_judging(loaded: LoadedPipeline) -> Iterator[Problem]:
    spec = loaded.spec
    samples, require = spec.sample.samples, spec.judge.require
    if isinstance(require, int) and require > samples:
        yield loaded.problem(
            "judge.require",
            f"{require} samples must agree, but only {samples} are drawn: nothing could be kept",
            value=str(require),
            fix=f"set `judge.require` to {samples} or less, or raise `sample.samples`",
        )
    if samples == 1 and require != 1:
        yield loaded.problem(
            "sample.samples",
            "one sample always agrees with itself: judging can reject nothing (`judge.require: 1` says so)",
            value="1",
            fix="draw 2 or more (the paper draws 3)",
            severity=Severity.WARNING,
        )
    elif spec.sample.temperature == 0 and not isinstance(spec.models.expert, ScriptedSettings):
        yield loaded.problem(
            "sample.temperature",
            f"at temperature 0 the {samples} samples will be nearly the same, and agree for that alone",
            value="0",
            fix="set a temperature such as 0.7",
            severity=Severity.WARNING,
        )
    yield from _check_sampling(loaded)
    if JudgeMethod.MODEL not in spec.judge.methods:
        for key in ("models.judge", "judge.temperature", "judge.max_tokens"):
            yield from loaded.if_given(
                key, "`judge.methods` has no `model`", "add `model` to `judge.methods`"
            )
    if spec.reflect.rounds == 0:
        yield from loaded.if_given("reflect.samples", "`reflect.rounds` is 0", "set `reflect.rounds: 1`")


def _check_sampling(loaded: LoadedPipeline) -> Iterator[Problem]:
    """What a stage says about sampling wins over what its model says."""
    for section, role, keys in DECIDED_BY_STAGE:
        for key in keys:
            decides = getattr(getattr(loaded.spec, section), key)
            if decides is not None:
                yield from loaded.if_given(
                    f"models.{role}.{key}",
                    f"`{section}.{key}` decides, and is {decides}",
                    f"set `{section}.{key}`",
                )


def _check_authors(loaded: LoadedPipeline) -> Iterator[Problem]:
    queries, author = loaded.spec.queries, loaded.spec.models.author
    if queries.paraphrase > 0 and queries.author.program == 0:
        yield from loaded.if_given(
            "queries.paraphrase",
            "no query comes from a program",
            "give `queries.author.program` a share, or remove this",
        )
    asked = queries.author.model > 0 or (queries.paraphrase > 0 and queries.author.program > 0)
    if not asked and not isinstance(author, ScriptedSettings):
        yield from loaded.if_given(
            "models.author",
            "all queries come from programs, and none is paraphrased",
            "give `queries.author.model` a share, or set `queries.paraphrase`",
        )


def _missing_file(loaded: LoadedPipeline, key: str, written: str, message: str) -> Problem:
    path = loaded.resolve(written)
    near = (
        find_nearest(path.name, (entry.name for entry in path.parent.iterdir()))
        if path.parent.is_dir()
        else None
    )
    return loaded.problem(
        key,
        f"{message}: {written}",
        value=written,
        nearest=str(Path(written).with_name(near)) if near else None,
        fix=f"paths are relative to {loaded.base_of(key)}",
    )


BUILT_IN_CHECKS: tuple[ExtraCheck, ...] = (
    check_sources,
    check_taxonomy,
    check_formats,
    check_prompts,
    check_contradictions,
)
