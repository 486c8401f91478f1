"""What a user writes about files: where they are, their licence, and which of them to keep."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

from pydantic import Field, model_validator

from datamind_gen.spec.publish import LicenseAction
from datamind_gen.spec.section import Section


class SourceSpec(Section):
    """One source: exactly one of `path`, `glob`, `folder` or `bundled`."""

    path: str | None = Field(None, description="One file, relative to the pipeline's folder or absolute.")
    glob: str | None = Field(None, description="Files by pattern; ** crosses folders.")
    folder: str | None = Field(None, description="Every data file under a folder.")
    bundled: str | None = Field(
        None, description="Real tables that ship with statsmodels: `all`, a format (`csv`), or a file's name."
    )
    as_one: bool = Field(False, description="Take a folder as one source: its tables may be joined.")
    license: str | None = Field(None, description="An SPDX id or a text; otherwise found beside the file.")
    name: str | None = Field(
        None, description="What the source is called in reports; default: what it names."
    )

    @model_validator(mode="after")
    def _one_place(self) -> SourceSpec:
        given = [key for key in ("path", "glob", "folder", "bundled") if getattr(self, key)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a source needs exactly one of path, glob, folder or bundled; found {found}")
        if self.as_one and not self.folder:
            raise ValueError("as_one needs a folder: a single file is one source already")
        return self

    @property
    def label(self) -> str:
        """What reports and rows call the source: never where it lies on this machine."""
        place = self.path or self.glob or self.folder
        if place is None:
            return self.name or f"bundled:{self.bundled}"
        return self.name or (PurePath(place).name if PurePath(place).is_absolute() else place)


class ReadSettings(Section):
    """Which files to keep, and what reading one may cost. The defaults keep what can be asked about."""

    min_rows: Annotated[int, Field(ge=0)] = 20
    """The paper's lower bound. A database's small tables stay when another table passes."""
    max_rows: Annotated[int, Field(ge=1)] | None = None
    """The paper used 1,000; none here, since profiling streams."""
    min_columns: Annotated[int, Field(ge=1)] = 2
    """A table of one column seldom carries a question."""
    max_columns: Annotated[int, Field(ge=1)] | None = None
    """No bound by default: a profile stays small however wide its table."""
    max_bytes: Annotated[int, Field(ge=1)] | None = None
    """The file's size on disk."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A table read with more doubt than this is rejected, with the reason."""
    max_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Wall time for one file of up to 500 MB; a larger one gets as much more as it is larger."""
    max_memory_mb: Annotated[int, Field(ge=256)] = 2048
    """Of the process that reads the file."""
    policy: LicenseAction = LicenseAction.WARN
    """`refuse` rejects a file whose licence is unknown or forbids republishing."""

    @model_validator(mode="after")
    def _ordered(self) -> ReadSettings:
        for low, high in (("min_rows", "max_rows"), ("min_columns", "max_columns")):
            ceiling = getattr(self, high)
            if ceiling is not None and ceiling < getattr(self, low):
                raise ValueError(f"{high} ({ceiling}) is below {low} ({getattr(self, low)})")
        return self

    @classmethod
    def accept_all(cls) -> ReadSettings:
        """No filter but the limits on time and memory: what `profile FILE` uses."""
        return cls(min_rows=0, min_columns=1, min_confidence=0.0, policy=LicenseAction.ALLOW)
