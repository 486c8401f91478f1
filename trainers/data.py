"""Reads what the engine publishes: conversations to imitate and tasks to try.

    source = open_dataset(recipe.data)
    source.conversations()      # config `sft`, or DataMind-12K's own json
    source.tasks()              # config `rl`, with the files, references and experts of each

`dataset` is RUN/dataset, a Hub id, or datamind_12k.json. A schema version that this trainer does not
know is refused: a column that changed its meaning would otherwise train silently on the wrong thing.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from datamind_gen.publish.recipe import NAME as PIPELINE
from datamind_gen.publish.schema import SCHEMA_VERSION, SCHEMAS, Config
from datamind_gen.rows import Answer, FileFormat, Message, decode, hash_text
from datamind_gen.spec.resources import bundled_pipelines
from datamind_gen.spec.sampling import SampleSettings
from trainers.config import Data
from trainers.errors import TrainerError


@dataclass(frozen=True, slots=True)
class Conversation:
    """An expert's trajectory as messages."""

    id: str
    question: str
    messages: tuple[Message, ...]
    category: str
    level: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question to answer, with what is needed to let a policy try and to score it."""

    id: str
    question: str
    prompt: tuple[Message, ...]
    files: Mapping[str, Path]
    """What code sees under data/files/, and where it lies here."""
    reference: Answer | str
    """Typed where the engine executed a program; else the text that the samples agreed on, which for a
    database question is a result CSV's."""
    is_database: bool
    """Whether the answer is the name of a result CSV."""
    category: str
    level: str
    expert: tuple[Message, ...] = ()
    sampled_with: SampleSettings = field(default_factory=SampleSettings)
    """How the dataset's experts were sampled: rollouts see what they saw, and fail as they failed."""

    @property
    def reference_text(self) -> str:
        return self.reference if isinstance(self.reference, str) else self.reference.text


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that is open, with its held-out share set apart."""

    config: Data
    root: Path | None
    """RUN/dataset, or the snapshot of a Hub dataset; None for datamind_12k.json."""

    def conversations(self) -> list[Conversation]:
        """The training share of the conversations, in the dataset's order."""
        rows = self._twelve_k() if self.root is None else self._published()
        kept = [row for row in rows if not is_held_out(row.question, self.config.holdout)]
        if not kept:
            raise TrainerError(f"data.dataset: {self.config.dataset} has no conversation to train on")
        return kept[: self.config.max_rows]

    def tasks(self, *, held_out: bool) -> list[Task]:
        """The tasks to train on, or those held out."""
        if self.root is None:
            raise TrainerError(
                f"data.dataset: {self.config.dataset} has conversations only; `rl` and `evaluate` need a "
                "published dataset with the config `rl`"
            )
        sampled_with = self._sampled_with(self.root)
        tasks = [replace(self._task(row), sampled_with=sampled_with) for row in self._rows(Config.RL)]
        kept = [task for task in tasks if is_held_out(task.question, self.config.holdout) is held_out]
        for path in dict.fromkeys(path for task in kept for path in task.files.values()):
            if not path.is_file():
                raise TrainerError(f"{path}: a data file of the dataset is not there; see data.files")
        if not kept:
            share = "held-out" if held_out else "training"
            raise TrainerError(f"data.dataset: {self.config.dataset} has no {share} task; see data.holdout")
        return kept

    def _published(self) -> Iterator[Conversation]:
        for row in self._rows(Config.SFT):
            yield Conversation(
                row["id"], row["question"], _messages(row["messages"]), row["category"], row["level"]
            )

    def _twelve_k(self) -> Iterator[Conversation]:
        path = Path(self.config.dataset)
        rows = json.loads(path.read_text(encoding="utf-8"))
        for index, row in enumerate(rows):
            if "messages" not in row:
                raise TrainerError(f"{path}: item {index} has no `messages`; its keys are {sorted(row)}")
            messages = _messages(row["messages"])
            question = next((message.content for message in messages if message.role == "user"), "")
            identity = str(row.get("id", index))
            yield Conversation(identity, question, messages, "unknown", str(row.get("level", "unknown")))

    def _task(self, row: Mapping[str, Any]) -> Task:
        assert self.root is not None
        about = row["extra_info"]
        is_database = FileFormat(about["format"]).is_database
        truth = row["reward_model"]["ground_truth"]["ground_truth"]
        typed = decode(Answer, about["reference"]) if about["reference"] is not None else None
        folder = Path(self.config.files) if self.config.files else self.root
        return Task(
            id=row["id"],
            question=about["question"],
            prompt=_messages(row["prompt"]),
            files={file["name"]: folder / file["path"] for file in about["files"]},
            reference=truth if typed is None else typed,
            is_database=is_database,
            category=about["category"],
            level=about["level"],
            expert=_messages(row["trajectory"]),
        )

    def _sampled_with(self, root: Path) -> SampleSettings:
        """From the pipeline that lies in the dataset; the defaults where it was left behind."""
        path = root / PIPELINE
        if not path.is_file():
            return SampleSettings()
        try:
            return SampleSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))["sample"])
        except (yaml.YAMLError, LookupError, TypeError, ValidationError) as error:
            raise TrainerError(f"{path}: its section `sample` cannot be read: {error}") from error

    def _rows(self, name: Config) -> Iterator[Mapping[str, Any]]:
        import datasets

        datasets.disable_progress_bars()
        try:
            # A cache of its own: the shared one knows a local dataset by its folder's name, and every
            # run's folder is called `dataset`, so it would give back another run's rows.
            with tempfile.TemporaryDirectory() as cache:
                loaded = datasets.load_dataset(
                    str(self.root), name.value, split="train", cache_dir=cache, keep_in_memory=True
                )
        except ValueError as error:
            raise TrainerError(
                f"data.dataset: {self.config.dataset} has no config {name.value!r}: {error}"
            ) from error
        missing = set(SCHEMAS[name].names) - set(loaded.column_names)
        if missing:
            raise TrainerError(
                f"{self.config.dataset}: the config {name.value!r} lacks the columns {sorted(missing)}"
            )
        for row in loaded:
            if row["schema_version"] != SCHEMA_VERSION:
                raise TrainerError(
                    f"{self.config.dataset}: row {row['id']} of {name.value!r} has schema_version "
                    f"{row['schema_version']!r}; this trainer knows {SCHEMA_VERSION}. Use the trainer that "
                    "came with the engine that wrote it"
                )
            yield row


def open_dataset(config: Data) -> Dataset:
    """The dataset of a recipe. Raises TrainerError where there is none."""
    path = Path(config.dataset)
    if path.is_file() and path.suffix == ".json":
        return Dataset(config, None)
    if path.is_dir():
        return Dataset(config, path)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", config.dataset) or path.parent.is_dir():
        maker = path.parent.name if path.parent.name in bundled_pipelines() else "PIPELINE"
        raise TrainerError(
            f"data.dataset: {config.dataset} is neither a directory, a .json file nor a Hub id; run "
            f"`python -m datamind_gen run {maker}` first, or give data.dataset=PATH"
        )
    from huggingface_hub import snapshot_download

    return Dataset(config, Path(snapshot_download(config.dataset, repo_type="dataset")))


def is_held_out(question: str, share: float) -> bool:
    """Whether a question is kept for evaluation: by its hash alone, so it never moves between the shares."""
    return int(hash_text("holdout", question)[:13], 16) / 16**13 < share


def _messages(rows: Any) -> tuple[Message, ...]:
    return tuple(Message(row["role"], row["content"]) for row in rows)
