"""Finds what is wrong, or probably wrong, with a taxonomy without running it.

`lint` yields findings, with the category and program they are in; those that are `fatal` would fail in a
run, the others make a dataset worse. What only running on data can tell (slots that no column of theirs
fills, guards that never hold) is `check`'s part.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from datamind_gen.rows import AnswerType
from datamind_gen.taxonomy.render import RenderError, literal_words, template_variables
from datamind_gen.taxonomy.schema import Category, Program, Taxonomy
from datamind_gen.taxonomy.soundness import find_code_mistakes, find_unfillable

STRAY = 0.1
"""An exemplar with less than this share of the telling words that it has in common with another category."""
OVERLAP = 0.5
"""Descriptions that share more of their telling words than this say the same."""
ENGINE: dict[str, set[str]] = {
    "python": {"decimals"},
    "sql": {"table", "decimals", "dialect"},
    "words": set(),
}
_PLAIN = frozenset({
    "a", "an", "the", "of", "or", "and", "to", "in", "is", "are", "as", "by", "for", "on", "from",
    "which", "what", "with", "that", "it", "its", "not",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a category, or with one of its programs."""

    category: str
    message: str
    program: str | None = None
    fatal: bool = False

    def __str__(self) -> str:
        place = self.category if self.program is None else f"{self.category}/{self.program}"
        return f"{place}: {self.message}"


def lint(taxonomy: Taxonomy) -> Iterator[Finding]:
    """All findings about a taxonomy."""
    for category in taxonomy.categories:
        yield from lint_category(category)
    yield from find_strays(taxonomy)
    for left, right in combinations(taxonomy.categories, 2):
        shared = _similarity(left.description, right.description)
        if shared > OVERLAP:
            yield Finding(
                left.name,
                f"its description shares {shared:.0%} of its words with that of {right.name}; "
                "say what sets them apart",
            )
        for one in left.exemplars:
            for other in right.exemplars:
                if _similarity(one.question, other.question) > 0.8:
                    yield Finding(left.name, f"shares the exemplar {one.question[:60]!r} with {right.name}")


def find_strays(taxonomy: Taxonomy) -> Iterator[Finding]:
    """Exemplars that share far more telling words with another category than with their own."""
    words = {category.name: _vocabulary(category) for category in taxonomy.categories}
    spread = Counter(word for counted in words.values() for word in counted)
    for category in taxonomy.categories:
        for exemplar in category.exemplars:
            asked = _telling(exemplar.question)
            scores: dict[str, float] = {}
            for name, counted in words.items():
                itself = 1 if name == category.name else 0
                shared = [word for word in asked if counted[word] > itself]
                scores[name] = sum(math.log(len(words) / spread[word]) for word in shared)
            best = max(sorted(scores), key=lambda name: scores[name])
            if scores[category.name] < STRAY * scores[best]:
                yield Finding(
                    category.name,
                    f"its exemplar {exemplar.question[:60]!r} sounds like one of {best}; move or reword it",
                )


def _vocabulary(category: Category) -> Counter[str]:
    texts = [category.description, *category.templates, *(one.question for one in category.exemplars)]
    texts += [literal_words(question) for program in category.programs for question in program.question]
    return Counter(word for text in texts for word in _telling(text))


def lint_category(category: Category) -> Iterator[Finding]:
    """Findings about one category."""
    name = category.name
    if not category.programs:
        yield Finding(name, "has no program, so the embedded author cannot ask it")
    if len({exemplar.domain for exemplar in category.exemplars}) < len(category.exemplars) - 1:
        yield Finding(name, "exemplars repeat a domain; vary it")
    if len({exemplar.level for exemplar in category.exemplars}) < 2:
        yield Finding(name, "exemplars are all of one level; vary it")
    for program in category.programs:
        yield from (Finding(name, told, program.name, fatal=True) for told in find_mistakes(program))
        yield from (Finding(name, told, program.name) for told in find_weaknesses(program))


def find_mistakes(program: Program) -> Iterator[str]:
    """What fails as soon as the program is used."""
    for key, kind, template in _templates(program):
        try:
            variables = template_variables(template)
        except RenderError as error:
            yield f"{key}: {error}"
            continue
        claims = set(program.gives.claims) if key == "gives.statement" else frozenset[str]()
        unknown = variables - program.slots.keys() - ENGINE[kind] - claims
        if unknown:
            yield f"{key}: {', '.join(sorted(unknown))}: no such slot; slots are {', '.join(program.slots)}"
    if not re.search(r"^\s*answer\s*=", program.python, re.MULTILINE):
        yield "python: binds no `answer`"
    if program.sql is not None and "{{ table }}" not in program.sql:
        yield "sql: selects from no {{ table }}"
    yield from find_code_mistakes(program)
    yield from find_unfillable(program)


def find_weaknesses(program: Program) -> Iterator[str]:
    """What makes its questions unclear, trivial or not what the code computes."""
    try:
        named = {name for _, _, template in _templates(program) for name in template_variables(template)}
    except RenderError:
        return
    if unused := program.slots.keys() - named:
        yield f"slots {', '.join(sorted(unused))} are used nowhere"
    gives = program.gives
    rounded = gives.type in (AnswerType.NUMBER, AnswerType.PERCENT) and gives.decimals is not None
    if program.sql is not None and rounded and "decimals" not in template_variables(program.sql):
        yield "sql: rounds to no {{ decimals }}"
    if not program.guards:
        yield "has no guard; what would make its question trivial or ambiguous?"
    asked = [set(template_variables(question)) for question in program.question]
    told = set(template_variables(program.python)) - {"decimals"}
    for question, said in zip(program.question, asked, strict=True):
        if missing := told - said - {part.like for part in program.gives.columns}:
            yield f"question {question[:40]!r} never says {', '.join(sorted(missing))}, which the code uses"


def _templates(program: Program) -> Sequence[tuple[str, str, str]]:
    found = [("question", "words", question) for question in program.question]
    found += [("phrase", "words", program.phrase), ("python", "python", program.python)]
    found += [("guards", "python", guard) for guard in program.guards]
    if program.sql is not None:
        found.append(("sql", "sql", program.sql))
    if program.thought is not None:
        found.append(("thought", "words", program.thought))
    if program.gives.statement is not None:
        found.append(("gives.statement", "words", program.gives.statement))
    found += [("gives.columns.words", "words", part.words) for part in program.gives.columns if part.words]
    return found


def _similarity(left: str, right: str) -> float:
    one, other = _telling(left), _telling(right)
    return len(one & other) / len(one | other) if one | other else 0.0


def _telling(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower())) - _PLAIN
