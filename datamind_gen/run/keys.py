"""What a stage's result is recorded under, and what changed since the last start.

A result's key covers the stage, its version, the part of the spec that it reads, the templates that it
renders, and the row it took: nothing else. So a changed judge prompt re-judges and re-samples nothing,
and `run:` settings (concurrency, budget, display) invalidate nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Stage, dump_json, hash_text
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import StageRunner
from datamind_gen.taxonomy import Taxonomy

USE_TAXONOMY = (Stage.WRITE, Stage.COMPOSE, Stage.SAMPLE, Stage.REFLECT)
"""Stages whose results depend on the taxonomy's files: its programs, or its workflows."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All that a stage's results depend on, beside the row."""

    stage: Stage
    version: int
    settings: str
    templates: tuple[tuple[str, str], ...]
    """Names and hashes."""
    taxonomy: str = ""
    """The taxonomy's hash, for stages that use it."""

    @property
    def digest(self) -> str:
        templates = dump_json([list(pair) for pair in self.templates])
        return hash_text(self.stage.value, str(self.version), self.settings, templates, self.taxonomy)

    def changes_from(self, earlier: Fingerprint) -> list[str]:
        """What is different, in words."""
        changes: list[str] = []
        if self.version != earlier.version:
            changes.append(f"the stage's version went from {earlier.version} to {self.version}")
        before, after = _flatten(json.loads(earlier.settings)), _flatten(json.loads(self.settings))
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                changes.append(f"{key} went from {before.get(key)} to {after.get(key)}")
        hashes = dict(earlier.templates)
        changes.extend(
            f"template {name} changed" for name, found in self.templates if hashes.get(name) != found
        )
        if self.taxonomy != earlier.taxonomy:
            changes.append("the taxonomy changed")
        return changes


def take_fingerprint(
    runner: StageRunner[Any, Any], spec: PipelineSpec, prompts: Prompts, taxonomy: Taxonomy
) -> Fingerprint:
    """The fingerprint of a stage under a spec."""
    return Fingerprint(
        stage=runner.name,
        version=runner.version,
        settings=runner.settings(spec),
        templates=tuple((name, prompts.template_hash(name)) for name in runner.templates()),
        taxonomy=taxonomy.fingerprint() if runner.name in USE_TAXONOMY else "",
    )


def result_key(fingerprint: Fingerprint, payload: str) -> str:
    """Where the result for one row is recorded."""
    return hash_text("result", fingerprint.digest, payload)


def _flatten(value: object, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        flat: dict[str, str] = {}
        for key, inner in value.items():
            flat.update(_flatten(inner, f"{prefix}.{key}" if prefix else str(key)))
        return flat
    text = dump_json(value)
    return {prefix: text if len(text) <= 80 else text[:77] + "..."}
