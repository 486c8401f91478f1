"""Reading what was published: a run directory, or its dataset alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from datamind_gen.ledger.funnel import Funnel
from datamind_gen.publish.finished import PublishError
from datamind_gen.publish.schema import SCHEMA_VERSION, Config
from datamind_gen.rows import decode, dump_json


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """A dataset's folder, and the run directory around it where there is one."""

    dataset: Path
    run: Path

    @classmethod
    def open(cls, path: Path) -> PublishedRun:
        """Takes RUN or RUN/dataset. Raises PublishError when neither holds a dataset."""
        for dataset in (path / "dataset", path):
            if (dataset / Config.SFT).is_dir():
                return cls(dataset, dataset.absolute().parent)
        raise PublishError(
            f"{path} holds no dataset (looked for {path}/dataset/sft and {path}/sft); "
            "`run PIPELINE` makes one"
        )

    def rows(self, config: Config) -> Iterator[dict[str, Any]]:
        """Rows in the published order, a shard's row group at a time.

        Raises PublishError at a schema_version that this version does not know.
        """
        for shard in sorted((self.dataset / config).glob("*.parquet")):
            with pq.ParquetFile(shard) as file:
                for batch in file.iter_batches(batch_size=500):
                    for row in batch.to_pylist():
                        if row["schema_version"] != SCHEMA_VERSION:
                            raise PublishError(
                                f"{shard}: schema_version {row['schema_version']}, and this version of "
                                f"datamind_gen knows {SCHEMA_VERSION}; use the version that wrote it"
                            )
                        yield row

    def count(self, config: Config) -> int:
        shards = (self.dataset / config).glob("*.parquet")
        return sum(pq.read_metadata(shard).num_rows for shard in shards)

    def funnel(self) -> Funnel | None:
        """RUN/funnel.json's funnel; None where there is none."""
        path = self.run / "funnel.json"
        if not path.is_file():
            return None
        plain = json.loads(path.read_text(encoding="utf-8"))
        return decode(Funnel, dump_json(plain.get("funnel", plain)))

    def audit(self) -> str | None:
        """The text of RUN/audit.json; None where the run was not audited."""
        path = self.run / "audit.json"
        return path.read_text(encoding="utf-8") if path.is_file() else None
