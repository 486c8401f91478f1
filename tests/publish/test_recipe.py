"""The published pipeline.yaml: it stands on what lies beside it, and finds the same files as the run did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from datamind_gen.cli.checks import ROOM_CHECKS
from datamind_gen.files.find import find_sources
from datamind_gen.prompts.render import Prompts
from datamind_gen.publish import Finished
from datamind_gen.publish.recipe import publish_pipeline, read_parts
from datamind_gen.publish.train_files import copy_files, place_files
from datamind_gen.rows import Profile
from datamind_gen.run.opening import locate
from datamind_gen.spec.loader import LoadedPipeline, load_pipeline, read_pipeline, validate_pipeline
from datamind_gen.spec.pipeline import resolved_yaml
from datamind_gen.spec.resources import bundled_pipelines
from datamind_gen.spec.sources import SourceSpec

Publish = Callable[..., LoadedPipeline]


@pytest.fixture
def publish(finished: Finished, make_run: Callable[[Finished], Path]) -> Publish:
    """Publishes the sample's rows as a shipped pipeline's own. Returns its pipeline.yaml, read in place."""

    def publish(name: str, sources: str, source_of: dict[str, str] | None = None) -> LoadedPipeline:
        loaded = load_pipeline(name, overrides=[f"sources={sources}"])
        profiles = {
            id: replace(profile, file=replace(profile.file, source=(source_of or {}).get(id, "mine")))
            for id, profile in finished.profiles.items()
        }
        recipe = read_parts(loaded, Prompts(loaded.prompts_folder))
        made = replace(finished, pipeline_yaml=resolved_yaml(loaded.spec), recipe=recipe, profiles=profiles)
        return read_pipeline(make_run(made) / "dataset" / "pipeline.yaml")

    return publish


@pytest.mark.parametrize("name", sorted(bundled_pipelines()))
def test_a_published_pipeline_is_valid_where_it_lies(publish: Publish, name: str) -> None:
    again = publish(name, "[{bundled: state_crime_2009.csv}, {bundled: sunspots_yearly.csv, name: spots}]")
    assert validate_pipeline(again, checks=ROOM_CHECKS) == []
    assert again.taxonomy_folder == again.folder / "taxonomy"
    assert again.prompts_folder in (None, again.folder / "prompts")


def test_it_finds_the_same_files_and_calls_them_the_same(
    publish: Publish, finished: Finished, tmp_path: Path
) -> None:
    again = publish("quickstart", f"[{{folder: {tmp_path}}}]")
    found = {
        (item.file.name, item.file.source, item.file.license, item.file.parts)
        for item in find_sources(again.spec.sources, again.folder, tmp_path)
    }
    used = {finished.profiles[row.query.file_id].file for row in finished.kept}
    assert found == {(file.name, "mine", file.license, file.parts) for file in used}


def test_it_names_no_place_of_the_machine_that_made_it(publish: Publish, tmp_path: Path) -> None:
    again = publish("openai", f"[{{folder: {tmp_path}}}]")
    assert str(tmp_path) not in again.origin.read_text()
    assert "api_key_file" not in again.origin.read_text()


def test_a_bundled_source_stays_bundled(publish: Publish, finished: Finished) -> None:
    bundled = next(iter(finished.profiles))
    again = publish("quickstart", "[{bundled: csv}, {glob: '*.md'}]", {bundled: "bundled:csv"})
    written = yaml.safe_load(again.origin.read_text())["sources"]
    assert written[0] == {"bundled": "csv"}
    assert len(written) == len(finished.profiles)


def test_a_folder_taken_as_one_is_published_as_one(tmp_path: Path) -> None:
    for name in ("shop/orders.csv", "shop/2024/orders.csv", "orders.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"id,total\n1,{len(name)}\n")
    sources: list[dict[str, object]] = [{"folder": "shop", "as_one": True}, {"path": "orders.csv"}]
    found = find_sources([SourceSpec.model_validate(one) for one in sources], tmp_path, tmp_path)
    placed = place_files(item.file for item in found)
    copy_files(tmp_path, placed, locate(found))
    profiles = {item.file.id: Profile(item.file.id, item.file, ()) for item in found}
    text = publish_pipeline("taxonomy: data_analysis\n", {}, placed, profiles)
    again = [SourceSpec.model_validate(source) for source in yaml.safe_load(text)["sources"]]
    assert {item.file for item in find_sources(again, tmp_path, tmp_path)} == {item.file for item in found}
