"""manifest.json: what a row may not hold. When the run went, how long, what it cost, on which versions.

It lies beside the dataset and is never pushed. `Manifest.throughput` is what the report draws over time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from datamind_gen.models.usage import ModelUsage, add_up
from datamind_gen.publish.finished import ModelUse
from datamind_gen.rows import decode, encode
from datamind_gen.stages.diversity import Diversity
from datamind_gen.stages.matrix import Gap

logger = logging.getLogger(__name__)

NAME = "manifest.json"
MANIFEST_VERSION = 1
PACKAGES = (
    "datamind-gen",
    "distilabel",
    "datasets",
    "duckdb",
    "numpy",
    "openpyxl",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "sqlglot",
    "statsmodels",
)
"""Those whose version may change a row."""


@dataclass(frozen=True, slots=True)
class Tick:
    """How far the run was at a moment."""

    at_s: float
    """Seconds since the start."""
    settled: int
    """Rows that ended, of all stages."""
    kept: int
    """Trajectories that passed the last filter."""
    tokens: int | None = None
    """Prompt and completion of all models so far; None where no server counted them."""
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of a run that are not about its rows."""

    name: str
    pipeline_sha256: str
    """Of the published pipeline.yaml."""
    outcome: str
    """finished, stopped or failed."""
    message: str
    started: str
    """ISO 8601, UTC, of the first start."""
    ended: str
    wall_s: float
    """Of all starts together, without the pauses between them."""
    starts: int
    waves: int
    isolation: str
    """What the sandbox proved of itself."""
    models: tuple[ModelUse, ...]
    usage: tuple[ModelUsage, ...]
    """Of all starts together."""
    python: str
    platform: str
    cores: int
    packages: tuple[tuple[str, str], ...]
    throughput: tuple[Tick, ...] = ()
    """Of all starts, one after another."""
    diversity: Diversity | None = None
    """Of the published questions."""
    gaps: tuple[Gap, ...] = ()
    """Cells of category x format x hops that hold nothing, each with why."""
    warnings: tuple[str, ...] = ()
    manifest_version: int = MANIFEST_VERSION

    def after(self, earlier: Manifest) -> Manifest:
        """This start's facts with what earlier starts took: a start that finds all done took nothing itself.

        Its course goes on where theirs ended, once it has gone through what they had settled.
        """
        last = earlier.throughput[-1] if earlier.throughput else Tick(0.0, 0, 0)
        course = [
            replace(
                tick,
                at_s=round(tick.at_s + earlier.wall_s, 1),
                tokens=(tick.tokens or 0) + (last.tokens or 0) or None,
            )
            for tick in self.throughput
            if tick.settled > last.settled
        ]
        return replace(
            self,
            started=earlier.started,
            wall_s=round(earlier.wall_s + self.wall_s, 3),
            usage=add_up((tuple(replace(use, limit=0) for use in earlier.usage), self.usage)),
            throughput=(*earlier.throughput, *course),
        )


def write_manifest(run: Path, manifest: Manifest) -> Path:
    """Writes RUN/manifest.json beside and renames it."""
    path = run / NAME
    beside = path.with_name(f".{NAME}.{os.getpid()}")
    text = json.dumps(json.loads(encode(manifest)), indent=2, ensure_ascii=False)
    beside.write_text(text + "\n", encoding="utf-8")
    beside.replace(path)
    return path


def read_manifest(run: Path) -> Manifest | None:
    """The manifest of a run directory; None where there is none that this version can read."""
    path = run / NAME
    if not path.is_file():
        return None
    try:
        return decode(Manifest, path.read_text(encoding="utf-8"))
    except ValidationError:
        logger.warning("%s was written by another version of datamind_gen, and is passed over", path)
        return None


def hash_pipeline(pipeline_yaml: str) -> str:
    return hashlib.sha256(pipeline_yaml.encode("utf-8")).hexdigest()


def package_versions(names: Iterable[str] = PACKAGES) -> tuple[tuple[str, str], ...]:
    """Installed versions, by name; what is not installed is left out."""
    found = []
    for name in names:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def describe_platform() -> str:
    """System, architecture and libc: no host name."""
    return f"{platform.system()} {platform.machine()} {' '.join(platform.libc_ver())}".strip()
