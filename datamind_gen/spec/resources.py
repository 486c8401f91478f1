"""Where the pipelines and taxonomies that come with the package lie: in a source tree at its root, in an
installed package inside it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def bundled_folder(kind: str) -> Path:
    """The folder of bundled `pipelines` or `taxonomies`."""
    installed = _PACKAGE / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind


def bundled_pipelines() -> dict[str, Path]:
    """Bundled pipelines by name."""
    return {path.stem: path for path in sorted(bundled_folder("pipelines").glob("*.yaml"))}


def bundled_taxonomies() -> dict[str, Path]:
    """Folders of the bundled taxonomies by name."""
    heads = sorted(bundled_folder("taxonomies").glob("*/taxonomy.yaml"))
    return {head.parent.name: head.parent for head in heads}


def built_in_prompts() -> tuple[str, ...]:
    """File names of the built-in prompts, which a pipeline's own folder may replace."""
    return tuple(sorted(path.name for path in (_PACKAGE / "prompts").glob("*.jinja")))
