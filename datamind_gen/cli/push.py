"""`push RUN REPO_ID`: the dataset of a run goes to the Hugging Face Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamind_gen.cli.output import fail

if TYPE_CHECKING:
    from datamind_gen.publish.folder import PublishedRun


def push_command(
    run: Annotated[Path, typer.Argument(help="A run directory, or its dataset folder.")],
    repo_id: Annotated[
        str | None,
        typer.Argument(help="Where on the Hub: owner/name. Default: publish.repo_id of the pipeline."),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a private repository.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would go; send nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Pushes a run's dataset to the Hugging Face Hub. Repeat it after an interruption: it goes on.

    The licence policy of the pipeline (publish.licenses) is checked first. The token is the one that
    `hf auth login` stored, or HF_TOKEN.

    Examples:

      python -m datamind_gen push runs/quickstart me/my-dataset --dry-run

      python -m datamind_gen push runs/quickstart me/my-dataset --private
    """
    from datamind_gen.publish.finished import PublishError
    from datamind_gen.publish.folder import PublishedRun
    from datamind_gen.publish.hub import read_settings

    try:
        published = PublishedRun.open(run)
        settings = read_settings(published)
        place = repo_id or settings.repo_id
        if place is None:
            fail("no place to push to; give REPO_ID (owner/name), or set publish.repo_id in the pipeline")
        if dry_run:
            _show_plan(published, place, as_json=json_)
        else:
            _push(published, place, private=private or settings.private, as_json=json_)
    except PublishError as error:
        fail(str(error))


def _show_plan(published: PublishedRun, repo_id: str, *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from datamind_gen.publish.hub import check_licenses, plan_push

    files = plan_push(published)
    warnings = check_licenses(published)
    if as_json:
        listed = [{"path": file.path, "size": file.size, "lfs": file.lfs} for file in files]
        print(json.dumps({"repo_id": repo_id, "files": listed, "warnings": warnings}, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("bytes", justify="right")
    table.add_column("kept as")
    for file in files:
        table.add_row(Text(file.path), f"{file.size:,}", "LFS" if file.lfs else "text")
    console = Console()
    console.print(table)
    total = sum(file.size for file in files)
    console.print(f"\n{len(files)} files, {total:,} bytes would go to datasets/{repo_id}; nothing was sent")
    _print_warnings(warnings)


def _push(published: PublishedRun, repo_id: str, *, private: bool, as_json: bool) -> None:
    from datamind_gen.publish.hub import HubFailed, HubRefused, push

    try:
        done = push(published, repo_id, private=private)
    except HubRefused as error:
        fail(str(error))
    except HubFailed as error:
        fail(f"{error}; repeat the command to go on", code=1)
    if as_json:
        print(json.dumps({"url": done.url, "files": done.files, "warnings": done.warnings}))
        return
    _print_warnings(done.warnings)
    typer.echo(f"{done.files} files are at {done.url}")


def _print_warnings(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        typer.secho(f"warning: {warning}", fg=typer.colors.YELLOW, err=True)
