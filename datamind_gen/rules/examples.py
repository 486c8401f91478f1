"""Known-good and known-bad examples: each rule's, in a YAML file of the rule's name beside it.

    good:
      - why: an error on the way that was mended
        turns:
          - {think: look, code: "print(df.x)", error: "NameError: df"}
          - {think: load first, code: "...", output: "3"}
          - {think: done, answer: "3"}
    bad: [...]

`validate_rules` runs them all; `validate --rules` shows what it finds. A good example must pass and a bad one
must be found. For a set rule an example holds a `set` of candidates, of which those at `rejects` are found.
"""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from datamind_gen.agent.observation import describe
from datamind_gen.agent.protocol import parse
from datamind_gen.rows import (
    Answer,
    AnswerType,
    Candidate,
    Column,
    DataFile,
    FileFormat,
    FilePart,
    Hop,
    Level,
    Message,
    Origin,
    Profile,
    Query,
    ReadPlan,
    Scalar,
    SemanticType,
    StopReason,
    Table,
    Trajectory,
    Turn,
    Verdict,
)
from datamind_gen.rules.base import AsyncRowRule, RowRule, Rule, RuleContext, RuleFinding, SetRule
from datamind_gen.rules.registry import BUILT_IN, load_rule
from datamind_gen.sandbox.results import TurnResult, TurnStatus


class BadExamples(Exception):
    """A rule has no examples, or they cannot be read."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WrittenTurn(_Written):
    think: str | None = None
    code: str | None = None
    output: str | None = None
    error: str | None = None
    answer: str | None = None
    text: str | None = None
    """The message as a whole, where its form is the point."""
    observation: str | None = None
    finish: str = "stop"


class WrittenCandidate(_Written):
    question: str = "What is the mean price?"
    type: AnswerType = AnswerType.NUMBER
    reference: dict[str, JsonValue] | None = None
    """The fields of rows.Answer."""
    turns: tuple[WrittenTurn, ...] = (WrittenTurn(think="I know.", answer="42"),)
    stop: StopReason = StopReason.ANSWERED
    result_csv: str | None = None
    format: FileFormat = FileFormat.CSV
    file: str = "prices.csv"
    license: str = "CC0-1.0"
    columns: dict[str, tuple[Scalar, ...]] = {}
    """Column names with sample values."""
    replay_difference: str | None = None
    """What a replay finds."""


class Example(WrittenCandidate):
    why: str
    settings: dict[str, JsonValue] = {}
    files: dict[str, str] = {}
    """Files that the settings name, as `FOLDER/name`."""
    set: tuple[WrittenCandidate, ...] = ()
    rejects: tuple[int, ...] = ()


class Examples(_Written):
    good: tuple[Example, ...]
    bad: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class ExampleReplay:
    """What an example says that a replay comes to."""

    difference: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ExampleOutcome:
    """What a rule made of one of its examples."""

    rule: str
    why: str
    expected: bool
    """Whether it was to be found bad."""
    found: tuple[str, ...]
    """The findings' details."""
    right: bool


def validate_rules(names: Sequence[str] = tuple(BUILT_IN)) -> list[ExampleOutcome]:
    """Runs every example of the rules. Raises BadExamples for a rule that has none, or mistaken ones."""
    outcomes = []
    for name in names:
        examples = load_examples(load_rule(name))
        for expected, group in ((False, examples.good), (True, examples.bad)):
            outcomes += [_run(name, example, expected) for example in group]
    return outcomes


def load_examples(rule: type[Rule]) -> Examples:
    """The examples beside a rule's module. Raises BadExamples."""
    path = Path(inspect.getfile(rule)).with_suffix(".yaml")
    try:
        return Examples.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise BadExamples(f"{rule.__name__} has no examples: write `good:` and `bad:` in {path}") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise BadExamples(f"{path}: {error}") from error


def make_candidate(written: WrittenCandidate, *, index: int = 0) -> tuple[Candidate, Profile]:
    """The rows that an example stands for."""
    file = DataFile(
        id=f"file-{written.file}",
        name=written.file,
        source="examples",
        format=written.format,
        parts=(FilePart(written.file, f"sha-{written.file}", 1),),
        license=written.license,
    )
    columns = tuple(
        Column(name, "other", SemanticType.TEXT, 1, 0, 1, examples=values)
        for name, values in written.columns.items()
    )
    table = Table("t", 1, columns, len(columns), ReadPlan(written.file, (), ""))
    profile = Profile(f"profile-{written.file}", file, (table,))
    reference = TypeAdapter(Answer).validate_python(written.reference) if written.reference else None
    query = Query(
        id=f"query-{index}",
        file_id=file.id,
        question=written.question,
        category="aggregation",
        hops=(Hop("aggregation", written.question, "it"),),
        level=Level.EASY,
        origin=Origin.PROGRAM if reference else Origin.MODEL,
        tables=("t",),
        answer_type=written.type,
        reference=reference,
    )
    turns = tuple(_make_turn(turn) for turn in written.turns)
    trajectory = Trajectory(
        id=f"trajectory-{index}",
        query_id=query.id,
        sample=0,
        round=0,
        prompt=(Message("system", "s"), Message("user", written.question)),
        turns=turns,
        stop=written.stop,
        answer=parse(turns[-1].text).answer,
        result_csv=written.result_csv,
    )
    verdict = Verdict(agree=True, method="rule", best=0, agreeing=(0,), margin=1.0)
    return Candidate(f"candidate-{index}", query, trajectory, verdict), profile


def _make_turn(written: WrittenTurn) -> Turn:
    text = written.text
    if text is None:
        text = "" if written.think is None else f"<think>\n{written.think}\n</think>\n"
        if written.code is not None:
            text += f"<code>\n```python\n{written.code}\n```\n</code>"
        if written.answer is not None:
            text += f"<answer>{written.answer}</answer>"
    parsed = parse(text)
    observation, status = written.observation, None
    if written.output is not None or written.error is not None:
        status = TurnStatus.ERROR if written.error is not None else TurnStatus.OK
        observation = describe(_result(status, written.output or "", written.error)).text
    return Turn(text, parsed.thought, parsed.code, observation, status, finish_reason=written.finish)


def _result(status: TurnStatus, stdout: str, error: str | None) -> TurnResult:
    return TurnResult(status, stdout, None, error, 0.0, 0.0, 0.0)


def _run(name: str, example: Example, expected: bool) -> ExampleOutcome:
    with tempfile.TemporaryDirectory() as folder:
        for file, text in example.files.items():
            (Path(folder) / file).write_text(text, encoding="utf-8")
        settings = yaml.safe_load(yaml.safe_dump(example.settings).replace("FOLDER", folder))
        kind = load_rule(name)
        found = _find(kind(kind.Params.model_validate(settings)), example)
    if example.set:
        right = sorted(found) == sorted(f"candidate-{index}" for index in example.rejects)
    else:
        right = bool(found) is expected
    details = tuple(finding.detail for finding in found.values())
    return ExampleOutcome(name, example.why, expected, details, right)


def _find(rule: Rule, example: Example) -> dict[str, RuleFinding]:
    made = [make_candidate(one, index=index) for index, one in enumerate(example.set or (example,))]
    if isinstance(rule, SetRule):
        return rule.check_all(sorted((candidate for candidate, _ in made), key=lambda one: one.id))
    candidate, profile = made[0]

    async def replay() -> ExampleReplay:
        return ExampleReplay(example.replay_difference)

    context = RuleContext(profile=profile, replay=replay)
    finding = None
    if isinstance(rule, RowRule):
        finding = rule.check(candidate, context)
    elif isinstance(rule, AsyncRowRule):
        finding = asyncio.run(rule.check(candidate, context))
    return {} if finding is None else {candidate.id: finding}
