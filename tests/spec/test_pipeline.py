"""The typed pipeline: what it writes back, its schema, and the pipelines that ship."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

import datamind_gen
from datamind_gen.cli.checks import ROOM_CHECKS
from datamind_gen.sandbox.settings import SandboxSettings
from datamind_gen.spec.loader import LoadedPipeline, load_pipeline, validate_pipeline
from datamind_gen.spec.pipeline import PipelineSpec, resolved_yaml
from datamind_gen.spec.resources import bundled_folder, bundled_pipelines
from datamind_gen.spec.rules import RuleUse
from datamind_gen.spec.running import read_concurrency
from datamind_gen.spec.sandboxing import SandboxLimits
from datamind_gen.spec.schema import pipeline_schema
from tests.spec.conftest import Write

SHIPPED = sorted(bundled_pipelines())
PACKAGE = Path(datamind_gen.__file__).parent


def load_shipped(name: str) -> LoadedPipeline:
    return load_pipeline(bundled_pipelines()[name])


def test_these_pipelines_ship() -> None:
    assert set(SHIPPED) >= {"quickstart", "full", "datamind-12k", "openai", "vllm-server"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pipeline_has_nothing_wrong_and_nothing_ignored(name: str) -> None:
    loaded = load_shipped(name)
    assert validate_pipeline(loaded, checks=ROOM_CHECKS) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pipeline_begins_with_the_command_that_runs_it(name: str) -> None:
    first = bundled_pipelines()[name].read_text().splitlines()[0]
    assert re.search(rf"python -m datamind_gen run pipelines/{name}\.yaml", first)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pipeline_follows_the_schema(name: str) -> None:
    written = yaml.safe_load(bundled_pipelines()[name].read_text())
    jsonschema.Draft202012Validator(pipeline_schema()).validate(written)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_resolved_pipeline_loads_as_the_same(name: str, write: Write) -> None:
    loaded = load_shipped(name)
    text = resolved_yaml(loaded.spec)
    path = write("again.yaml", text)
    if loaded.prompts_folder is not None:
        shutil.copytree(loaded.prompts_folder, path.parent / str(loaded.spec.prompts))
    again = load_pipeline(path).spec
    assert again == loaded.spec.model_copy(update={"run": again.run})
    assert resolved_yaml(again) == text


def test_how_it_is_run_is_not_in_the_resolved_pipeline() -> None:
    one = load_pipeline("quickstart", overrides=["run.display=none", "run.budget.usd=3"])
    assert resolved_yaml(one.spec) == resolved_yaml(load_shipped("quickstart").spec)


@pytest.mark.parametrize(
    ("name", "extended"), [("datamind-12k", {"coverage"}), ("openai", {"models", "queries"})]
)
def test_a_variant_changes_what_it_says_and_nothing_else(name: str, extended: set[str]) -> None:
    full, variant = load_shipped("full").spec, load_shipped(name).spec
    changed = {key for key in type(full).model_fields if getattr(full, key) != getattr(variant, key)}
    assert changed - {"name", "title", "description", "run"} == extended


def test_the_page_lists_every_shipped_pipeline() -> None:
    page = (bundled_folder("pipelines").parent / "docs" / "pipelines.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \|$", page, re.MULTILINE)) >= set(SHIPPED)


def test_datamind_12k_aims_at_the_papers_size() -> None:
    assert load_shipped("datamind-12k").spec.coverage.target == 11_707


def test_the_schema_is_valid_and_describes_every_key_of_ours() -> None:
    schema = pipeline_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    ours = {
        "": schema,
        **{name: it for name, it in schema["$defs"].items() if name.endswith(("Settings", "Limits"))},
    }
    ours = {name: it for name, it in ours.items() if name in ("", *_sections_of_spec())}
    bare = [
        f"{name}.{key}"
        for name, it in ours.items()
        for key, one in it["properties"].items()
        if not one.get("description")
    ]
    assert len(ours) > 8
    assert bare == []


def _sections_of_spec() -> set[str]:
    return {
        info.annotation.__name__
        for info in PipelineSpec.model_fields.values()
        if getattr(info.annotation, "__module__", "").startswith("datamind_gen.spec.")
    }


@pytest.mark.parametrize(
    "text",
    [
        "sampel: {samples: 3}",
        "sample: {samples: 0}",
        "sample: {on_error: undo}",
        "models: {expert: {provider: opnai, model: m}}",
        "rules: [{a: {}, b: {}}]",
        "queries: {paraphrase: 2}",
    ],
)
def test_the_schema_refuses_mistakes(text: str) -> None:
    errors = list(jsonschema.Draft202012Validator(pipeline_schema()).iter_errors(yaml.safe_load(text)))
    assert errors


@pytest.mark.parametrize(
    ("written", "name", "settings"),
    [
        pytest.param("format", "format", {}, id="name"),
        pytest.param(
            {"answer_length": {"max_tokens": 9}}, "answer_length", {"max_tokens": 9}, id="with-settings"
        ),
        pytest.param({"format": None}, "format", {}, id="colon-and-nothing"),
        pytest.param({"name": "format", "settings": {"a": 1}}, "format", {"a": 1}, id="long-form"),
    ],
)
def test_a_rule_is_written_in_short(written: object, name: str, settings: dict[str, object]) -> None:
    rule = RuleUse.model_validate(written)
    assert (rule.name, rule.settings) == (name, settings)
    assert RuleUse.model_validate(rule.model_dump()) == rule


def test_a_rule_of_ones_own_is_known_by_its_colon() -> None:
    assert RuleUse(name="my_rules:Short").is_custom
    assert not RuleUse(name="format").is_custom


@pytest.mark.parametrize(
    ("written", "least", "most"), [(16, 16, 16), ("16", 16, 16), ("8-64", 8, 64), (" 1 - 2 ", 1, 2)]
)
def test_concurrency_is_a_number_or_a_range(written: int | str, least: int, most: int) -> None:
    assert read_concurrency(written) == (least, most)


@pytest.mark.parametrize("written", [0, "64-8", "many", "-3", "0-4"])
def test_concurrency_refuses_what_is_neither(written: int | str) -> None:
    with pytest.raises(ValueError, match="range"):
        read_concurrency(written)


def test_the_sandboxs_settings_each_have_one_place_and_the_same_default() -> None:
    ours = SandboxLimits().model_dump()
    theirs = {field.name: field.default for field in dataclasses.fields(SandboxSettings)}
    elsewhere = {"on_error", "concurrency", "awake_memory_mb", "scratch"}
    assert set(ours) | elsewhere == set(theirs)
    assert {key: theirs[key] for key in ours} == ours


def test_an_installed_package_finds_its_own_pipelines(tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(PACKAGE, site / "datamind_gen", ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("pipelines", "taxonomies"):
        shutil.copytree(PACKAGE.parent / kind, site / "datamind_gen" / kind)
    code = (
        "from datamind_gen.spec.loader import load_pipeline; loaded = load_pipeline('openai');"
        "print(loaded.origin); print(loaded.taxonomy_folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    inside = site.resolve() / "datamind_gen"
    assert done.stdout.split() == [
        str(inside / "pipelines" / "openai.yaml"),
        str(inside / "taxonomies" / "data_analysis"),
    ]
