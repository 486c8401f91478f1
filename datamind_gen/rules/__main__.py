"""Builds a list for the contamination rule from a benchmark's own files.

    python -m datamind_gen.rules dabench/ --out dabench.json

and in a pipeline `- contamination: {lists: [dabench.json]}`, a path from where you start the run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datamind_gen.rules.contamination_list import build_contamination_list


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m datamind_gen.rules",
        description="Hashes a benchmark's questions, table headers and files into a list that the "
        "contamination rule compares with. JSON, JSON Lines, CSV, TSV and SQLite are read.",
    )
    parser.add_argument("paths", nargs="+", type=Path, help="the benchmark's files and folders")
    parser.add_argument("--out", required=True, type=Path, help="where the list goes")
    parser.add_argument("--name", help="what rejections call it; the files' names when left out")
    arguments = parser.parse_args()
    try:
        built = build_contamination_list(arguments.paths, name=arguments.name)
        built.save(arguments.out)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    print(
        f"{arguments.out}: {len(built.questions):,} questions, {len(built.headers):,} tables, "
        f"{len(built.files):,} files"
    )


main()
