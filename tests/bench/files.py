"""How files are read, beside what people use otherwise: shapes that are right, and speed.

    python -m tests.bench.files shapes                   exact shapes of the labelled cases, five readers
    python -m tests.bench.files speed [--mb 1000]        a long CSV and Parquet, a wide one, many small ones
                                      [--only csv,parquet,wide,small] [--rounds 3] [--no-polars]
    python -m tests.bench.files real FOLDER              shapes of a folder of CSVs beside FOLDER/truth.tsv
                                                         (tab-separated: file, rows, columns)

`speed` runs each reader in a process of its own, ours and its peers by turns, and prints medians of wall
and CPU seconds and of peak memory, and ours as ratios of DuckDB's SUMMARIZE and of polars' describe.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

Shape = tuple[int, int]

# --- shapes ---------------------------------------------------------------------------------------


def ours(path: Path) -> Shape:
    from datamind_gen.files import ReadSettings, find_file, profile_file

    table = profile_file(find_file(path, license="none"), ReadSettings.accept_all()).tables[0]
    return table.rows, table.column_count


def by_pandas(path: Path) -> Shape:
    rows, columns = pd.read_csv(path).shape
    return rows, columns


def by_pandas_sniffing(path: Path) -> Shape:
    rows, columns = pd.read_csv(path, sep=None, engine="python").shape
    return rows, columns


def by_csv_sniffer(path: Path) -> Shape:
    text = path.read_text(encoding="utf-8")
    dialect = csv.Sniffer().sniff(text[:20_000])
    header = csv.Sniffer().has_header(text[:20_000])
    rows = [row for row in csv.reader(io.StringIO(text), dialect) if row]
    return len(rows) - header, max(map(len, rows))


def by_clevercsv(path: Path) -> Shape:
    import clevercsv

    frame = clevercsv.read_dataframe(str(path))
    return frame.shape[0], frame.shape[1]


def by_duckdb(path: Path) -> Shape:
    import duckdb

    relation = duckdb.connect().sql(f"SELECT * FROM read_csv('{path}')")
    return relation.aggregate("count(*)").fetchall()[0][0], len(relation.columns)


READERS: dict[str, Callable[[Path], Shape]] = {
    "ours": ours,
    "pandas": by_pandas,
    "pandas, sniffing": by_pandas_sniffing,
    "csv.Sniffer": by_csv_sniffer,
    "CleverCSV": by_clevercsv,
    "DuckDB auto": by_duckdb,
}


def compare(files: list[tuple[Path, Shape]]) -> None:
    """Prints, for each reader, how many shapes are exact, right in columns only, wrong, or an error."""
    print(f"{'reader':20} {'exact':>6} {'columns':>8} {'wrong':>6} {'error':>6}   of {len(files)}")
    for name, reader in READERS.items():
        exact = columns = wrong = failed = 0
        for path, truth in files:
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    found = reader(path)
            except BaseException as error:  # a polars or duckdb panic is no Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                failed += 1
                if name == "ours":
                    print(f"  ! {path.name}: {error}")
                continue
            exact += found == truth
            columns += found != truth and found[1] == truth[1]
            wrong += found[1] != truth[1]
            if name == "ours" and found != truth:
                print(f"  ! {path.name}: {found} instead of {truth}")
        print(f"{name:20} {exact:6} {columns:8} {wrong:6} {failed:6}", flush=True)


def shapes() -> None:
    from tests.files.cases import all_cases
    from tests.files.portals import portal_cases
    from tests.files.portals_more import more_portal_cases

    exports = [*portal_cases(), *more_portal_cases()]
    for title, cases in (("one defect at a time", all_cases()), ("publishers' exports", exports)):
        print(title)
        with tempfile.TemporaryDirectory() as scratch:
            files = []
            for case in cases:
                path = Path(scratch) / (case.name + case.suffix)
                path.write_bytes(case.content)
                files.append((path, (case.rows, case.columns)))
            compare(files)


def real(folder: Path) -> None:
    with (folder / "truth.tsv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file, delimiter="\t"))
    compare([(folder / row["file"], (int(row["rows"]), int(row["columns"]))) for row in listed])


# --- speed ----------------------------------------------------------------------------------------

_OURS = """
from datamind_gen.files.profile import describe_file
from datamind_gen.files import find_file
for path in PATHS: describe_file(find_file(path, license="none"))
"""
_SUMMARIZE = """
import duckdb
connection = duckdb.connect()
for path in PATHS:
    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    connection.sql(f"SUMMARIZE SELECT * FROM {reader}('{path}')").fetchall()
"""
_DESCRIBE = """
import polars
for path in PATHS:
    frame = polars.read_parquet(path) if path.suffix == ".parquet" else polars.read_csv(path,
    infer_schema_length=10000)
    frame.describe()
"""
_FRAME = """
import json, resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
PATHS = [Path(path) for path in json.loads(sys.argv[1])]
import duckdb, polars, pandas, datamind_gen.files.profile
def spent(): return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
started, before = time.perf_counter(), spent()
{body}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("@@" + json.dumps([time.perf_counter() - started, spent() - before, peak]))
"""
_MOST_MEMORY = 12 << 30
"""Address space of a measured process: a reader that loads the file must not take the machine with it."""
_MOST_SECONDS = 600
Cost = tuple[float, float, float]
"""Seconds, CPU seconds, and the peak of resident memory in MB."""


def measure(body: str, paths: list[Path]) -> Cost | None:
    """What a fresh process costs; None when it runs out of memory or of time."""
    code = _FRAME.replace("{body}", body).replace("MOST", str(_MOST_MEMORY))
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps([str(path) for path in paths])],
            capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=_MOST_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    if "@@" not in done.stdout:
        if "emory" not in done.stderr and done.returncode > 0:
            raise RuntimeError(done.stderr[-2000:])
        return None
    wall, cpu, peak = json.loads(done.stdout.split("@@")[-1])
    return wall, cpu, peak


def write_long(path: Path, megabytes: int) -> None:
    """A table of orders, by DuckDB, about as large as asked; the same one for the same size."""
    import duckdb

    rows = int(megabytes * 1_048_576 / 68)
    towns = "['Oslo', 'Rome', 'Lima', 'Kyiv', 'Accra', 'Quito', 'Perth', 'Turku']"
    table = f"""
        SELECT i AS id, (DATE '2015-01-01' + (hash(i, 1) % 3000)::INT)::VARCHAR AS date,
            {towns}[1 + (hash(i, 2) % 8)::INT] AS town, round((hash(i, 3) % 100000) / 173.0, 2) AS price,
            (hash(i, 4) % 9)::INT AS quantity, 'order ' || (hash(i, 5) % 1000000) AS remark,
            round((hash(i, 6) % 8000000) / 1000000.0 - 4, 6) AS x,
            round((hash(i, 7) % 8000000) / 1000000.0 - 4, 6) AS y
        FROM range({rows}) AS t(i)"""
    duckdb.connect().execute(f"COPY ({table}) TO '{path}' (FORMAT {path.suffix[1:]})")


def write_files(folder: Path, megabytes: int, kinds: list[str]) -> dict[str, list[Path]]:
    """The files of each kind asked for, by what they are called in the table."""
    rng = np.random.default_rng(1)
    written: dict[str, list[Path]] = {}
    for kind in kinds:
        if kind in ("csv", "parquet"):
            long = folder / f"long.{kind}"
            write_long(long, megabytes)
            written[f"long {kind}, {long.stat().st_size / (1 << 20):.0f} MB"] = [long]
        elif kind == "wide":
            wide = folder / "wide.csv"
            names = [f"measure {i}" for i in range(1500)]
            pd.DataFrame(rng.normal(size=(400, 1500)).round(4), columns=names).to_csv(wide, index=False)
            written["wide CSV, 1500 columns"] = [wide]
        else:
            small = [folder / f"small-{number}.csv" for number in range(100)]
            for path in small:
                frame = pd.DataFrame({"place": [f"p{i}" for i in range(200)], "n": rng.integers(0, 99, 200)})
                frame.assign(kind=rng.choice(["a", "b"], 200)).to_csv(path, index=False)
            written["100 small CSVs"] = small
    return written


def speed(megabytes: int, rounds: int, kinds: list[str], *, polars: bool) -> None:
    """Prints seconds, CPU seconds and peak memory of each reader, and ours as ratios of the peers'."""
    with tempfile.TemporaryDirectory() as scratch:
        peers = {"ours": _OURS, "SUMMARIZE": _SUMMARIZE}
        if polars:
            peers["polars describe"] = _DESCRIBE
        for name, paths in write_files(Path(scratch), megabytes, kinds).items():
            taken: dict[str, list[Cost]] = {peer: [] for peer in peers}
            for _ in range(rounds):
                for peer, body in peers.items():
                    cost = measure(body, paths)
                    taken[peer] += [cost] if cost else []
            print(name)
            for peer, costs in taken.items():
                if not costs:
                    limits = f"{_MOST_MEMORY >> 30} GB of memory or {_MOST_SECONDS} s"
                    print(f"    {peer:16} needs more than {limits}", flush=True)
                    continue
                wall, cpu, peak = (statistics.median(values) for values in zip(*costs, strict=True))
                line = f"    {peer:16} {wall:8.2f} s  {cpu:8.2f} CPU s  {peak:6.0f} MB"
                if peer != "ours":
                    ours = [statistics.median(values) for values in zip(*taken["ours"], strict=True)]
                    line += f"   ours takes {ours[0] / wall:.2f} of its time, {ours[1] / cpu:.2f} of its CPU"
                print(line, flush=True)
            if name.startswith("100 small"):
                pooled(paths)


def pooled(paths: list[Path]) -> None:
    """Many small files by the pool of limited processes."""
    import asyncio

    from datamind_gen.files import ReadSettings, find_file, profile_limited

    found = [find_file(path, license="none") for path in paths]

    async def everything() -> None:
        await asyncio.gather(*(profile_limited(one, ReadSettings.accept_all()) for one in found))

    started = time.perf_counter()
    asyncio.run(everything())
    print(f"{'the pool, 100 small CSVs':24} {time.perf_counter() - started:.2f} s with the workers' start")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["shapes", "speed", "real"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--mb", type=int, default=200, help="the size of the long CSV")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="csv,parquet,wide,small", help="which kinds of file, by comma")
    parser.add_argument("--no-polars", action="store_true", help="leave out describe, which holds the file")
    chosen = parser.parse_args()
    if chosen.what == "shapes":
        shapes()
    elif chosen.what == "speed":
        speed(chosen.mb, chosen.rounds, chosen.only.split(","), polars=not chosen.no_polars)
    elif chosen.folder is None:
        parser.error("real needs a folder")
    else:
        real(chosen.folder)


if __name__ == "__main__":
    main()
