"""The columns of the published configs. Typed here once, so that an empty config loads too.

Raise SCHEMA_VERSION whenever a column changes its meaning: trainers refuse a version they do not know.
"""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa

SCHEMA_VERSION = 1


class Config(StrEnum):
    """The dataset's configs: one folder of parquet each."""

    SFT = "sft"
    RL = "rl"
    REJECTED = "rejected"


MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
FILES = pa.list_(pa.struct([("name", pa.string()), ("path", pa.string()), ("sha256", pa.string())]))

SCHEMAS: dict[Config, pa.Schema] = {
    Config.SFT: pa.schema(
        [
            ("id", pa.string()),
            ("question", pa.string()),
            ("messages", MESSAGES),
            ("files", pa.list_(pa.string())),
            ("format", pa.string()),
            ("category", pa.string()),
            ("hops", pa.int32()),
            ("level", pa.string()),
            ("answer", pa.string()),
            ("origin", pa.string()),
            ("verified", pa.bool_()),
            ("lineage", pa.string()),
            ("schema_version", pa.int32()),
        ]
    ),
    Config.RL: pa.schema(
        [
            ("id", pa.string()),
            ("data_source", pa.string()),
            ("db_id", pa.string()),
            ("task_id", pa.string()),
            ("trajectory", MESSAGES),
            ("prompt", MESSAGES),
            ("ability", pa.string()),
            (
                "reward_model",
                pa.struct(
                    [
                        (
                            "ground_truth",
                            pa.struct([("ground_truth", pa.string()), ("task_id", pa.string())]),
                        ),
                        ("style", pa.string()),
                    ]
                ),
            ),
            (
                "extra_info",
                pa.struct(
                    [
                        ("index", pa.int64()),
                        ("question", pa.string()),
                        ("split", pa.string()),
                        ("files", FILES),
                        ("format", pa.string()),
                        ("category", pa.string()),
                        ("hops", pa.int32()),
                        ("level", pa.string()),
                        ("origin", pa.string()),
                        ("verified", pa.bool_()),
                        ("answer_type", pa.string()),
                        ("reference", pa.string()),
                    ]
                ),
            ),
            ("schema_version", pa.int32()),
        ]
    ),
    Config.REJECTED: pa.schema(
        [
            ("id", pa.string()),
            ("stage", pa.string()),
            ("status", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("payload", pa.string()),
            ("schema_version", pa.int32()),
        ]
    ),
}

COLUMN_NOTES: dict[Config, dict[str, str]] = {
    Config.SFT: {
        "id": "the trajectory's id",
        "question": "the query, as the user message asks it",
        "messages": "system, user, then assistant turns and `<interpreter>` observations (role user)",
        "files": "data files under `train_files/`; the last part is the name under `data/files/`",
        "format": "csv, xlsx, sqlite, parquet, json …",
        "category": "the taxonomy's category of the answer (slug)",
        "hops": "chained steps in the question",
        "level": "easy, medium, hard, very_hard",
        "answer": "what stands in `<answer>`; for databases the name of the result CSV",
        "origin": "who wrote the question: `model` or `program`",
        "verified": "whether the answer says what an executed reference says",
        "lineage": "JSON: file hashes, hops, programs, models, sampling, seed, usage, verdict …",
        "schema_version": "of these columns",
    },
    Config.RL: {
        "id": "the query's id; one row a query",
        "data_source": "`darl/python` (tables) or `darl/sql` (databases)",
        "db_id": "the database under `train_files/`; null for tables",
        "task_id": "names `gold_csv_results/<task_id>.csv` and an entry of `db_schema.json`; or null",
        "trajectory": "the best trajectory's messages",
        "prompt": "system and user message",
        "ability": "`data_analysis`",
        "reward_model": "`ground_truth` (reference or agreed answer; a database's as CSV) and `style`",
        "extra_info": "index, question, files, format, category, hops, level, typed reference (JSON) …",
        "schema_version": "of these columns",
    },
    Config.REJECTED: {
        "id": "the row's id in its stage",
        "stage": "read, profile, write, compose, sample, judge, reflect, filter, publish",
        "status": "`rejected` (a rule or judge said no, or not chosen) or `failed`",
        "reason": "from a closed set",
        "detail": "the reason in words",
        "payload": "the row as it stood, as JSON",
        "schema_version": "of these columns",
    },
}
