"""Pushing a dataset to the Hub, with the licence policy at the door.

The data goes first and the card last, so that a card never promises what is not there yet. Files that the
Hub has already are not sent again, so an interrupted push goes on when it is repeated; files of an older
push that this dataset no longer has are removed. What the upload itself is about (LFS, Xet, retries,
tokens) is huggingface_hub's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml
from pydantic import ValidationError

from datamind_gen.publish import card
from datamind_gen.publish.finished import PublishError
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.licenses import decide
from datamind_gen.publish.plots import FOLDER as PLOTS
from datamind_gen.publish.recipe import PROMPTS, TAXONOMY
from datamind_gen.publish.schema import Config
from datamind_gen.publish.sources import NAME as SOURCES
from datamind_gen.publish.sources import Source, read_sources
from datamind_gen.publish.train_files import FOLDER as TRAIN_FILES
from datamind_gen.spec.publish import LicenseAction, PublishSettings

_OWNED = tuple(
    f"{folder}/*" for folder in (*Config, TRAIN_FILES, "gold_csv_results", PLOTS, TAXONOMY, PROMPTS)
)
"""Folders that are ours alone in the repository: what is not in the dataset is removed from them."""
_LFS_PATTERN = re.compile(
    r"\.(7z|arrow|bin|bz2|gz|h5|np[yz]|parquet|pkl|png|jpe?g|tar|tgz|xz|zip|zst)$", re.I
)
_LFS_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that a push would send."""

    path: str
    size: int
    """Bytes."""
    lfs: bool
    """Whether the Hub is expected to keep it as a large file; the Hub has the last word."""


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did."""

    url: str
    files: int
    warnings: tuple[str, ...]


def plan_push(published: PublishedRun) -> list[PlannedFile]:
    """The files that would go, by path. Raises PublishError when the licence policy refuses."""
    check_licenses(published)
    return [
        PlannedFile(path, place.stat().st_size, _is_large(place))
        for path, place in sorted(_files(published.dataset).items())
    ]


class HubRefused(Exception):
    """The Hub says no: the token, the name or the rights are wrong. Exit code 2."""


class HubFailed(Exception):
    """The Hub or the way to it failed; pushing again goes on. Exit code 1."""


def push(published: PublishedRun, repo_id: str, *, private: bool = False) -> Push:
    """Creates the dataset repository where needed, and makes it hold exactly this dataset.

    Raises PublishError when the licence policy refuses, HubRefused and HubFailed.
    """
    import httpx
    from huggingface_hub.errors import HFValidationError, LocalTokenNotFoundError

    warnings = check_licenses(published)
    try:
        url = _upload(published, repo_id, private=private)
    except HFValidationError as error:
        raise HubRefused(f"{repo_id!r} is no repository id (owner/name): {error}") from error
    except LocalTokenNotFoundError as error:
        raise HubRefused("the Hub asks for a token; run `hf auth login`, or set HF_TOKEN") from error
    except (httpx.HTTPError, OSError, RuntimeError) as error:
        raise _explain(error, repo_id) from error
    return Push(url, len(_files(published.dataset)), warnings)


def _upload(published: PublishedRun, repo_id: str, *, private: bool) -> str:
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
    if private and not api.repo_info(repo_id, repo_type="dataset").private:
        raise PublishError(f"{repo_id} exists and is public; make it private on the Hub, or push elsewhere")
    api.upload_folder(
        repo_id=repo_id,
        repo_type="dataset",
        folder_path=published.dataset,
        ignore_patterns=[card.NAME],
        delete_patterns=list(_OWNED),
        commit_message="Upload the dataset's files",
    )
    commit = api.upload_file(
        repo_id=repo_id,
        repo_type="dataset",
        path_or_fileobj=_card_for(published, repo_id).encode("utf-8"),
        path_in_repo=card.NAME,
        commit_message="Upload the dataset card",
    )
    return str(commit.commit_url).split("/commit/")[0].split("/blob/")[0]


def _explain(error: Exception, repo_id: str) -> HubRefused | HubFailed:
    """huggingface_hub wraps what went wrong with one file of many: the cause says what it was."""
    cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    response = getattr(cause, "response", None)
    if getattr(response, "status_code", None) in (401, 403):
        return HubRefused(f"no right to write to {repo_id}: {cause}; check HF_TOKEN or `hf auth login`")
    return HubFailed(f"the upload broke off: {error}: {cause}" if cause is not error else f"{error}")


def check_licenses(published: PublishedRun) -> tuple[str, ...]:
    """Warnings of the published policy. Raises PublishError for what it refuses or does not know."""
    policy = read_settings(published).licenses
    sources = {source.path: source for source in _read_sources(published)}
    stray = sorted(
        path
        for path in _files(published.dataset)
        if PurePosixPath(path).parts[0] == TRAIN_FILES and path not in sources
    )
    if stray:
        raise PublishError(
            f"{published.dataset}: {SOURCES} does not list {_some(stray)}, so no licence is known; "
            "take it away, or run again"
        )
    by_action: dict[LicenseAction, list[str]] = {action: [] for action in LicenseAction}
    for source in sources.values():
        by_action[decide(source.license, policy)].append(f"{source.path} ({source.license})")
    refused = by_action[LicenseAction.REFUSE]
    if refused:
        raise PublishError(
            f"publish.licenses refuses {_some(refused)}; change the policy in the pipeline or drop the "
            "source, and run again"
        )
    return tuple(f"look at the licence of {name}" for name in by_action[LicenseAction.WARN])


def read_settings(published: PublishedRun) -> PublishSettings:
    """`publish:` of the published pipeline."""
    path = published.dataset / "pipeline.yaml"
    try:
        pipeline = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return PublishSettings.model_validate(pipeline.get("publish") or {})
    except FileNotFoundError as error:
        raise PublishError(f"{path} is missing, so the licence policy is unknown; run again") from error
    except ValidationError as error:
        raise PublishError(f"{path}: {error}") from error


def _read_sources(published: PublishedRun) -> list[Source]:
    try:
        return read_sources(published.dataset)
    except FileNotFoundError as error:
        path = published.dataset / SOURCES
        raise PublishError(f"{path} is missing, so the licences are unknown; run again") from error


def _card_for(published: PublishedRun, repo_id: str) -> str:
    text = (published.dataset / card.NAME).read_text(encoding="utf-8")
    text = card.with_location(text, repo_id)
    audit = published.audit()
    return card.with_audit(text, audit) if audit else text


def _files(dataset: Path) -> dict[str, Path]:
    return {path.relative_to(dataset).as_posix(): path for path in dataset.rglob("*") if path.is_file()}


def _is_large(path: Path) -> bool:
    return _LFS_PATTERN.search(path.name) is not None or path.stat().st_size >= _LFS_BYTES or _is_binary(path)


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" in file.read(512)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
