"""What a zygote imports before the first fork: the data libraries, imported and never used.

Using one before forking is what breaks it in the children (threads and locks that a fork does not
copy), so this module imports, sets defaults, and stops there.
"""

from __future__ import annotations

import contextlib
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
LATE = (
    "encodings.cp437",
    "encodings.unicode_escape",
    "jinja2",
    "matplotlib.backends.backend_agg",
    "narwhals._duration",
    "narwhals._interchange.dataframe",
    "narwhals._pandas_like.namespace",
    "narwhals.stable.v2._namespace",
    "openpyxl.packaging.extended",
    "pandas.core.arrays.arrow.extension_types",
    "pandas.core.reshape.reshape",
    "pandas.io.formats.css",
    "pandas.io.formats.csvs",
    "pandas.io.formats.excel",
    "pandas.io.formats.html",
    "pandas.io.formats.string",
    "pandas.io.formats.style",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.ImageMath",
    "PIL.ImageOps",
    "PIL.JpegImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.features",
    "pyarrow.dataset",
    "pyarrow.json",
    "pyarrow.pandas_compat",
    "python_calamine",
)
"""What those import when first used; no loss where a version of theirs has none of it."""
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
        if not lean:
            for name in LATE:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
    return missing
