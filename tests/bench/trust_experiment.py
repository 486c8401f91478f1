"""How much do judging, reflection and filters let through, against planted truth?

    python -m tests.bench.trust_experiment [--queries N] [--out DIR]

The scripted model errs in 30 % of its samples, each for itself; in 0, 2, 5 and 10 % of the queries all
samples misread the question alike besides. For `require` all and majority, reflection off and on, it
prints precision and recall of kept queries

    verified      judged, and through every rule, the reference rule too
    unverified    the same without the reference rule: all that a query without a program can have
    consistency   what the judge believed, before any rule

and what became of each kind of fault. Truth is computed anew from the published files (trust/recompute.py),
never the reference that the filter compares with.

Two runs make all trajectories: one without misreadings, one of which every query is misread; a rate is a
mixture of the two. `score` judges both by majority, generating nothing. Without reflection a query is what
it was before its first one, and without the reference rule, which comes last, what that rejected is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from datamind_gen.rows import Reason
from datamind_gen.sandbox import Sandbox
from datamind_gen.trust.audit import make_audit
from datamind_gen.trust.cases import Case, Sample, read_cases
from datamind_gen.trust.measures import Measure
from datamind_gen.trust.recompute import Fresh
from datamind_gen.trust.truth import MISREAD, AnswerTruth, ProcessTruth, Truths, find_truths

RATES = (0.0, 0.02, 0.05, 0.10)
REQUIRE = ("all", "majority")
PIPELINE = """\
extends: full
coverage: {{target: 100000, per_file: 100, waves: 1}}
models: {{expert: {{provider: scripted, fault_rate: 0.3, misread_rate: {misread}}}}}
judge: {{methods: [rule, model], require: all, keep: best}}
reflect: {{rounds: 1}}
# the reference rule comes last: what it rejects would be published without it
rules: [format, answer_length, language, unresolved_error, supported_answer, secrets, instruction_in_data,
  replay, reference]
run: {{graph: local, display: plain}}
"""


@dataclass(frozen=True)
class Outcome:
    """One base run under one setting."""

    cases: list[Case]
    truths: Truths


def command(*arguments: object) -> None:
    """A verb, as a user calls it."""
    print(time.strftime("%H:%M:%S"), *arguments, file=sys.stderr, flush=True)
    words = [sys.executable, "-m", "datamind_gen", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")


def make_runs(place: Path, name: str, misread: float, queries: int) -> dict[str, Path]:
    """A run, and what it is when a majority is enough."""
    pipeline = place / f"{name}.yaml"
    pipeline.write_text(PIPELINE.format(misread=misread), "utf-8")
    runs = {require: place / f"{name}-{require}" for require in REQUIRE}
    if not (runs["all"] / "dataset").is_dir():
        command("run", pipeline, "--out", runs["all"], "--limit", queries)
    if not (runs["majority"] / "dataset").is_dir():
        command("score", runs["all"], "--out", runs["majority"], "--set", "judge.require=majority")
    return runs


async def measure(runs: Mapping[str, Mapping[str, Path]]) -> dict[tuple[str, str], Outcome]:
    """Cases with their truths, by run and what is required; each answer is computed anew once."""
    known: dict[str, Fresh] = {}
    found: dict[tuple[str, str], Outcome] = {}
    every = {(name, require): read_cases(runs[name][require]) for name in runs for require in REQUIRE}
    files = {case.query.file_id: case for cases in every.values() for case in cases if case.files}
    async with Sandbox() as sandbox:
        for key, cases in every.items():
            for case in cases:
                if not case.files and case.query.file_id in files:
                    other = files[case.query.file_id]
                    case.files, case.format = other.files, other.format
            truths = await find_truths(cases, sandbox, known=known)
            known |= truths.fresh
            found[key] = Outcome(cases, truths)
    return found


def mix(clean: Outcome, misread: Outcome, rate: float) -> Outcome:
    """A set of queries of which exactly this share is misread; larger shares hold the smaller ones."""
    shared = [case for case in misread.cases if _is_misread(case)]
    random.Random(0).shuffle(shared)
    taken = shared[: round(rate * len(clean.cases))]
    if len(taken) < round(rate * len(clean.cases)):
        raise SystemExit(f"only {len(shared)} misread queries, too few for {rate:.0%}")
    ids = {case.query.id for case in taken}
    rest = [case for case in clean.cases if case.query.id not in ids][: len(clean.cases) - len(taken)]
    truths = Truths({**clean.truths.fresh, **misread.truths.fresh})
    for cases, source in ((rest, clean.truths), (taken, misread.truths)):
        truths.by_sample |= {s.id: source.by_sample[s.id] for case in cases for s in case.samples}
    return Outcome([*rest, *taken], truths)


def _is_misread(case: Case) -> bool:
    return any(fault.startswith(MISREAD) for sample in case.samples for fault in sample.faults)


def without_reflection(cases: Sequence[Case]) -> list[Case]:
    """The same cases had there been no reflection: what was salvaged is lost, the rest is as it was."""
    return [_forget(case) if any(sample.round for sample in case.samples) else case for case in cases]


def _forget(case: Case) -> Case:
    said = replace(case.said, agree=False, round=0) if case.said is not None else None
    return replace(case, said=said, samples=[sample for sample in case.samples if sample.round == 0])


def without_reference(cases: Sequence[Case]) -> list[Case]:
    """The same cases had there been no reference rule: the first that it rejected had been published."""
    return [replace(case, samples=_publish_first(case.samples)) for case in cases]


def _publish_first(samples: Sequence[Sample]) -> list[Sample]:
    stopped = [sample for sample in samples if sample.reason is Reason.REFERENCE_MISMATCH]
    if not stopped:
        return list(samples)
    return [
        replace(sample, reason=None)
        if sample is stopped[0]
        else replace(sample, reason=Reason.NOT_CHOSEN)
        if sample.is_published
        else sample
        for sample in samples
    ]


def print_settings(found: Mapping[tuple[str, str], Outcome]) -> None:
    print("\nPrecision / recall of kept queries, and rows that are right by a wrong process, in %\n")
    print("| misread | require | reflection | verified | unverified | consistency | wrong process |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: |")
    for rate, require, reflects in product(RATES, REQUIRE, (False, True)):
        mixed = mix(found["clean", require], found["misread", require], rate)
        cases = mixed.cases if reflects else without_reflection(mixed.cases)
        verified = make_audit(cases, mixed.truths, rules=())
        unverified = make_audit(without_reference(cases), mixed.truths, rules=())
        judged = next(line for line in verified.judges if line.name == "judge: consistency in all")
        shares = [_share(line) for line in (verified.chain[0], unverified.chain[0], judged)]
        rows = [f"{rate:.0%}", require, "on" if reflects else "off", *shares]
        kept = verified.chain[0].hits + verified.chain[0].false_alarms
        print(f"| {' | '.join(rows)} | {100 * verified.wrong_process / max(kept, 1):.1f} |")


def _share(line: Measure) -> str:
    precision, recall = (f"{100 * (share or 0):.1f}" for share in (line.precision, line.recall))
    return f"{precision} / {recall}"


def print_faults(outcomes: Sequence[Outcome]) -> None:
    """What became of the samples with each kind of fault, in all runs of one setting together.

    A sample that shares a misreading counts as that alone.
    """
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        loose = {s.id: s for case in without_reference(outcome.cases) for s in case.samples}
        for sample in (sample for case in outcome.cases for sample in case.samples):
            truth = outcome.truths.of(sample)
            shared = {fault for fault in sample.faults if fault.startswith(MISREAD)}
            for fault in shared or set(sample.faults):
                count = counts.setdefault(fault, Counter())
                wrong = truth.answer is AnswerTruth.WRONG
                flawed = truth.is_right and truth.process is ProcessTruth.FLAWED
                count["samples"] += 1
                count["wrong"] += wrong
                count["believed, wrong"] += wrong and sample.was_agreed
                count["unverified, wrong"] += wrong and loose[sample.id].is_published
                count["verified, wrong"] += wrong and sample.is_published
                count["verified, right by luck"] += flawed and sample.is_published
    names = ("samples", "wrong", "believed, wrong", "unverified, wrong", "verified, wrong")
    names = (*names, "verified, right by luck")
    print("\nBy kind of fault (require all, reflection on; all samples of both runs)\n")
    print(f"| fault | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}")
    for fault in sorted(counts):
        print(f"| {fault} | {' | '.join(str(counts[fault][name]) for name in names)} |")
    for name in names[2:]:
        print(f"\n{name}: {', '.join(fault for fault in sorted(counts) if counts[fault][name]) or 'none'}")


def print_losses(outcome: Outcome) -> None:
    """Which judge or rule the right answers were lost to, where no row of the query was kept rightly."""
    lost: Counter[str] = Counter()
    for case in outcome.cases:
        right = [s for s in case.samples if outcome.truths.of(s).is_right]
        if right and not any(s.is_published for s in right):
            late = max(right, key=lambda s: (s.was_agreed, s.round))
            lost[f"{late.stage.value}: {late.reason and late.reason.value}"] += 1
    print(
        "\nLost queries (a sample was right, no right one kept; require all, reflection on, no misreadings)"
    )
    for where, count in lost.most_common():
        print(f"  {count:4}  {where}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--out", type=Path, help="keep the runs here; those that are there are used")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trust-") as temporary:
        place = (arguments.out or Path(temporary)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        runs = {
            "clean": make_runs(place, "clean", 0.0, arguments.queries),
            "misread": make_runs(place, "misread", 1.0, max(8, round(0.16 * arguments.queries))),
        }
        found = asyncio.run(measure(runs))
    clean, misread = found["clean", "all"], found["misread", "all"]
    basis = make_audit([*clean.cases, *misread.cases], _join(clean, misread), rules=()).truth
    print(f"{len(clean.cases)} queries, {basis.samples} samples, {basis.planted} with planted faults;")
    print(f"{basis.recomputed} answers computed anew, {basis.by_sql_too} by SQL and Python alike")
    print_settings(found)
    print_faults([clean, misread])
    print_losses(clean)


def _join(*outcomes: Outcome) -> Truths:
    truths = Truths()
    for outcome in outcomes:
        truths.fresh |= outcome.truths.fresh
        truths.by_sample |= outcome.truths.by_sample
    return truths


if __name__ == "__main__":
    main()
