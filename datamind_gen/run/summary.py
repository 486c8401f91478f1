"""The last words of a run: the funnel, the coverage, where the dataset is, and what to type next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

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
    if manifest is not None and manifest.gaps:
        for line in describe_gaps(manifest.gaps):
            console.print(line, soft_wrap=True)
        console.print()
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
        for line in _describe_next(folder):
            console.print(line, soft_wrap=True, highlight=False, markup=False)


def _describe_next(folder: RunFolder) -> tuple[str, ...]:
    """What there is, and what to type, with the Python that is running where `python` is another one."""
    found = shutil.which("python")
    python = "python" if found == sys.executable else sys.executable
    run = shlex.quote(os.path.relpath(folder.root))
    load = f"import datasets; print(datasets.load_dataset('{folder.dataset}', 'sft'))"
    return (
        f"dataset: {folder.dataset}",
        f"report:  {folder.report}",
        f"next:    {python} -m datamind_gen verify {run}   # run every published row again",
        f'         {python} -c "{load}"',
    )
