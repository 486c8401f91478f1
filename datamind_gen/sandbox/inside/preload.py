"""What a zygote imports before the first fork: the data libraries, imported and never used.

Using one before forking is what breaks it in the children (threads and locks that a fork does not
copy), so this module imports, sets defaults, and stops there.
"""

from __future__ import annotations

import importlib
import warnings

FULL = (
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pyarrow.compute",
    "sqlite3",
    "duckdb",
    "polars",
    "openpyxl",
    "scipy",
    "scipy.stats",
    "sklearn",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.preprocessing",
    "sklearn.model_selection",
    "sklearn.metrics",
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.pipeline",
    "sklearn.impute",
    "sklearn.compose",
    "statsmodels.api",
    "statsmodels.formula.api",
    "matplotlib",
    "matplotlib.pyplot",
)
LEAN = ("numpy", "pandas", "sqlite3", "duckdb")
STANDARD = (
    "argparse",
    "asyncio",
    "collections",
    "contextlib",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "fractions",
    "functools",
    "glob",
    "heapq",
    "inspect",
    "io",
    "itertools",
    "json",
    "math",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "random",
    "re",
    "shutil",
    "statistics",
    "string",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "typing",
    "unicodedata",
    "warnings",
    "zipfile",
    "zoneinfo",
)


def preload(lean: bool) -> list[str]:
    """Imports what sessions are likely to need; returns what could not be imported."""
    missing = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (*STANDARD, *(LEAN if lean else FULL)):
            try:
                importlib.import_module(name)
            except ImportError:
                missing.append(name)
    return missing
