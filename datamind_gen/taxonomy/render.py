"""Fills a program's templates: into Python, into SQL, into words.

One template language, three environments that differ in what `{{ slot }}` becomes. A slot never reaches
code as raw text: Python gets literals made by `repr`, SQL gets quoted identifiers and quoted literals,
whatever a column or a cell is called. In words, a column is its name and a wired slot the noun phrase of
the hop that fills it.

    render_python("answer = df[{{ value }}].mean()", {"value": ColumnRef("It's")})
    # answer = df["It's"].mean()
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from datamind_gen.rows import Scalar


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column, as templates see it."""

    name: str
    words: str | None = None
    """How a question calls it, when not by its name."""
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ChoiceRef:
    """A choice, as templates see it: `{{ how }}`, and in conditions `how.python == "mean"`."""

    python: Scalar
    sql: str | None
    words: str


@dataclass(frozen=True, slots=True)
class LabelRef:
    """A label, or several, as templates see them; with the column's words where the label alone says nothing
    (`quarter 2`)."""

    value: Scalar | tuple[Scalar, ...]
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is code already, made by the engine: a variable's name, a table expression."""

    text: str


@dataclass(frozen=True, slots=True)
class Wired:
    """A slot that an earlier hop fills: a name in Python, a subquery in SQL, a noun phrase in words."""

    python: str
    sql: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Said:
    """A computed value in a statement: reads as its text; `{% if %}` asks its value."""

    value: Scalar
    text: str

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Said) else other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: float) -> bool:
        return isinstance(self.value, (int, float)) and self.value < other

    def __gt__(self, other: float) -> bool:
        return isinstance(self.value, (int, float)) and self.value > other


Value = Scalar | tuple[Scalar, ...] | ColumnRef | ChoiceRef | LabelRef | Code | Wired | Said


class RenderError(ValueError):
    """A template that does not render. The message names what is wrong with it."""

    line = 1
    """The template's line, where that is known."""


def render_python(template: str, slots: Mapping[str, Value]) -> str:
    """Python source. Raises RenderError."""
    return _render("python", template, slots)


def render_sql(template: str, slots: Mapping[str, Value]) -> str:
    """One SQL statement, without a semicolon. Raises RenderError."""
    return _render("sql", template, slots).strip().rstrip(";")


def render_words(template: str, slots: Mapping[str, Value]) -> str:
    """A question or phrase, white space evened out. Raises RenderError."""
    return _smooth(" ".join(_render("words", template, slots).split()), slots)


def _smooth(text: str, slots: Mapping[str, Value]) -> str:
    """What a template could not know: a column that its label names again, a label that is no name and so has
    rows rather than values (`the age of income 3`), and articles."""
    for value in slots.values():
        if isinstance(value, LabelRef) and value.owner is not None:
            text = _say_owner_once(text, value.owner, say(value))
            text = re.sub(rf",? \((?:by|both by) {re.escape(value.owner)}\)", "", text)
    labels = [said for value in slots.values() if isinstance(value, LabelRef) and (said := say(value))]
    nameless = "|".join(re.escape(label) for label in labels if not label[0].isupper()) or "(?!)"
    for value in slots.values():
        if isinstance(value, ColumnRef) and (said := re.escape(say(value))):
            text = re.sub(rf"(?<!\w)where {said} is ((?:the|that) {said}(?!\w))", r"for \1", text)
            text = re.sub(rf"(?<!\w)whose {said} is ((?:the|that) {said}(?!\w))", r"of \1", text)
            text = re.sub(rf"(?<!\w){said} ((?:the|that) {said}(?!\w)|whichever )", r"\1", text)
            text = re.sub(rf"(?<!\w)rows with ((?:the|that) {said}(?!\w))", r"rows of \1", text)
            text = re.sub(rf"(?<!\w)of ({said} (?:{nameless})(?!\w))", r"of the rows with \1", text)
            text = re.sub(
                rf"(the {said} with (?:[^()?.]|\.\d)*) \((?:(?:both|all) )?by {said}\)", r"\1", text
            )
    return _fix_articles(text, slots)


def _say_owner_once(text: str, owner: str, said: str) -> str:
    """`quarter is quarter 2` and `quarter quarter 2` name the column twice."""
    between = rf"(?<!\w)({re.escape(owner)})((?: is| recorded as| of|,)?) {re.escape(said)}(?!\w)"
    once = re.compile(between, re.IGNORECASE)
    return once.sub(lambda found: f"{found[1]}{found[2]}{said[len(owner) :]}", text)


def _fix_articles(text: str, slots: Mapping[str, Value]) -> str:
    """`a age` where a template has `a {{ value }}`."""
    for value in slots.values():
        if not isinstance(value, (ColumnRef, ChoiceRef)):
            continue
        said = say(value)
        if re.match(r"\"?(?!eu|one)[aeio]", said, re.IGNORECASE):
            text = re.sub(rf"(?<!\w)([Aa]) (?={re.escape(said)})", r"\1n ", text)
    return text


_OUTPUT = re.compile(r"\{\{-?\s*([a-z_]\w*)\s*(\|\s*plural\s*)?-?\}\}")


def render_partly(template: str, slots: Mapping[str, Value]) -> str:
    """A template over claims with its slots said already: what is left renders with the claims alone.
    What a slot says is escaped, so that a column called `{{ x }}` stays what it is."""

    def fill_in(found: re.Match[str]) -> str:
        if found[1] not in slots:
            return found[0]
        said = (plural if found[2] else say)(slots[found[1]])
        return "{% raw %}" + said + "{% endraw %}" if re.search(r"[{}]", said) else said

    return _smooth(_OUTPUT.sub(fill_in, " ".join(template.split())), slots)


@cache
def template_variables(template: str) -> frozenset[str]:
    """The slots that a template names. Raises RenderError when it does not parse."""
    try:
        return frozenset(meta.find_undeclared_variables(_parse("words", template)))
    except TemplateSyntaxError as error:
        raise _unparsed(error) from error


@cache
def literal_words(template: str) -> str:
    """What a template says beside its slots, for comparing templates with one another. Raises RenderError."""
    try:
        tree = _parse("words", template)
    except TemplateSyntaxError as error:
        raise _unparsed(error) from error
    return " ".join(data.data for data in tree.find_all(nodes.TemplateData))


def _unparsed(error: TemplateSyntaxError) -> RenderError:
    told = RenderError(f"template does not parse: {error.message}")
    told.line = error.lineno
    return told


def quote_identifier(name: str) -> str:
    """A name as SQL's quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: Scalar) -> str:
    """A value as a SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + value.replace("'", "''") + "'"


_PLAIN_NAME = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+)*(?: ?\([^()]*\))?")


def say(value: Value) -> str:
    """How a person would write it: plain words as they are, anything else in quotation marks."""
    if isinstance(value, ColumnRef):
        return value.words or say_column(value.name)
    if isinstance(value, LabelRef):
        return say(value.value) if value.owner is None else f"{value.owner} {say(value.value)}"
    if isinstance(value, ChoiceRef):
        return value.words
    if isinstance(value, Wired):
        return value.phrase
    if isinstance(value, (Code, Said)):
        return value.text
    if isinstance(value, tuple):
        said = [say(part) for part in value]
        return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return say_number(value)
    return say_name(str(value))


def say_name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else f'"{name}"'


_SNAKE_NAME = re.compile(r"[^\W\d_]{2,}(?:_(?=\w*[^\W\d_])[^\W_]{2,})+")


def say_column(name: str) -> str:
    """The name of a column or a table: `plant_and_equipment` is plant and equipment to people."""
    return name.replace("_", " ") if _SNAKE_NAME.fullmatch(name) else say_name(name)


def say_number(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return f"{value:,}" if abs(value) >= 10_000 else f"{value}"


def plural(value: Value) -> str:
    """Several of a column's values: `regions`, or `values of "q_12"`."""
    said = say(value)
    if not re.fullmatch(r"[^\W\d_]+(?: [^\W\d_]+)*", said) or " per " in said:
        return f"values of {said}"
    if said.isupper() or len(said) < 3:
        return f"{said} values"
    if re.search(r"\b(?:health|income|wealth|education|religion)$|(?:[^e]ed|[kstv]en)$", said, re.IGNORECASE):
        return f"values of {said}"  # uncountable, or a participle: `chosen`, `insured`
    if re.search(r"(s|x|z|ch|sh)$", said, re.IGNORECASE):
        return said if said.lower().endswith("s") and not said.lower().endswith("ss") else f"{said}es"
    if re.search(r"[^aeiou]y$", said, re.IGNORECASE):
        return f"{said[:-1]}ies"
    return f"{said}s"


def _say_python(value: Value) -> str:
    match value:
        case ColumnRef():
            return repr(value.name)
        case ChoiceRef():
            return repr(value.python)
        case LabelRef():
            return _say_python(value.value)
        case Code():
            return value.text
        case Said():
            return repr(value.value)
        case Wired():
            return value.python
        case tuple():
            return repr(list(value))
        case _:
            return repr(value)


def _say_sql(value: Value) -> str:
    match value:
        case ColumnRef():
            return quote_identifier(value.name)
        case ChoiceRef():
            return quote_literal(value.python) if value.sql is None else value.sql
        case LabelRef():
            return _say_sql(value.value)
        case Code():
            return value.text
        case Said():
            return quote_literal(value.value)
        case Wired():
            return value.sql
        case tuple():
            return "(" + ", ".join(quote_literal(part) for part in value) + ")"
        case _:
            return quote_literal(value)


_FINALIZE: Mapping[str, Callable[[Value], str]] = {"python": _say_python, "sql": _say_sql, "words": say}


def _refuse_undefined(say_value: Callable[[Value], str]) -> Callable[[object], str]:
    def finalize(value: object) -> str:
        return str(value) if isinstance(value, Undefined) else say_value(value)  # type: ignore[arg-type]

    return finalize


@cache
def _environment(kind: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=_refuse_undefined(_FINALIZE[kind]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        autoescape=False,
    )
    environment.filters.clear()
    if kind == "words":
        environment.filters["plural"] = lambda value: Code(plural(value))
    return environment


@cache
def _parse(kind: str, template: str) -> nodes.Template:
    return _environment(kind).parse(template)


@cache
def _template(kind: str, template: str) -> object:
    return _environment(kind).from_string(_parse(kind, template))


def _render(kind: str, template: str, slots: Mapping[str, Value]) -> str:
    try:
        return _template(kind, template).render(slots).strip("\n")  # type: ignore[attr-defined]
    except TemplateError as error:
        raise RenderError(f"{kind} template: {error}: {template.strip()[:200]}") from error
