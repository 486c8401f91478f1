"""Reads workbooks: XLSX, XLS and ODS."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.rows import ReadPlan, Reason


def read_workbook(path: Path, part: str) -> list[Loaded]:
    """The tables of a workbook. Raises FileError."""
    try:
        sheets = pd.read_excel(path, sheet_name=None, engine="calamine")
    except ValueError as error:
        raise FileError(Reason.CORRUPT, f"{part}: {error}") from error
    return [
        Loaded(
            str(sheet),
            ReadPlan(
                part,
                (),
                f"import pandas as pd\n\ndf = pd.read_excel({shown_path(part)!r}, sheet_name={sheet!r})\n",
            ),
            to_polars(frame),
        )
        for sheet, frame in sheets.items()
        if len(frame)
    ]
