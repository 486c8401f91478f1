"""An audit as terminal tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from datamind_gen.trust.audit import Audit, FaultLine, Slice
from datamind_gen.trust.measures import Measure


def print_audit(console: Console, audit: Audit) -> None:
    """All tables, and what they do not show."""
    truth = audit.truth
    console.print(
        f"{truth.queries:,} queries with {truth.samples:,} samples, {truth.planted:,} of them with planted "
        f"faults; {truth.recomputed:,} answers computed anew, {truth.by_sql_too:,} by SQL and Python alike",
        highlight=False,
    )
    for why, count in truth.not_recomputed:
        console.print(f"  {count:,} not computed anew: {why}", markup=False, highlight=False)
    console.print()
    marks = (audit.marks,) if audit.marks else ()
    console.print(measure_table((*audit.chain, *audit.judges, *audit.rules, *marks)))
    console.print()
    for title, slices in (
        ("By category", audit.by_category),
        ("By level", audit.by_level),
        ("By format", audit.by_format),
    ):
        console.print(slice_table(title, slices))
        console.print()
    if audit.faults:
        console.print(fault_table(audit.faults))
        console.print()
    _print_findings(console, audit)


def measure_table(measures: Sequence[Measure]) -> Table:
    table = _table("Against known truth", ("what",), ("precision", "95 %", "recall", "judged", "false"))
    for found in measures:
        interval = "·" if found.low is None or found.high is None else f"{found.low:.1%}–{found.high:.1%}"
        table.add_row(
            found.name,
            _percent(found.precision),
            interval,
            _percent(found.recall),
            f"{found.support:,}",
            _count(found.false_alarms),
        )
    return table


def slice_table(title: str, slices: Sequence[Slice]) -> Table:
    names = (
        "queries",
        "rows",
        "right",
        "precision",
        "recall",
        "agreed",
        "reflected",
        "salvaged",
    )
    table = _table(title, ("",), names)
    for part in slices:
        table.add_row(
            part.value,
            f"{part.queries:,}",
            _count(part.kept),
            _count(part.right),
            _percent(part.precision),
            _percent(part.recall),
            _count(part.first_agreed),
            _count(part.reflected),
            _count(part.salvaged),
        )
    return table


def fault_table(faults: Sequence[FaultLine]) -> Table:
    table = _table("Planted faults", ("fault",), ("samples", "wrong", "published", "published wrong"))
    table.add_column("stopped by", overflow="fold")
    for line in faults:
        table.add_row(
            line.fault,
            f"{line.samples:,}",
            _count(line.wrong),
            _count(line.published),
            f"[red]{line.published_wrong:,}[/red]" if line.is_let_through else "·",
            ", ".join(f"{reason} {count:,}" for reason, count in line.stopped),
        )
    return table


def _print_findings(console: Console, audit: Audit) -> None:
    truth = audit.truth
    lines = [f"{audit.wrong_process:,} published rows are right by a flawed process"]
    if audit.published_wrong:
        lines.append(
            f"{len(audit.published_wrong):,} published rows are wrong: {_some(audit.published_wrong)}"
        )
    if audit.let_through:
        lines.append(f"faults that were let through: {', '.join(audit.let_through)}")
    if truth.unknown:
        lines.append(f"of {truth.unknown:,} samples nothing is known; they are left out")
    if truth.disputed:
        lines.append(
            f"{len(truth.disputed):,} samples are wrong with no fault planted (a bug in a program, in the "
            f"scripted model or in the matcher): {_some(truth.disputed)}"
        )
    if truth.wrong_references:
        lines.append(
            f"{len(truth.wrong_references):,} stored references are not what was computed anew: "
            f"{_some(truth.wrong_references)}"
        )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", header_style="dim", box=None, padding=(0, 1))
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _percent(share: float | None) -> str:
    return "·" if share is None else f"{share:.1%}"


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
