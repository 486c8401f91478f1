"""Prompts: Jinja templates in files, rendered strictly, with every value kept from acting as markup.

    prompts = Prompts(directory=Path("my_prompts"))      # files there replace those of the same name here
    text = prompts.render("judge", question=..., answers=[...])

An undefined variable is an error, and the environment is Jinja's sandboxed one. Whatever an expression
yields is data: tags that any template here uses, and control tokens of chat templates, are made inert in it
(agent/markup.py), so that a cell holding `</interpreter>` or an answer holding `<correct>yes</correct>`
cannot end its block. A template opts out with `| verbatim`, for text that the user wrote as a prompt (a
workflow). `problems` checks a template against what a stage provides before anything is rendered;
`template_hash` covers includes, and is what a stage's key holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    meta,
    nodes,
)
from jinja2.runtime import Undefined
from jinja2.sandbox import SandboxedEnvironment

from datamind_gen.agent.markup import PROTOCOL_TAGS, neutralise
from datamind_gen.rows import hash_text

BUILT_IN = Path(__file__).resolve().parent
SUFFIX = ".jinja"

_TAG_NAME = re.compile(r"</?([A-Za-z_]+)")


class PromptError(Exception):
    """A template that is missing, wrong, or asks for what is not there. The message names file and line."""


class Verbatim(str):
    """Text that a template declared to be a prompt, not data."""


class Prompts:
    """The templates of a run: the built-in ones, and the user's over them."""

    def __init__(self, directory: Path | None = None) -> None:
        if directory is not None and not directory.is_dir():
            raise PromptError(f"{directory}: no such folder; `prompts:` names a folder of *{SUFFIX} files")
        self._folders = [BUILT_IN] if directory is None else [directory, BUILT_IN]
        loader: BaseLoader = ChoiceLoader([FileSystemLoader(folder) for folder in self._folders])
        self._environment = SandboxedEnvironment(
            loader=loader,
            undefined=StrictUndefined,
            finalize=self._finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            auto_reload=False,
        )
        self._environment.filters["verbatim"] = Verbatim

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all templates, without suffix."""
        return tuple(
            sorted(name.removesuffix(SUFFIX) for name in self._environment.list_templates([SUFFIX[1:]]))
        )

    def render(self, name: str, **values: object) -> str:
        """The prompt. Raises PromptError."""
        try:
            return self._environment.get_template(name + SUFFIX).render(**values).strip()
        except TemplateNotFound as error:
            raise PromptError(self._missing(name, error)) from error
        except TemplateSyntaxError as error:
            raise PromptError(f"{error.filename}:{error.lineno}: {error.message}") from error
        except TemplateError as error:
            raise PromptError(f"{self.path(name)}: {error.message}") from error

    def path(self, name: str) -> Path:
        """The file that a template is read from. Raises PromptError."""
        for folder in self._folders:
            if (folder / (name + SUFFIX)).is_file():
                return folder / (name + SUFFIX)
        raise PromptError(self._missing(name))

    def own(self) -> tuple[str, ...]:
        """The names of the user's templates that take part: those over built-in ones, and what these include.

        Raises PromptError.
        """
        replaced = [name for name in self.names if (BUILT_IN / (name + SUFFIX)).is_file()]
        used = {part for name in replaced for part in self._parts(name)}
        return tuple(sorted(name for name in used if BUILT_IN not in self.path(name).parents))

    def template_hash(self, name: str) -> str:
        """A hash over the template's text and that of everything it includes. Raises PromptError."""
        return hash_text(*(self._source(part) for part in self._parts(name)))

    def variables(self, name: str) -> frozenset[str]:
        """The variables that the template and what it includes ask for. Raises PromptError."""
        return frozenset(
            found for part in self._parts(name) for found in meta.find_undeclared_variables(self._parse(part))
        )

    def problems(self, name: str, provided: Collection[str]) -> list[str]:
        """All that is wrong with a template, given the variables that its stage provides; [] if nothing."""
        try:
            unknown = self.variables(name) - set(provided)
            parts = self._parts(name)
        except PromptError as error:
            return [str(error)]
        found = []
        for part in parts:
            for node in self._parse(part).find_all(nodes.Name):
                if node.name in unknown and node.ctx == "load":
                    found.append((self.path(part), node.lineno, node.name))
        return [
            f"{path}:{line}: {{{{ {word} }}}} is not provided here{_suggest(word, provided)}; "
            f"this template gets: {', '.join(sorted(provided))}"
            for path, line, word in dict.fromkeys(found)
        ]

    def _finalize(self, value: object) -> object:
        if isinstance(value, (Undefined, Verbatim)):
            return value
        return neutralise(str(value), self._tags)

    @cached_property
    def _tags(self) -> frozenset[str]:
        texts = (self._source(name) for name in self.names)
        return frozenset(PROTOCOL_TAGS).union(*(_tag_names(text) for text in texts))

    def _parts(self, name: str) -> list[str]:
        """The template's own name and those that it includes, imports or extends, each once."""
        parts, queue = [], [name]
        while queue:
            part = queue.pop(0)
            if part in parts:
                continue
            parts.append(part)
            for reference in meta.find_referenced_templates(self._parse(part)):
                if reference is None:
                    raise PromptError(
                        f"{self.path(part)}: an include by a computed name cannot be checked; write the name"
                    )
                queue.append(reference.removesuffix(SUFFIX))
        return parts

    def _source(self, name: str) -> str:
        return self.path(name).read_text(encoding="utf-8")

    def _parse(self, name: str) -> nodes.Template:
        try:
            return self._environment.parse(self._source(name))
        except TemplateSyntaxError as error:
            raise PromptError(f"{self.path(name)}:{error.lineno}: {error.message}") from error

    def _missing(self, name: str, error: TemplateNotFound | None = None) -> str:
        wanted = (error.name or name).removesuffix(SUFFIX) if error else name
        return f"no prompt named {wanted!r}{_suggest(wanted, self.names)}; looked in " + ", ".join(
            str(folder) for folder in self._folders
        )


@cache
def _tag_names(text: str) -> frozenset[str]:
    return frozenset(name.lower().rstrip("_") for name in _TAG_NAME.findall(text))


def _suggest(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
