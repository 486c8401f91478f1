"""What each room has to say about a pipeline before it runs: bundled names, the taxonomy, the prompts,
the rules.

`spec` knows the shape of a pipeline and imports no engine room; a verb that checks one brings these along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from datamind_gen.spec.document import show_path
from datamind_gen.spec.problems import Problem, Severity, find_nearest, list_names

if TYPE_CHECKING:
    from datamind_gen.spec.checks import ExtraCheck
    from datamind_gen.spec.loader import LoadedPipeline

_LOCATED = re.compile(r"(?P<file>.+?\.(?:yaml|jinja))(?::(?P<line>\d+))?: (?P<said>.*)", re.DOTALL)


def check_bundled(loaded: LoadedPipeline) -> Iterator[Problem]:
    """Bundled sources name a format or a file that the bundle has."""
    from datamind_gen.files.bundled import CATALOGUE

    known = {"all", *(one.format for one in CATALOGUE), *(one.name for one in CATALOGUE)}
    for index, source in loaded.kept_items("sources", loaded.spec.sources):
        if source.bundled is not None and source.bundled not in known:
            yield loaded.problem(
                f"sources.{index}.bundled",
                f"nothing bundled is called `{source.bundled}`",
                value=source.bundled,
                nearest=find_nearest(source.bundled, known),
                fix=f"`all`, a format or a file: {list_names(known - {'all'}, most=40)}",
            )


def check_taxonomy_files(loaded: LoadedPipeline) -> Iterator[Problem]:
    """The taxonomy's own files are in order; what is only probably wrong with them is a warning."""
    from datamind_gen.taxonomy.lint import lint_taxonomy

    folder = loaded.taxonomy_folder
    if folder is not None:
        yield from lint_taxonomy(folder, for_model=loaded.spec.queries.author.model > 0)


def check_levels(loaded: LoadedPipeline) -> Iterator[Problem]:
    """Wanted shares of levels that the wanted hops leave room for."""
    from datamind_gen.taxonomy.level import levels_of

    coverage, hops = loaded.spec.coverage, loaded.spec.queries.hops
    wanted, total = sum((coverage.levels or {}).values()), sum(hops.values())
    for level, share in (coverage.levels or {}).items():
        room = sum(part for number, part in hops.items() if level in levels_of(number))
        if share * total > room * wanted:
            yield loaded.problem(
                f"coverage.levels.{level.value}",
                f"a share of {share / wanted:.2g}, but only {room / total:.2g} of `queries.hops` can come to "
                "this level: the rest will be of others",
                value=str(share),
                fix="ask for less of it, or for other `queries.hops`",
                severity=Severity.WARNING,
            )


def check_prompt_files(loaded: LoadedPipeline) -> Iterator[Problem]:
    """Prompts that replace built-in ones parse, and ask for nothing that those do not get."""
    from datamind_gen.prompts.render import Prompts

    folder = loaded.prompts_folder
    if folder is None or not folder.is_dir():
        return
    built_in, own = Prompts(), Prompts(folder)
    for name in built_in.names:
        if (folder / f"{name}.jinja").is_file():
            for text in own.problems(name, built_in.variables(name)):
                yield locate(loaded, "prompts", text)


def check_rules(loaded: LoadedPipeline) -> Iterator[Problem]:
    """Every rule is there, takes the settings that it is given, and can be made."""
    from datamind_gen.rules import RuleError, build_rules

    kept = list(loaded.kept_items("rules", loaded.spec.rules))
    try:
        build_rules([use for _, use in kept])
    except RuleError as error:
        for problem in error.problems:
            index, use = kept[problem.index]
            yield loaded.problem(
                f"rules.{index}.{use.name}.{problem.setting}" if problem.setting else f"rules.{index}",
                problem.message,
                value=problem.value,
                nearest=problem.nearest,
                fix=problem.fix,
            )


def locate(loaded: LoadedPipeline, key: str, text: str) -> Problem:
    """A room's `file:line: what` as a problem of that file; else one of the pipeline's key."""
    found = _LOCATED.fullmatch(text)
    if found is None:
        return loaded.problem(key, text)
    path, line = Path(found["file"]), int(found["line"] or 0)
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
    return Problem(
        file=show_path(path),
        line=line,
        message=found["said"],
        key=key,
        excerpt=lines[line - 1] if 0 < line <= len(lines) else "",
    )


ROOM_CHECKS: tuple[ExtraCheck, ...] = (
    check_bundled,
    check_taxonomy_files,
    check_levels,
    check_prompt_files,
    check_rules,
)
