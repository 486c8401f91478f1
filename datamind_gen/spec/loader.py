"""Pipeline YAML -> PipelineSpec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from datamind_gen.spec.pipeline import PipelineSpec


@dataclass(frozen=True, slots=True)
class LoadedPipeline:
    """A pipeline with where it came from."""

    spec: PipelineSpec
    origin: Path
    """The pipeline's file."""

    @property
    def folder(self) -> Path:
        """What paths in the spec are relative to."""
        return self.origin.parent

    def resolve(self, path: str) -> Path:
        """Where a path that the spec holds lies here."""
        return self.folder / path


def load_pipeline(path: str | Path, *, overrides: Sequence[str] = ()) -> LoadedPipeline:
    """The pipeline, checked."""
    origin = Path(path).resolve()
    data = yaml.safe_load(origin.read_text("utf-8")) or {}
    data.setdefault("name", origin.stem)
    return LoadedPipeline(PipelineSpec.model_validate(data), origin)
