"""How a pipeline names its filter rules: a list, in the order in which they are applied.

    rules:
      - format
      - answer_length: {max_tokens: 1024}
      - my_package.rules:NoWeekends: {strict: true}

What a rule is called and takes is known to the rules themselves; here stands only how one is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, JsonValue, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from datamind_gen.spec.section import Section


class RuleUse(Section):
    """One rule of a pipeline: its name, or `package.module:Class` for one's own, and its settings."""

    name: str
    settings: dict[str, JsonValue] = Field(default={})

    @property
    def is_custom(self) -> bool:
        """Whether it names a class of the user's own."""
        return ":" in self.name

    @model_validator(mode="before")
    @classmethod
    def _read_short_forms(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, Mapping) and len(data) == 1 and "name" not in data:
            name, settings = next(iter(data.items()))
            if settings is None:
                settings = {}
            if not isinstance(settings, Mapping):
                raise ValueError(
                    f"the settings of `{name}` must be a mapping, as in `{name}: {{key: value}}`"
                )
            return {"name": name, "settings": settings}
        if isinstance(data, Mapping) and "name" not in data:
            raise ValueError("one rule a list item: a name, or `name: {key: value}`; put a dash before each")
        return data

    @model_serializer
    def _write_short_form(self) -> str | dict[str, dict[str, JsonValue]]:
        return {self.name: dict(self.settings)} if self.settings else self.name

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "description": "A rule's name, or its name with settings: `answer_length: {max_tokens: 1024}`.",
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": ["object", "null"]},
                },
            ],
        }
