"""Reads Parquet: Arrow is the reference for the values, and the pandas code must agree with it.

pandas alone gets some files silently wrong (INT96 timestamps outside the nanosecond range wrap, a stored
index vanishes from the columns), so the plan is the plainest call that gives the reference's shape.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datamind_gen.files.errors import FileError
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.files.streaming import stream_parquet
from datamind_gen.rows import Decision, ReadPlan, Reason

MOST_VALUES = 8_000_000
"""Values (rows by columns) above which a file is described by streaming."""


def read_parquet(path: Path, part: str, name: str) -> Loaded:
    """The table of a Parquet file. Raises FileError."""
    try:
        with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
            schema, metadata = file.schema_arrow, file.metadata
            large = metadata.num_rows * max(1, metadata.num_columns) > MOST_VALUES
            table = None if large else file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileError(Reason.CORRUPT, f"{part} is a damaged Parquet file: {error}") from error
    if not schema.names:
        raise FileError(Reason.NO_TABLE, f"{part} has no columns")
    int96 = any(metadata.schema.column(i).physical_type == "INT96" for i in range(metadata.num_columns))
    options = ', coerce_int96_timestamp_unit="us"' if int96 else ""
    decisions = [
        Decision("format", "parquet", f"{metadata.num_rows} rows in {metadata.num_row_groups} row groups")
    ]
    if int96:
        decisions.append(
            Decision("timestamps", "microseconds", "INT96 stamps outside the nanosecond range would wrap")
        )
    stored = (schema.pandas_metadata or {}).get("index_columns") or []
    reset = ""
    if any(isinstance(index, str) for index in stored):
        reset = ".reset_index()"
        decisions.append(Decision("index", "kept as columns", f"the file stores its index: {stored}"))
    code = f"import pandas as pd\n\ndf = pd.read_parquet({shown_path(part)!r}{options}){reset}\n"
    plan = ReadPlan(
        part=part,
        decisions=tuple(decisions),
        pandas=code,
        polars=f"import polars as pl\n\ndf = pl.read_parquet({shown_path(part)!r})\n",
        duckdb=f"read_parquet('{shown_path(part)}')",
        raw_works=not options and not reset,
    )
    if table is None:
        return stream_parquet(path, name, plan)
    frame = _to_polars(table)
    return Loaded(name=name, plan=plan, frame=frame, rows=frame.height)


def _to_polars(table: pa.Table) -> pl.DataFrame:
    """Column by column, so that one type that polars does not know costs that column's detail alone."""
    series = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_float16(column.type):
            column = column.cast(pa.float32())
        try:
            series.append(pl.Series(name, column))
        except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError):
            series.append(pl.Series(name, [str(value) for value in column], dtype=pl.String))
    return pl.DataFrame(series)
