"""sources.json: every published data file with its hash, its licence and what the policy said of it.

The card lists it, and `push` checks against it that nothing goes out which the policy does not know.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from datamind_gen.files.licenses import judge_license
from datamind_gen.publish.licenses import decide
from datamind_gen.publish.train_files import TrainFile
from datamind_gen.spec.publish import LicenseAction, LicensePolicy

NAME = "sources.json"


@dataclass(frozen=True, slots=True)
class Source:
    """One file under train_files/."""

    path: str
    """Relative to the dataset's folder."""
    name: str
    """What code sees under data/files/."""
    source: str
    """What the pipeline calls where it came from."""
    license: str
    license_class: str
    action: LicenseAction
    sha256: str
    size: int
    """Bytes."""
    trajectories: int
    """Rows of `sft` about it."""


def list_sources(
    used: Counter[str], placed: Mapping[str, tuple[TrainFile, ...]], policy: LicensePolicy
) -> list[Source]:
    """The published files, by path. `used` counts the rows about each file."""
    rows: Counter[str] = Counter()
    files: dict[str, TrainFile] = {}
    for file_id, parts in sorted(placed.items()):
        for file in parts:
            files.setdefault(file.path, file)
            rows[file.path] += used[file_id]
    return [
        Source(
            path=path,
            name=file.name,
            source=file.source,
            license=file.license,
            license_class=judge_license(file.license).value,
            action=decide(file.license, policy),
            sha256=file.part.sha256,
            size=file.part.size,
            trajectories=rows[path],
        )
        for path, file in sorted(files.items())
    ]


def write_sources(folder: Path, sources: Iterable[Source]) -> None:
    text = json.dumps([asdict(source) for source in sources], indent=1, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read_sources(folder: Path) -> list[Source]:
    """What write_sources wrote. Raises FileNotFoundError."""
    plain = json.loads((folder / NAME).read_text(encoding="utf-8"))
    return [Source(**(entry | {"action": LicenseAction(entry["action"])})) for entry in plain]
