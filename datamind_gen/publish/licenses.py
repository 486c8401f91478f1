"""The licence policy at the door: what may be published, and what is withheld with which words.

A refused file is never copied, rows made from it are rejected with the reason `license`, and the
payloads of rejected rows that quote it are withheld too. This is a guard, not legal advice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from datamind_gen.files.licenses import judge_license
from datamind_gen.ledger.funnel import Funnel, StageCount
from datamind_gen.ledger.shelf import Lazy, at_hand, choose
from datamind_gen.publish.finished import Dropped, Finished
from datamind_gen.rows import Candidate, FileFormat, Level, Reason, Stage, Status, dump_json, encode
from datamind_gen.spec.publish import LicenseAction, LicensePolicy


@dataclass(frozen=True, slots=True)
class Guarded:
    """What is left of a finished run when the policy has been applied."""

    kept: Sequence[Candidate]
    dropped: Sequence[Dropped]
    funnel: Funnel


def decide(license: str, policy: LicensePolicy) -> LicenseAction:
    """What the policy says of a licence text."""
    return policy.action(license, judge_license(license))


def guard(finished: Finished) -> Guarded:
    """Applies the policy. The funnel gains a publish stage, or its own one loses what is withheld."""
    policy = finished.settings.licenses
    refused = {
        file_id: profile.file.license
        for file_id, profile in finished.profiles.items()
        if decide(profile.file.license, policy) is LicenseAction.REFUSE
    }
    about_refused = [row.query.file_id in refused for row in finished.kept] if refused else []
    withheld = choose(finished.kept, [at for at, found in enumerate(about_refused) if found])
    kept = finished.kept
    if withheld:
        kept = choose(kept, [at for at, found in enumerate(about_refused) if not found])

    def refuse(row: Candidate) -> Dropped:
        detail = f"{refused[row.query.file_id]}: refused by publish.licenses"
        return Dropped(row.id, Stage.PUBLISH, Status.REJECTED, Reason.LICENSE, detail, encode(row))

    def drop(at: int) -> Dropped:
        known = len(finished.dropped)
        row = finished.dropped[at] if at < known else refuse(withheld[at - known])
        return _withhold(row, set(refused), policy)

    dropped = at_hand(Lazy(range(len(finished.dropped) + len(withheld)), drop))
    return Guarded(kept, dropped, _count(finished, withheld))


def _count(finished: Finished, withheld: Sequence[Candidate]) -> Funnel:
    """The funnel with what the policy took out of its publish stage and of its cells."""
    funnel = finished.funnel
    last = next((count for count in funnel.stages if count.stage is Stage.PUBLISH), None)
    if last is None:
        taken = len(finished.kept)
        last = StageCount(stage=Stage.PUBLISH, unit="trajectory", taken=taken, made=0, kept=taken)
    reasons = Counter(dict(last.rejected)) + Counter({Reason.LICENSE: len(withheld)})
    last = replace(last, kept=last.kept - len(withheld), rejected=tuple(sorted(reasons.items())))
    lost = Counter(_cell(row, finished) for row in withheld)
    return replace(
        funnel,
        stages=(*(count for count in funnel.stages if count.stage is not Stage.PUBLISH), last),
        cells=tuple(
            replace(cell, kept=cell.kept - lost[cell.category, cell.format, cell.hops, cell.level])
            for cell in funnel.cells
        ),
    )


def _cell(row: Candidate, finished: Finished) -> tuple[str, FileFormat, int, Level]:
    query = row.query
    return query.category, finished.profiles[query.file_id].file.format, len(query.hops), query.level


def _withhold(row: Dropped, refused: set[str], policy: LicensePolicy) -> Dropped:
    if '"parts"' not in row.payload and not any(file_id in row.payload for file_id in refused):
        return row
    payload = json.loads(row.payload)
    for found in _dicts(payload):
        license = found.get("license") if "parts" in found else None
        is_refused = isinstance(license, str) and decide(license, policy) is LicenseAction.REFUSE
        if is_refused or found.get("file_id") in refused:
            names = {"name": found.get("name"), "license": license, "file_id": found.get("file_id")}
            reason = {"withheld": "the licence of its data file is refused by publish.licenses"}
            return replace(row, payload=dump_json(reason | {k: v for k, v in names.items() if v}))
    return row


def _dicts(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _dicts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _dicts(inner)
