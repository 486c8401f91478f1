"""How files are read, beside what people use otherwise: shapes that are right, and speed.

    python -m tests.bench.files shapes                   exact shapes of the labelled cases, five readers
    python -m tests.bench.files speed [--mb 200]         a long CSV and Parquet, a wide one, many small ones
    python -m tests.bench.files real FOLDER              shapes of a folder of CSVs beside FOLDER/truth.tsv
                                                         (tab-separated: file, rows, columns)

`speed` runs each reader in a process of its own, ours and its peers by turns, and prints ratios of the
medians to DuckDB's SUMMARIZE and to polars' describe, with each one's peak memory.
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

    with tempfile.TemporaryDirectory() as scratch:
        files = []
        for case in all_cases():
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
PATHS = [Path(path) for path in json.loads(sys.argv[1])]
import duckdb, polars, pandas, datamind_gen.files.profile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
{body}
took = time.perf_counter() - started
print("@@" + json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024]))
"""


def measure(body: str, paths: list[Path]) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in MB, of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", _FRAME.replace("{body}", body), json.dumps([str(path) for path in paths])],
        capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    took, peak, _ = json.loads(done.stdout.split("@@")[-1])
    return took, peak


def write_long(path: Path, megabytes: int) -> None:
    """A table of orders, written in pieces until the file is as large as asked."""
    rng = np.random.default_rng(0)
    towns = np.array(["Oslo", "Rome", "Lima", "Kyiv", "Accra", "Quito", "Perth", "Turku"])
    count, start = 200_000, 0
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < megabytes << 20:
            days = np.datetime64("2015-01-01") + rng.integers(0, 3000, count)
            frame = pd.DataFrame(
                {
                    "id": np.arange(start, start + count),
                    "date": days.astype(str),
                    "town": towns[rng.integers(0, len(towns), count)],
                    "price": rng.gamma(2, 50, count).round(2),
                    "quantity": rng.integers(0, 9, count),
                    "remark": np.char.add("order ", rng.integers(0, 10**6, count).astype(str)),
                    "x": rng.normal(size=count).round(6),
                    "y": rng.normal(size=count).round(6),
                }
            )
            frame.to_csv(file, index=False, header=start == 0)
            start += count


def write_files(folder: Path, megabytes: int) -> dict[str, list[Path]]:
    import duckdb

    long = folder / "long.csv"
    write_long(long, megabytes)
    parquet = folder / "long.parquet"
    duckdb.connect().execute(f"COPY (SELECT * FROM read_csv('{long}')) TO '{parquet}' (FORMAT parquet)")
    rng = np.random.default_rng(1)
    wide = folder / "wide.csv"
    names = [f"measure {i}" for i in range(1500)]
    pd.DataFrame(rng.normal(size=(400, 1500)).round(4), columns=names).to_csv(wide, index=False)
    small = []
    for number in range(100):
        small.append(folder / f"small-{number}.csv")
        frame = pd.DataFrame({"place": [f"p{i}" for i in range(200)], "n": rng.integers(0, 99, 200)})
        frame.assign(kind=rng.choice(["a", "b"], 200)).to_csv(small[-1], index=False)
    return {
        f"long CSV, {megabytes} MB": [long],
        "long Parquet": [parquet],
        "wide CSV, 1500 columns": [wide],
        "100 small CSVs": small,
    }


def speed(megabytes: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        files = write_files(Path(scratch), megabytes)
        peers = {"ours": _OURS, "SUMMARIZE": _SUMMARIZE, "polars describe": _DESCRIBE}
        for name, paths in files.items():
            taken: dict[str, list[float]] = {peer: [] for peer in peers}
            peaks = dict.fromkeys(peers, 0.0)
            for _ in range(rounds):
                for peer, body in peers.items():
                    took, peak = measure(body, paths)
                    taken[peer].append(took)
                    peaks[peer] = max(peaks[peer], peak)
            middle = {peer: statistics.median(times) for peer, times in taken.items()}
            told = ", ".join(f"{peer} {middle[peer]:.2f} s ({peaks[peer]:.0f} MB)" for peer in peers)
            print(f"{name:24} {told}")
            for peer in list(peers)[1:]:
                print(f"{'':24} ours / {peer}: {middle['ours'] / middle[peer]:.2f}", flush=True)
        pooled(files["100 small CSVs"])


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
    parser.add_argument("--mb", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    if chosen.what == "shapes":
        shapes()
    elif chosen.what == "speed":
        speed(chosen.mb, chosen.rounds)
    elif chosen.folder is None:
        parser.error("real needs a folder")
    else:
        real(chosen.folder)


if __name__ == "__main__":
    main()
