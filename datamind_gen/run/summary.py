"""The last words of a run: the funnel, the coverage, where the dataset is, and what to type next."""

from __future__ import annotations

from rich.console import Console

from datamind_gen.publish.manifest import read_manifest
from datamind_gen.run.events import Ended
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.status import read_funnel
from datamind_gen.run.stopping import ExitCode
from datamind_gen.run.tables import coverage_table, describe_gaps, diversity_table, funnel_table


def print_summary(console: Console, folder: RunFolder, finished: Ended) -> None:
    """Says how the run ended and what there is now."""
    funnel, _, _ = read_funnel(folder)
    if finished.code is ExitCode.BAD_INPUT:
        console.print(f"[red]error:[/red] {finished.message}", soft_wrap=True)
        return
    if funnel is not None:
        console.print(funnel_table(funnel))
        console.print()
        console.print(coverage_table(funnel))
        console.print()
    manifest = read_manifest(folder.root)
    for line in describe_gaps(manifest.gaps) if manifest is not None else ():
        console.print(line, soft_wrap=True)
    if manifest is not None and manifest.diversity is not None:
        console.print(diversity_table(manifest.diversity))
        console.print()
    style = {ExitCode.DONE: "green", ExitCode.STOPPED: "yellow"}.get(finished.code, "red")
    console.print(f"[{style}]{finished.message}[/{style}]", soft_wrap=True)
    if finished.fix:
        console.print(finished.fix, soft_wrap=True)
    for warning in finished.warnings:
        console.print(f"[yellow]warning:[/yellow] {warning}", soft_wrap=True)
    if folder.dataset.is_dir():
        console.print(f"dataset: {folder.dataset}", soft_wrap=True)
        console.print(
            f"next:    python -c \"import datasets; print(datasets.load_dataset('{folder.dataset}', "
            "'sft'))\"",
            soft_wrap=True,
        )
