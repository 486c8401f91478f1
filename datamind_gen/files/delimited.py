"""Reads delimited text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.rows import ReadPlan, Reason


def read_delimited(path: Path, part: str, name: str) -> list[Loaded]:
    """The tables of a delimited text file. Raises FileError."""
    try:
        frame = pd.read_csv(path)
    except (ValueError, UnicodeError) as error:
        raise FileError(Reason.CORRUPT, f"{part}: {error}") from error
    code = f"import pandas as pd\n\ndf = pd.read_csv({shown_path(part)!r})\n"
    return [Loaded(name, ReadPlan(part, (), code), to_polars(frame))]
