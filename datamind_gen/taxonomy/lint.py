"""Finds what is wrong, or probably wrong, with a taxonomy without running it.

`lint_taxonomy` yields all problems of a folder, those of shape and names first: errors would fail in a run,
warnings make a dataset worse. What only running on data can tell (slots that no column of theirs fills,
guards that never hold) is `check`'s part.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from datamind_gen.rows import AnswerType
from datamind_gen.spec.document import KeyPath
from datamind_gen.spec.problems import Problem, Severity
from datamind_gen.taxonomy.load import CategoryFile, read_categories, read_head
from datamind_gen.taxonomy.names import find_bad_templates, line_of, problem_in, programs_of
from datamind_gen.taxonomy.render import literal_words, template_variables
from datamind_gen.taxonomy.schema import Category, Program
from datamind_gen.taxonomy.soundness import Told, find_code_mistakes, find_unfillable

STRAY = 0.1
"""An exemplar with less than this share of the telling words that it has in common with another category."""
OVERLAP = 0.5
"""Descriptions that share more of their telling words than this say the same."""
_PLAIN = frozenset({
    "a", "an", "the", "of", "or", "and", "to", "in", "is", "are", "as", "by", "for", "on", "from",
    "which", "what", "with", "that", "it", "its", "not",
})  # fmt: skip


def lint_taxonomy(folder: Path, *, for_model: bool = False) -> Iterator[Problem]:
    """All that is wrong with a taxonomy's files; `for_model` where a model writes queries too."""
    _, problems = read_head(folder)
    yield from problems
    files = read_categories(folder)
    for file in files:
        yield from lint_category(file)
        yield from _find_silence(file) if for_model else ()
    for left, right in combinations(_sound(files), 2):
        yield from _find_overlap(*left, right[1])


def lint_category(file: CategoryFile) -> Iterator[Problem]:
    """All that is wrong with one category, alone."""
    yield from file.problems
    if file.root is None:
        return
    unclear: set[int] = set()
    for index, _ in programs_of(file.root):
        for problem in find_bad_templates(file.root, index):
            unclear.add(index)
            yield problem
    for index, program in file.programs.items():
        path: KeyPath = ("programs", index)
        yield from (_place(file, told, path) for told in find_mistakes(program))
        if index not in unclear:
            yield from (_place(file, told, path, Severity.WARNING) for told in find_weaknesses(program))
    if file.category is not None:
        told_of_all = _find_monotony(file.category)
        yield from (_place(file, told, (), Severity.WARNING) for told in told_of_all)


def find_strays(files: Sequence[CategoryFile]) -> Iterator[Problem]:
    """Exemplars that share far more telling words with another category than with their own: a hint for who
    writes them, as it depends on what the other categories say. Raises RenderError."""
    words = {category.name: _vocabulary(category) for _, category in _sound(files)}
    spread = Counter(word for counted in words.values() for word in counted)
    for file, category in _sound(files):
        for index, exemplar in enumerate(category.exemplars):
            asked = _telling(exemplar.question)
            scores: dict[str, float] = {}
            for name, counted in words.items():
                itself = 1 if name == category.name else 0
                shared = [word for word in asked if counted[word] > itself]
                scores[name] = sum(math.log(len(words) / spread[word]) for word in shared)
            best = max(sorted(scores), key=lambda name: scores[name])
            if scores[category.name] < STRAY * scores[best]:
                yield _warn(file, ("exemplars", index), f"sounds like one of {best}; move or reword it")


def _sound(files: Sequence[CategoryFile]) -> list[tuple[CategoryFile, Category]]:
    return [(file, file.category) for file in files if file.category is not None]


def _warn(file: CategoryFile, path: KeyPath, said: str) -> Problem:
    return _place(file, Told(path, said), (), Severity.WARNING)


def _place(file: CategoryFile, told: Told, below: KeyPath, severity: Severity = Severity.ERROR) -> Problem:
    assert file.root is not None
    path = (*below, *told.path)
    node = file.root.get(*path)
    place = line_of(node.place, told.word) if node is not None and told.word else None
    return problem_in(file.root, path, told.said, place=place, severity=severity)


def _find_overlap(file: CategoryFile, left: Category, right: Category) -> Iterator[Problem]:
    """Where two categories say the same."""
    shared = _similarity(left.description, right.description)
    if shared > OVERLAP:
        said = f"shares {shared:.0%} of its words with that of {right.name}; say what sets them apart"
        yield _warn(file, ("description",), said)
    for index, one in enumerate(left.exemplars):
        if any(_similarity(one.question, other.question) > 0.8 for other in right.exemplars):
            yield _warn(file, ("exemplars", index), f"{right.name} has the same")


def _vocabulary(category: Category) -> Counter[str]:
    texts = [category.description, *category.templates, *(one.question for one in category.exemplars)]
    texts += [literal_words(question) for program in category.programs for question in program.question]
    return Counter(word for text in texts for word in _telling(text))


def _find_silence(file: CategoryFile) -> Iterator[Problem]:
    """What an author model would have to go without."""
    for key in ("exemplars", "templates"):
        if file.root is not None and file.category is not None and not getattr(file.category, key):
            fix = f"add `{key}:`, or set `queries.author: {{program: 1}}` in the pipeline"
            yield problem_in(file.root, (key,), "there are none, and an author model needs them", fix=fix)


def _find_monotony(category: Category) -> Iterator[Told]:
    """What makes a category's questions few or alike."""
    if not category.programs:
        yield Told((), "has no program, so the embedded author cannot ask it")
    exemplars = category.exemplars
    if len({exemplar.domain for exemplar in exemplars}) < len(exemplars) - 1:
        yield Told(("exemplars",), "they repeat a domain; vary it")
    if len(exemplars) > 2 and len({exemplar.level for exemplar in exemplars}) < 2:
        yield Told(("exemplars",), "they are all of one level; vary it")


def find_mistakes(program: Program) -> Iterator[Told]:
    """What fails as soon as the program is used."""
    if not re.search(r"^\s*answer\s*=", program.python, re.MULTILINE):
        yield Told(("python",), "binds no `answer`")
    if program.sql is not None and "{{ table }}" not in program.sql:
        yield Told(("sql",), "selects from no {{ table }}")
    yield from find_code_mistakes(program)
    yield from find_unfillable(program)


def find_weaknesses(program: Program) -> Iterator[Told]:
    """What makes its questions unclear, trivial or not what the code computes. Raises RenderError."""
    asked = [template_variables(question) for question in program.question]
    told = template_variables(program.python) - {"decimals"}
    named = told.union(*asked, *map(template_variables, _other_templates(program)))
    for slot in program.slots.keys() - named:
        yield Told(("slots", slot), "is used nowhere")
    gives = program.gives
    rounded = gives.type in (AnswerType.NUMBER, AnswerType.PERCENT) and gives.decimals is not None
    if program.sql is not None and rounded and "decimals" not in template_variables(program.sql):
        yield Told(("sql",), "rounds to no {{ decimals }}")
    if not program.guards:
        yield Told((), "has no guard; what would make its question trivial or ambiguous?")
    for index, said in enumerate(asked):
        if missing := told - said - {part.like for part in gives.columns}:
            yield Told(("question", index), f"never says {', '.join(sorted(missing))}, which the code uses")


def _other_templates(program: Program) -> Iterator[str]:
    gives = program.gives
    optional = (program.sql, program.thought, gives.statement, *(part.words for part in gives.columns))
    yield from (program.phrase, *program.guards)
    yield from (template for template in optional if template is not None)


def _similarity(left: str, right: str) -> float:
    one, other = _telling(left), _telling(right)
    return len(one & other) / len(one | other) if one | other else 0.0


def _telling(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower())) - _PLAIN
