"""The recipe of a dataset: pipeline.yaml, and beside it the taxonomy, the prompts and the data that it names.

    parts = read_parts(loaded, prompts)    # when the run starts: later edits are not in its rows
    text = publish_pipeline(resolved, parts, placed, profiles)    # at its end, when files have places

So a dataset's folder, wherever it lies, can be validated and run again. `bundled:` sources stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from datamind_gen.prompts.render import SUFFIX, Prompts
from datamind_gen.publish.train_files import TrainFile
from datamind_gen.rows import FileFormat, Profile
from datamind_gen.spec.loader import LoadedPipeline
from datamind_gen.spec.pipeline import dump_pipeline
from datamind_gen.spec.sources import SourceSpec

NAME = "pipeline.yaml"
TAXONOMY = "taxonomy"
PROMPTS = "prompts"


def read_parts(loaded: LoadedPipeline, prompts: Prompts) -> dict[str, bytes]:
    """The taxonomy's files and the user's own prompts, by their path in the dataset."""
    parts: dict[str, bytes] = {}
    if (folder := loaded.taxonomy_folder) is not None:
        parts |= {f"{TAXONOMY}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.yaml"))}
    return parts | {f"{PROMPTS}/{name}{SUFFIX}": prompts.path(name).read_bytes() for name in prompts.own()}


def write_parts(folder: Path, parts: Mapping[str, bytes]) -> None:
    for path, content in parts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def publish_pipeline(
    pipeline_yaml: str,
    parts: Mapping[str, bytes],
    placed: Mapping[str, tuple[TrainFile, ...]],
    profiles: Mapping[str, Profile],
) -> str:
    """The resolved pipeline, as it runs from the dataset's folder."""
    plain = yaml.safe_load(pipeline_yaml)
    bundled = _bundled(plain)
    own = {id: files for id, files in placed.items() if files[0].source not in bundled}
    kept = [source.model_dump(exclude_defaults=True) for source in bundled.values()]
    plain["sources"] = [*kept, *_published(own, profiles)]
    for key, folder in (("taxonomy", TAXONOMY), ("prompts", PROMPTS)):
        if any(path.startswith(f"{folder}/") for path in parts):
            plain[key] = folder
        elif key == "prompts":
            plain.pop(key, None)
    return dump_pipeline(plain)


def count_left_behind(
    pipeline_yaml: str, placed: Mapping[str, tuple[TrainFile, ...]], profiles: Mapping[str, Profile]
) -> int:
    """The files that the run asked about too, and that are not published since no published row is."""
    bundled = _bundled(yaml.safe_load(pipeline_yaml))
    return sum(id not in placed and profile.file.source not in bundled for id, profile in profiles.items())


def _bundled(plain: Mapping[str, Any]) -> dict[str, SourceSpec]:
    """The bundled sources, by what rows call them."""
    sources = [SourceSpec.model_validate(source) for source in plain.get("sources") or ()]
    return {source.label: source for source in sources if source.bundled}


def _published(
    placed: Mapping[str, tuple[TrainFile, ...]], profiles: Mapping[str, Profile]
) -> Iterator[dict[str, Any]]:
    """A source a file, in the order of their paths. A name and a licence keep rows what they were."""
    for id, files in sorted(placed.items(), key=lambda item: item[1][0].path):
        path = files[0].path
        is_folder = profiles[id].file.format is FileFormat.FOLDER
        place = {"folder": path.rpartition("/")[0], "as_one": True} if is_folder else {"path": path}
        yield place | {"name": files[0].source, "license": files[0].license}
