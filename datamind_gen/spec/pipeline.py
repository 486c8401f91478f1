"""The typed pipeline: all that a user may write, in one place.

`spec/loader.py` makes one from YAML. It holds paths as they were written, relative to the pipeline's own
folder, so that the same pipeline is the same value on any machine; `LoadedPipeline.resolve` finds them.
Nothing here reads a file, imports an engine room, or knows how a stage works.
"""

from __future__ import annotations

from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any

import yaml
from pydantic import Field

from datamind_gen.spec.judging import JudgeMethod, JudgeSettings, ReflectSettings
from datamind_gen.spec.publish import PublishSettings
from datamind_gen.spec.queries import CoverageSettings, QuerySettings
from datamind_gen.spec.roles import ModelRoles
from datamind_gen.spec.rules import RuleUse
from datamind_gen.spec.running import RunSettings
from datamind_gen.spec.sampling import SampleSettings
from datamind_gen.spec.sandboxing import SandboxLimits
from datamind_gen.spec.section import Section
from datamind_gen.spec.sources import ReadSettings, SourceSpec

DEFAULT_RULES = (
    "format",
    "answer_length",
    "language",
    "unresolved_error",
    "supported_answer",
    "reference",
    "replay",
    "duplicates",
)


class PipelineSpec(Section):
    """A pipeline: what the dataset is, and (under `run`) how to make it here."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """What runs and datasets are called; the file's own name when left out. Never inherited."""
    title: str = ""
    """One line for people. Never inherited."""
    description: str = ""
    """What the dataset is for; stands on its card. Never inherited."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Everything drawn at random comes from it."""
    sources: tuple[SourceSpec, ...] = ()
    """The data files to ask about."""
    read: ReadSettings = ReadSettings()
    """Which files and tables to take."""
    taxonomy: str = "data_analysis"
    """What to ask: a folder, or the name of a bundled taxonomy."""
    prompts: str | None = None
    """A folder of `.jinja` files that replace the built-in prompts of the same name."""
    queries: QuerySettings = QuerySettings()
    """How hard the questions are, and who writes them."""
    coverage: CoverageSettings = CoverageSettings()
    """How many trajectories to keep, and how they must spread."""
    models: ModelRoles = ModelRoles()
    """The models by role: author, expert, judge."""
    sample: SampleSettings = SampleSettings()
    """How trajectories are sampled."""
    judge: JudgeSettings = JudgeSettings()
    """When the samples of a query agree."""
    reflect: ReflectSettings = ReflectSettings()
    """The second chance of queries whose samples disagree."""
    rules: tuple[RuleUse, ...] = tuple(RuleUse(name=name) for name in DEFAULT_RULES)
    """What a trajectory must pass, in this order."""
    sandbox: SandboxLimits = SandboxLimits()
    """Limits on the code that models write."""
    publish: PublishSettings = PublishSettings()
    """What becomes of the kept trajectories."""
    run: RunSettings = RunSettings()
    """How to run it here: in no key, never redoes anything."""


DECIDED_BY_STAGE = (
    ("sample", "expert", ("temperature", "top_p", "max_tokens")),
    ("judge", "judge", ("temperature", "max_tokens")),
)
"""Section, role, and the keys in which the section wins over what the role's model says."""


def resolved_yaml(spec: PipelineSpec) -> str:
    """The pipeline with everything that it extends and every default that acts, without what is this
    machine's own: `run`, and the place of a key.

    The same spec gives the same text on any machine; loading it gives an equal spec (but for those).
    """
    plain = spec.model_dump(exclude={"run"}, by_alias=True)
    _leave_out_idle(plain, spec)
    for model in plain["models"].values():
        model.pop("api_key_file", None)
    return dump_pipeline(plain)


def dump_pipeline(plain: dict[str, Any]) -> str:
    """A resolved pipeline as YAML."""
    header = "# Resolved by datamind-gen. Paths are relative to this file.\n"
    return header + yaml.safe_dump(_plain(plain), sort_keys=False, allow_unicode=True, width=100)


def _leave_out_idle(plain: dict[str, Any], spec: PipelineSpec) -> None:
    """Drops defaults that another setting overrules: written out, they would be warnings."""
    for section, role, keys in DECIDED_BY_STAGE:
        settings = getattr(spec.models, role)
        for key in keys:
            default = type(settings).model_fields[key].default
            if getattr(getattr(spec, section), key) is not None and getattr(settings, key) == default:
                del plain["models"][role][key]
    if JudgeMethod.MODEL not in spec.judge.methods:
        for key in ("temperature", "max_tokens"):
            if getattr(spec.judge, key) == JudgeSettings.model_fields[key].default:
                del plain["judge"][key]
        if spec.models.judge == ModelRoles().judge:
            del plain["models"]["judge"]
    if spec.reflect.rounds == 0 and spec.reflect.samples is None:
        del plain["reflect"]["samples"]


def _plain(value: Any) -> Any:
    """Values that YAML writes without tags; keys keep their type, so that `hops` counts in numbers."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, PurePath) else value
