"""What a dataset says of the pipeline that made it: its resolved pipeline.yaml, as plain YAML.

A dataset outlives the version that made it, so nothing here validates the pipeline again.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from datamind_gen.trust.published import NotPublished, find_dataset

NAME = "pipeline.yaml"


def read_settings(run: Path) -> dict[str, object]:
    """The resolved pipeline of a run or a dataset. Raises NotPublished."""
    path = find_dataset(run) / NAME
    if not path.is_file():
        raise NotPublished(f"{path} is missing; the dataset is not whole")
    found = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(found, dict):
        raise NotPublished(f"{path} holds no pipeline")
    return found


def read_rules(run: Path) -> tuple[str, ...]:
    """The names of the rules that the run applied, in order."""
    listed = read_settings(run).get("rules")
    rules = listed if isinstance(listed, list) else []
    return tuple(_name_of(rule) for rule in rules)


def flatten(value: object, prefix: str = "") -> dict[str, object]:
    """Every value by its key path (`sample.turns`); an empty list or mapping counts as a value."""
    items: list[tuple[object, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    if not items:
        return {prefix: value}
    flat: dict[str, object] = {}
    for key, inner in items:
        flat.update(flatten(inner, f"{prefix}.{key}" if prefix else str(key)))
    return flat


def _name_of(rule: object) -> str:
    if isinstance(rule, dict):
        return str(rule["name"] if "name" in rule else next(iter(rule)))
    return str(rule)
