"""Turns a document into a typed value, and every mistake of type, range and name into a problem.

    value, problems = validate_document(PipelineSpec, node)

pydantic finds the mistakes; here each is given its place, the valid names, and words that say what to
write. When there are any, the value is *mended*: what is wrong is left out of it, so that checks which
need a typed value can still look at the rest and all can be reported at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from datamind_gen.spec.document import OMITTED, Key, KeyPath, Node, problem_at, write_path
from datamind_gen.spec.problems import Problem, find_nearest, list_names, mask_secrets
from datamind_gen.spec.shape import DISCRIMINATOR, keys_at, sections_of_keys

M = TypeVar("M", bound=BaseModel)

_MOST_ROUNDS = 20
_MOST_HOMES = 3
"""A key that stands in more sections than this tells nothing about where it was meant to be."""
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a section: keys and values, indented below it",
    "model_attributes_type": "a section: keys and values, indented below it",
    "path_type": "a path",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


class Validated(NamedTuple):
    """What became of a document."""

    value: Any
    """The typed value, without what is wrong; None when nothing could be made of it."""
    problems: tuple[Problem, ...]
    left_out: tuple[KeyPath, ...]
    """The key paths of what was wrong."""


@dataclass(frozen=True, slots=True)
class _Mistake:
    """What pydantic said of one place in the document."""

    path: KeyPath
    errors: tuple[ErrorDetails, ...]

    @property
    def kind(self) -> str:
        return self.errors[0]["type"]

    @property
    def is_unknown_key(self) -> bool:
        return self.kind in ("extra_forbidden", "invalid_key")

    @property
    def is_about_key(self) -> bool:
        """Whether the key itself is what is wrong, not the value below it."""
        return self.errors[0]["loc"][-1:] == ("[key]",)

    def without(self, meant: Collection[KeyPath]) -> _Mistake | None:
        """What is left of it when missing keys that stand there misspelt are no mistake of their own."""
        if self.kind != "missing":
            return self
        left = tuple(error for error in self.errors if (*self.path, error["loc"][-1]) not in meant)
        return replace(self, errors=left) if left else None


def validate_document(
    model: type[M], root: Node, *, also: Sequence[str] = (), whole: str = "the pipeline"
) -> Validated:
    """The typed value of a document, and all that is wrong with it. `also` are keys that may stand at the top
    of the file beside the model's; `whole` is what the file is called where no key can be.
    """
    problems: list[Problem] = []
    left_out: list[KeyPath] = []
    misspelt: list[KeyPath] = []
    mended = root
    for _ in range(_MOST_ROUNDS):
        try:
            return Validated(model.model_validate(mended.plain()), tuple(problems), tuple(left_out))
        except ValidationError as error:
            mistakes = _group(error, mended)
        fresh = [it for it in mistakes if not _follows_from(it, (*left_out, *misspelt))]
        meant: set[KeyPath] = set()
        for mistake in sorted(fresh, key=lambda it: not it.is_unknown_key):
            if (lacking := mistake.without(meant)) is None:
                continue
            problem = _describe(lacking, model, root, also, whole)
            problems.append(problem)
            if mistake.is_unknown_key and problem.nearest:
                misspelt.append(mistake.path)
                meant.add((*mistake.path[:-1], problem.nearest))
        for mistake in mistakes:
            if not mistake.path:
                return Validated(None, tuple(problems), tuple(left_out))
            mended = mended.without(mistake.path)
            if not mistake.is_unknown_key:
                left_out.append(mistake.path)
    return Validated(None, tuple(problems), tuple(left_out))


def _follows_from(mistake: _Mistake, left_out: Sequence[KeyPath]) -> bool:
    """Whether it may only be there because something below it was left out before."""
    depth = len(mistake.path)
    return any(path[:depth] == mistake.path for path in left_out)


def _group(error: ValidationError, root: Node) -> list[_Mistake]:
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        grouped.setdefault(_locate(root, details["loc"]), []).append(details)
    mistakes = [_Mistake(path, tuple(errors)) for path, errors in grouped.items()]
    return [it for it in mistakes if not _is_other_member(it, grouped)]


def _is_other_member(mistake: _Mistake, paths: Collection[KeyPath]) -> bool:
    """Whether it only says that a list is no plain value, where one may stand and an item of it is wrong."""
    depth = len(mistake.path)
    is_above = any(len(path) > depth and path[:depth] == mistake.path for path in paths)
    return is_above and mistake.kind != "missing" and not mistake.is_about_key


def _locate(root: Node, loc: Sequence[int | str]) -> KeyPath:
    """The key path that a pydantic location means; it also names union members, which are no keys."""
    path: list[Key] = []
    node = root
    for part in loc:
        key = _matching_key(node, part)
        child = node.child(key) if key is not None else None
        if key is not None and child is not None:
            path.append(key)
            node = child
    return tuple(path)


def _matching_key(node: Node, part: int | str) -> Key | None:
    if isinstance(node.value, Mapping):
        return next((key for key in node.value if key == part or str(key) == str(part)), None)
    if isinstance(node.value, list) and isinstance(part, int):
        present = [index for index, item in node.items() if item.value is not OMITTED]
        return present[part] if part < len(present) else None
    return None


def _describe(
    mistake: _Mistake, model: type[BaseModel], root: Node, also: Sequence[str], whole: str
) -> Problem:
    if mistake.is_unknown_key:
        return _describe_unknown_key(mistake.path, model, root, also)
    if mistake.is_about_key:
        return _describe_key(mistake, root)
    if mistake.kind == "missing":
        return _describe_missing(mistake, root, whole)
    if mistake.kind in ("union_tag_invalid", "union_tag_not_found"):
        return _describe_kind(mistake, root)
    return _describe_value(mistake, root, whole)


def _describe_unknown_key(path: KeyPath, model: type[BaseModel], root: Node, also: Sequence[str]) -> Problem:
    *above, key = path
    node = root.get(*path)
    assert node is not None
    valid = (*keys_at(model, tuple(above), root), *(() if above else also))
    homes = sections_of_keys(model).get(str(key), ())
    is_at_home_elsewhere = 0 < len(homes) <= _MOST_HOMES
    if is_at_home_elsewhere:
        named = " or ".join(f"under `{section}:`" if section else "at the top level" for section in homes)
        fix = f"`{key}` belongs {named}"
    else:
        fix = f"valid here: {list_names(valid, most=30)}" if valid else ""
    inside = f"in `{write_path(tuple(above))}`" if above else "at the top level"
    return problem_at(
        node.place,
        f"unknown key `{key}` {inside}",
        key=write_path(path),
        value=_show(node.value, key),
        nearest=None if is_at_home_elsewhere else find_nearest(key, valid),
        fix=fix,
    )


def _describe_key(mistake: _Mistake, root: Node) -> Problem:
    *above, key = mistake.path
    node = root.get(*mistake.path)
    assert node is not None
    names = [name for error in mistake.errors for name in _choices(error)]
    expected = " or ".join(text for error in mistake.errors for text in _expect(error))
    return problem_at(
        node.place,
        f"`{key}` cannot be a key of `{write_path(tuple(above))}`",
        key=write_path(mistake.path),
        value=str(key),
        nearest=find_nearest(key, names),
        fix=f"one of {', '.join(names)}" if names else f"it must be {expected}",
    )


def _describe_missing(mistake: _Mistake, root: Node, whole: str) -> Problem:
    node = root.get(*mistake.path)
    assert node is not None
    last = mistake.errors[-1]["loc"][-1]
    if isinstance(last, int):
        said = f"`{write_path(mistake.path)}` is a list of {len(node.value)}; it must be a list of {last + 1}"
        return problem_at(node.place, said, key=write_path(mistake.path), value="a list")
    keys = [str(error["loc"][-1]) for error in mistake.errors]
    named = " and ".join(f"`{key}`" for key in keys)
    where = f"`{write_path(mistake.path)}`" if mistake.path else whole
    return problem_at(
        node.place, f"{where} lacks {named}", key=write_path((*mistake.path, keys[0])), fix=f"add {named}"
    )


def _describe_kind(mistake: _Mistake, root: Node) -> Problem:
    node = root.get(*mistake.path)
    assert node is not None
    context = mistake.errors[0].get("ctx", {})
    path = (*mistake.path, DISCRIMINATOR)
    said = node.child(DISCRIMINATOR)
    valid = [name.strip("'") for name in str(context.get("expected_tags", "")).split(", ") if name]
    if said is None:
        known = "openai, vllm, distilabel or scripted"
        return problem_at(
            node.place,
            f"`{write_path(mistake.path)}` does not say which kind of model it is",
            key=write_path(path),
            fix=f"add `{DISCRIMINATOR}:` with {known}",
        )
    return problem_at(
        said.place,
        f"`{said.value}` is no {DISCRIMINATOR} of models",
        key=write_path(path),
        value=_show(said.value, DISCRIMINATOR),
        nearest=find_nearest(said.value, valid),
        fix=f"one of {', '.join(valid)}",
    )


def _describe_value(mistake: _Mistake, root: Node, whole: str) -> Problem:
    node = root.get(*mistake.path)
    assert node is not None
    name = write_path(mistake.path) or whole
    value = _show(node.value, mistake.path[-1] if mistake.path else "")
    quoted = _quote(node.value, value)
    own = [error for error in mistake.errors if error["type"] == "value_error"]
    if own:
        said = "; ".join(dict.fromkeys(str(error["ctx"]["error"]) for error in own))
        return problem_at(node.place, f"`{name}`: {said}", key=name, value=value)
    names = [name for error in mistake.errors for name in _choices(error)]
    if names and not any(error["type"] not in ("enum", "literal_error") for error in mistake.errors):
        return problem_at(
            node.place,
            f"`{name}` cannot be {quoted}",
            key=name,
            value=value,
            nearest=find_nearest(node.value, names),
            fix=f"one of {', '.join(names)}",
        )
    expected = list(dict.fromkeys(text for error in mistake.errors for text in _expect(error)))
    return problem_at(
        node.place,
        f"`{name}` is {quoted}; it must be {' or '.join(expected)}",
        key=name,
        value=value,
        nearest=find_nearest(node.value, names) if names and isinstance(node.value, str) else None,
    )


def _choices(error: ErrorDetails) -> list[str]:
    if error["type"] not in ("enum", "literal_error"):
        return []
    text = str(error["ctx"]["expected"]).replace(" or ", ", ")
    return [name.strip("'") for name in text.split(", ")]


def _expect(error: ErrorDetails) -> list[str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return [f"{words} {context[bound]:g}"]
    if kind in ("enum", "literal_error"):
        return [f"`{name}`" for name in _choices(error)]
    if kind == "string_pattern_mismatch":
        return [f"text of the form {context['pattern']}"]
    if kind == "string_too_short" or (kind == "too_short" and not context["actual_length"]):
        return ["given; it is empty"]
    if kind in ("too_short", "too_long"):
        most = context.get("max_length")
        bound = f"at least {context['min_length']}" if most is None else f"at most {most}"
        return [f"a list of {bound}, not of {context['actual_length']}"]
    return [_EXPECTED.get(kind, error["msg"][0].lower() + error["msg"][1:])]


def _show(value: object, key: Key) -> str:
    """A value as a problem holds it: a mapping or a list is only named, and a secret is masked."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value)
    if value is None or value == "":
        text = "empty"
    elif isinstance(value, bool):
        text = text.lower()
    masked = mask_secrets(f"{key}: {text}").removeprefix(f"{key}: ")
    return masked if len(masked) <= 60 else masked[:57] + "..."


def _quote(value: object, shown: str) -> str:
    """What `_show` gave, in a sentence: text in quotes."""
    return f"'{shown}'" if isinstance(value, str) and value else shown
