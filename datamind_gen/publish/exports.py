"""Exports: the published rows in the forms that other trainers load.

Each form is one entry of `FORMS`: which config it takes, how a row looks, what file it becomes, and how the
target is told about it. Observations stay user messages everywhere, as in the released data, so that a
trainer that learns from assistant messages only leaves them out of the loss.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from datamind_gen.publish.finished import PublishError
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.schema import Config

Row = dict[str, Any]
"""One row as the target reads it: its form is the target's, not ours."""


class ExportFormat(StrEnum):
    TRL = "trl"
    LLAMAFACTORY = "llamafactory"
    SHAREGPT = "sharegpt"
    VERL = "verl"
    OPENAI = "openai"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Form:
    """How rows are written for one target."""

    config: Config
    suffix: str
    """What the file's name ends in."""
    convert: Callable[[Row], Row]
    write: Callable[[Iterable[Row], Path], int]
    hint: str
    """How the target loads it; `{path}`, `{folder}` and `{name}` are filled in."""


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    rows: int
    hint: str


def export(published: PublishedRun, format: ExportFormat, out: Path) -> Exported:
    """Writes a run's rows for a target. Raises PublishError for a wrong suffix or nothing to export."""
    form = FORMS[format]
    if out.suffix != form.suffix:
        raise PublishError(
            f"{out}: {format} is read from a {form.suffix} file; write --out {out.with_suffix(form.suffix)}"
        )
    if published.count(form.config) == 0:
        raise PublishError(f"{published.dataset}: `{form.config}` has no rows to export")
    out.parent.mkdir(parents=True, exist_ok=True)
    count = form.write((form.convert(row) for row in published.rows(form.config)), out)
    if format is ExportFormat.LLAMAFACTORY:
        _register_llamafactory(out)
    return Exported(out, count, form.hint.format(path=out, folder=out.parent, name=out.stem))


# --- rows ---------------------------------------------------------------------------------------


def _messages_only(row: Row) -> Row:
    return {"messages": row["messages"]}


def _with_id(row: Row) -> Row:
    return {"id": row["id"], "messages": row["messages"]}


def _sharegpt(row: Row) -> Row:
    speakers = {"system": "system", "user": "human", "assistant": "gpt"}
    turns = [{"from": speakers[message["role"]], "value": message["content"]} for message in row["messages"]]
    return {"id": row["id"], "conversations": turns}


def _verl(row: Row) -> Row:
    """verl hands `ground_truth` to the reward function as it stands: the text, not the released struct."""
    truth = row["reward_model"]["ground_truth"]
    about = {"id": row["id"], "task_id": truth["task_id"], "db_id": row["db_id"]}
    return {
        "data_source": row["data_source"],
        "prompt": row["prompt"],
        "ability": row["ability"],
        "reward_model": {"style": row["reward_model"]["style"], "ground_truth": truth["ground_truth"]},
        "extra_info": about | row["extra_info"],
    }


def _whole(row: Row) -> Row:
    return row | {"lineage": json.loads(row["lineage"])}


# --- files --------------------------------------------------------------------------------------


def _write_jsonl(rows: Iterable[Row], out: Path) -> int:
    count = 0
    with _beside(out) as place, place.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_json_list(rows: Iterable[Row], out: Path) -> int:
    count = 0
    with _beside(out) as place, place.open("w", encoding="utf-8") as file:
        file.write("[")
        for count, row in enumerate(rows, start=1):
            file.write(("\n" if count == 1 else ",\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")
    return count


def _write_parquet(rows: Iterable[Row], out: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(list(rows), schema=_verl_schema())
    with _beside(out) as place:
        pq.write_table(table, place)
    return len(table)


def _verl_schema() -> Any:
    import pyarrow as pa

    from datamind_gen.publish.schema import MESSAGES, SCHEMAS

    text = pa.string()
    about = [(name, text) for name in ("id", "task_id", "db_id")]
    extra = SCHEMAS[Config.RL].field("extra_info").type
    about += [(extra.field(place).name, extra.field(place).type) for place in range(extra.num_fields)]
    return pa.schema(
        [
            ("data_source", text),
            ("prompt", MESSAGES),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
            ("extra_info", pa.struct(about)),
        ]
    )


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    place = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        yield place
        place.replace(out)
    finally:
        place.unlink(missing_ok=True)


def _register_llamafactory(out: Path) -> None:
    """Adds the file to dataset_info.json beside it, which may know of other datasets already."""
    registry = out.with_name("dataset_info.json")
    known: dict[str, object] = {}
    if registry.is_file():
        try:
            known = json.loads(registry.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise PublishError(f"{registry} is not JSON ({error}); mend it, or export elsewhere") from error
    known[out.stem] = {
        "file_name": out.name,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
    with _beside(registry) as place:
        place.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


FORMS: Mapping[ExportFormat, Form] = {
    ExportFormat.TRL: Form(
        Config.SFT,
        ".jsonl",
        _messages_only,
        _write_jsonl,
        'SFTTrainer(train_dataset=load_dataset("json", data_files="{path}", split="train"), …)',
    ),
    ExportFormat.LLAMAFACTORY: Form(
        Config.SFT, ".json", _with_id, _write_json_list, "dataset_dir: {folder}   dataset: {name}"
    ),
    ExportFormat.SHAREGPT: Form(
        Config.SFT,
        ".json",
        _sharegpt,
        _write_json_list,
        "conversations of from and value: system, human, gpt",
    ),
    ExportFormat.VERL: Form(
        Config.RL, ".parquet", _verl, _write_parquet, "data.train_files={path} data.prompt_key=prompt"
    ),
    ExportFormat.OPENAI: Form(
        Config.SFT,
        ".jsonl",
        _messages_only,
        _write_jsonl,
        'client.files.create(file=open("{path}", "rb"), purpose="fine-tune")',
    ),
    ExportFormat.JSONL: Form(
        Config.SFT, ".jsonl", _whole, _write_jsonl, "one row a line, all columns, lineage as an object"
    ),
}
