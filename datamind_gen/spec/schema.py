"""The JSON Schema of a pipeline's file, for editors: completion, descriptions, and mistakes as one types.

Put `# yaml-language-server: $schema=pipeline.schema.json` at the top of a pipeline. The schema knows what a
single file may hold; what only shows when files, models and settings meet is `validate`'s to find.
"""

from __future__ import annotations

from typing import Any

from datamind_gen.spec.layers import EXTENDS
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.spec.resources import bundled_pipelines
from datamind_gen.spec.shape import DISCRIMINATOR


def pipeline_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a pipeline's file."""
    schema = PipelineSpec.model_json_schema()
    names = ", ".join(bundled_pipelines())
    schema["properties"] = {
        EXTENDS: {
            "type": "string",
            "description": f"The pipeline to start from: a path relative to this file, or one of {names}.",
        },
        **schema["properties"],
    }
    # A file may leave out what it inherits, and a section may stand empty.
    schema.pop("required", None)
    for property in schema["properties"].values():
        _allow_empty(property)
    for definition in schema.get("$defs", {}).values():
        _require_less(definition)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Pipeline"}


def _allow_empty(property: dict[str, Any]) -> None:
    if (reference := property.pop("$ref", None)) is not None:
        property["anyOf"] = [{"$ref": reference}, {"type": "null"}]


def _require_less(definition: dict[str, Any]) -> None:
    """A model that extends another's says only what differs, but always which provider it means."""
    if DISCRIMINATOR in definition.get("properties", {}):
        definition["required"] = [DISCRIMINATOR]
