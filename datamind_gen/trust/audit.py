"""Audit: how well judges, rules and the whole chain tell right from wrong, against known truth.

    audit = make_audit(cases, truths, rules=("format", "language"))
    write_audit(run, audit)                      # RUN/audit.json; the card and the report show it

Of judges and the chain, what is picked is what they keep; of a rule, what it rejects. A sample whose truth
is unknown is left out and counted. What each line means is told in docs/trust.md.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datamind_gen.rows import Reason, Stage, encode
from datamind_gen.trust.cases import Case, Sample
from datamind_gen.trust.measures import Measure, measure
from datamind_gen.trust.truth import AnswerTruth, ProcessTruth, Truths

NAME = "audit.json"
AUDIT_VERSION = 1
KEEPS = "kept; should be kept: queries of which a sample is right"
REJECTS = "rejected; should be rejected: of the samples that reached it, wrong or wrongly found ones"


@dataclass(frozen=True, slots=True)
class TruthBasis:
    """What the audit knows, and how."""

    queries: int
    recomputed: int
    """Queries whose answer was computed anew."""
    by_sql_too: int
    """Of those, by SQL and Python alike."""
    not_recomputed: tuple[tuple[str, int], ...]
    """Why not, and how often."""
    samples: int
    unknown: int
    """Samples of which nothing is known."""
    planted: int
    """Samples with planted faults."""
    wrong_references: tuple[str, ...]
    """Queries whose stored reference is not what was computed anew."""
    disputed: tuple[str, ...]
    """Samples without a planted fault whose answer is wrong all the same: a bug somewhere."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The chain over a part of the queries: one category, level or format."""

    value: str
    queries: int
    answerable: int
    """Queries of which a sample is right."""
    kept: int
    """Published rows of known truth."""
    right: int
    precision: float | None
    recall: float | None
    first_agreed: int
    """Queries whose first samples agreed."""
    reflected: int
    salvaged: int
    """Of the reflected ones, those that agreed then."""


@dataclass(frozen=True, slots=True)
class FaultLine:
    """What became of samples with one kind of planted fault."""

    fault: str
    samples: int
    wrong: int
    """Of those, with a wrong answer."""
    stopped: tuple[tuple[str, int], ...]
    """How many ended where: a reason for rejection; `not_chosen` is chance, not a catch."""
    published: int
    published_wrong: int

    @property
    def is_let_through(self) -> bool:
        return self.published_wrong > 0


@dataclass(frozen=True, slots=True)
class Audit:
    truth: TruthBasis
    chain: tuple[Measure, ...]
    judges: tuple[Measure, ...]
    rules: tuple[Measure, ...]
    by_category: tuple[Slice, ...]
    by_level: tuple[Slice, ...]
    by_format: tuple[Slice, ...]
    faults: tuple[FaultLine, ...]
    wrong_process: int
    """Published rows with a right answer by a flawed process."""
    let_through: tuple[str, ...]
    """Kinds of fault of which a wrong answer was published."""
    published_wrong: tuple[str, ...]
    """Ids of published rows with a wrong answer."""
    marks: Measure | None = None
    audit_version: int = AUDIT_VERSION


def make_audit(
    cases: Sequence[Case], truths: Truths, *, rules: Sequence[str], marks: Measure | None = None
) -> Audit:
    """Everything that is measured, from cases with their truths. `rules` in the order applied."""
    published = [sample for case in cases for sample in case.samples if sample.is_published]
    wrong = [sample for sample in published if truths.of(sample).answer is AnswerTruth.WRONG]
    faults = tuple(_measure_faults(cases, truths))
    return Audit(
        truth=_describe_truth(cases, truths),
        chain=tuple(_measure_chain(cases, truths)),
        judges=tuple(_measure_judges(cases, truths)),
        rules=tuple(_measure_rule(name, place, rules, cases, truths) for place, name in enumerate(rules)),
        by_category=_slice(cases, truths, lambda case: case.query.category),
        by_level=_slice(cases, truths, lambda case: case.query.level.value),
        by_format=_slice(cases, truths, lambda case: case.format.value if case.format else "unknown"),
        faults=faults,
        wrong_process=sum(
            truths.of(sample).is_right and truths.of(sample).process is ProcessTruth.FLAWED
            for sample in published
        ),
        let_through=tuple(line.fault for line in faults if line.is_let_through),
        published_wrong=tuple(sorted(sample.id for sample in wrong)),
        marks=marks,
    )


def write_audit(run: Path, audit: Audit) -> Path:
    """Writes RUN/audit.json beside and renames it."""
    path = run / NAME
    beside = path.with_name(f".{NAME}.{os.getpid()}")
    beside.write_text(json.dumps(json.loads(encode(audit)), indent=2, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(path)
    return path


def _describe_truth(cases: Sequence[Case], truths: Truths) -> TruthBasis:
    samples = [sample for case in cases for sample in case.samples]
    fresh = [truths.fresh[case.query.id] for case in cases]
    problems = Counter(found.problem for found in fresh if found.answer is None)
    return TruthBasis(
        queries=len(cases),
        recomputed=sum(found.answer is not None for found in fresh),
        by_sql_too=sum(found.by_sql_too for found in fresh),
        not_recomputed=tuple(problems.most_common()),
        samples=len(samples),
        unknown=sum(not truths.of(sample).is_known for sample in samples),
        planted=sum(bool(sample.faults) for sample in samples),
        wrong_references=tuple(id for id, found in truths.fresh.items() if not found.is_reference),
        disputed=tuple(
            sample.id
            for sample in samples
            if sample.answer is not None
            and truths.of(sample).answer is AnswerTruth.WRONG
            and truths.of(sample).process is ProcessTruth.CLEAN
        ),
    )


# --- the chain ------------------------------------------------------------------------------------


def _measure_chain(cases: Sequence[Case], truths: Truths) -> Iterable[Measure]:
    verified = [case for case in cases if case.query.verified]
    yield _measure_queries("chain: all published queries", cases, truths)
    if len(verified) < len(cases):
        yield _measure_queries("chain: verified queries", verified, truths)
    rows = [truths.of(sample) for case in cases for sample in case.samples if sample.is_published]
    known = [truth for truth in rows if truth.is_known and truth.process is not ProcessTruth.UNKNOWN]
    if known:
        found = [(True, truth.is_right and truth.process is ProcessTruth.CLEAN, False) for truth in known]
        meaning = "published rows with a right answer by a clean process"
        yield replace(measure("chain: right by a clean process", found, meaning), recall=None)


def _measure_queries(name: str, cases: Iterable[Case], truths: Truths) -> Measure:
    found = [
        (bool(rows), _mostly_right(rows, truths), _is_answerable(case.samples, truths))
        for case in cases
        if _is_decided(rows := [sample for sample in case.samples if sample.is_published], case, truths)
    ]
    return measure(name, found, KEEPS)


def _mostly_right(samples: Sequence[Sample], truths: Truths) -> bool:
    known = [truths.of(sample) for sample in samples if truths.of(sample).is_known]
    return 2 * sum(truth.is_right for truth in known) > len(known)


def _is_answerable(samples: Sequence[Sample], truths: Truths) -> bool:
    return any(truths.of(sample).is_right for sample in samples)


def _is_decided(picked: Sequence[Sample], case: Case, truths: Truths) -> bool:
    """Whether enough is known: of what was picked, or of anything where nothing was."""
    return any(truths.of(sample).is_known for sample in picked or case.samples)


# --- judges ---------------------------------------------------------------------------------------


def _measure_judges(cases: Sequence[Case], truths: Truths) -> Iterable[Measure]:
    judged = [case for case in cases if case.said is not None]
    yield _measure_round("judge: first samples", judged, truths, lambda round: round == 0, first=True)
    reflected = [case for case in judged if any(sample.round for sample in case.samples)]
    if reflected:
        yield _measure_round("judge: after reflection", reflected, truths, lambda round: round > 0)
    yield _measure_round("judge: consistency in all", judged, truths, lambda round: True)
    for method in sorted({case.said.method for case in judged if case.said is not None}):
        settled = [case for case in judged if case.said is not None and case.said.method == method]
        yield _measure_round(f"judge: settled by {method}", settled, truths, lambda round: True)


def _measure_round(
    name: str,
    cases: Sequence[Case],
    truths: Truths,
    counts: Callable[[int], bool],
    *,
    first: bool = False,
) -> Measure:
    """A judge over the samples of some rounds; `first` leaves agreement in later rounds out."""
    found = []
    for case in cases:
        said = case.said
        assert said is not None
        seen = [sample for sample in case.samples if counts(sample.round)]
        agreed = said.agree and not (first and said.round > 0)
        picked = [sample for sample in seen if sample.was_agreed] if agreed else []
        if any(truths.of(sample).is_known for sample in picked or seen):
            found.append((agreed, _mostly_right(picked, truths), _is_answerable(seen, truths)))
    return measure(name, found, KEEPS)


# --- rules ----------------------------------------------------------------------------------------


def _measure_rule(
    name: str, place: int, rules: Sequence[str], cases: Sequence[Case], truths: Truths
) -> Measure:
    """A rule over the samples that reached it: published, or rejected by it or by a later one."""
    found = []
    for case in cases:
        for sample in case.samples:
            stopped = _stopped_by(sample, rules)
            reached = sample.is_published or (stopped is not None and stopped >= place)
            truth = truths.of(sample)
            if reached and (truth.is_known or truth.is_bad):
                found.append((stopped == place, truth.is_bad, truth.is_bad))
    return measure(f"rule: {name}", found, REJECTS)


def _stopped_by(sample: Sample, rules: Sequence[str]) -> int | None:
    """The place of the rule that rejected a sample; None where none did."""
    name = sample.detail.partition(": ")[0]
    if sample.stage not in (Stage.FILTER, Stage.PUBLISH) or sample.reason is Reason.NOT_CHOSEN:
        return None
    return rules.index(name) if name in rules else None


# --- slices and faults ----------------------------------------------------------------------------


def _slice(cases: Sequence[Case], truths: Truths, key: Callable[[Case], str]) -> tuple[Slice, ...]:
    parts: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        parts[key(case)].append(case)
    return tuple(_measure_slice(value, parts[value], truths) for value in sorted(parts))


def _measure_slice(value: str, cases: Sequence[Case], truths: Truths) -> Slice:
    chain = _measure_queries(value, cases, truths)
    rows = [truths.of(sample) for case in cases for sample in case.samples if sample.is_published]
    known = [truth for truth in rows if truth.is_known]
    verdicts = [case.said for case in cases if case.said is not None]
    return Slice(
        value=value,
        queries=len(cases),
        answerable=sum(_is_answerable(case.samples, truths) for case in cases),
        kept=len(known),
        right=sum(truth.is_right for truth in known),
        precision=chain.precision,
        recall=chain.recall,
        first_agreed=sum(said.agree and said.round == 0 for said in verdicts),
        reflected=sum(any(sample.round for sample in case.samples) for case in cases),
        salvaged=sum(said.agree and said.round > 0 for said in verdicts),
    )


def _measure_faults(cases: Sequence[Case], truths: Truths) -> Iterable[FaultLine]:
    by_fault: dict[str, list[Sample]] = defaultdict(list)
    for case in cases:
        for sample in case.samples:
            for fault in set(sample.faults):
                by_fault[fault].append(sample)
    for fault in sorted(by_fault):
        samples = by_fault[fault]
        wrong = [sample for sample in samples if truths.of(sample).answer is AnswerTruth.WRONG]
        stopped = Counter(sample.reason.value for sample in samples if sample.reason is not None)
        yield FaultLine(
            fault=fault,
            samples=len(samples),
            wrong=len(wrong),
            stopped=tuple(stopped.most_common()),
            published=sum(sample.is_published for sample in samples),
            published_wrong=sum(sample.is_published for sample in wrong),
        )
