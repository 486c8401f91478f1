"""Where a run's numbers go: accelerate's trackers, and a plain metrics.jsonl beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from accelerate.tracking import GeneralTracker, filter_trackers, on_main_process

from trainers.config import Recipe


class JsonlTracker(GeneralTracker):
    """One JSON object a step in metrics.jsonl: what the plots read."""

    name = "jsonl"
    requires_logging_directory = False
    main_process_only = True

    @on_main_process
    def __init__(self, path: Path, *, after_step: int) -> None:
        super().__init__()
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        keep_steps(path, after_step)

    @property
    def tracker(self) -> Any:
        return None

    @on_main_process
    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """The recipe lies beside, as YAML."""

    @on_main_process
    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file; [] where there is none. A line cut short by a kill is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def keep_steps(path: Path, last: int) -> None:
    """Drops the rows of later steps from a JSON-lines file: a resumed run writes them again."""
    kept = [row for row in read_jsonl(path) if row["step"] <= last]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), encoding="utf-8")


def open_trackers(accelerator: Any, recipe: Recipe, directory: Path, *, verb: str, after_step: int) -> None:
    """Starts the recipe's trackers; numbers of steps after a resumed checkpoint's are dropped."""
    trackers: list[Any] = [name for name in recipe.tracking.trackers if name != "jsonl"]
    if "jsonl" in recipe.tracking.trackers and accelerator.is_main_process:
        trackers.append(JsonlTracker(directory / "metrics.jsonl", after_step=after_step))
    accelerator.project_configuration.set_directories(str(directory))
    accelerator.log_with = filter_trackers(trackers, str(directory))
    options = {"wandb": {"name": f"{recipe.name}-{verb}"}, "trackio": {"name": f"{recipe.name}-{verb}"}}
    accelerator.init_trackers(
        recipe.tracking.project,
        config=_flat(recipe.model_dump(mode="json")),
        init_kwargs={name: options[name] for name in recipe.tracking.trackers if name in options},
    )


def _flat(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as `a.b.c`, of types that every tracker takes."""
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, int | float | str | bool) else str(value)
    return flat
