"""Mutates real and labelled files and profiles each within limits: all must end as a profile or a FileError.

    python -m tests.bench.files_fuzz [N] [--seed S] [--keep DIR]

Seeds are the bundled files, the labelled cases and, where they lie beside the project, the shared data
files. Each mutant is cut, spliced, bit-flipped, repeated or has lines shuffled. Prints how the mutants
ended; exit 1 when a reader broke in a way that no FileError describes. A mutant that ends at a limit of time
or memory (a row number in a workbook that calamine makes room for) is contained, and listed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datamind_gen.files import FileError, ReadSettings, SourceSpec, find_file, find_sources, profile_in_limits
from datamind_gen.files.limits import WORKERS
from datamind_gen.rows import Reason
from tests.files.cases import all_cases
from tests.files.portals import portal_cases
from tests.files.portals_more import more_portal_cases

_SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
_MOST_BYTES = 300_000
_SPLICES = (b"\x00", b'"', b"'", b",", b";", b"\t", b"\r", b"\n\n", b"\xff\xfe", b"NaN", b"1e999", b"-",
b"{[" * 400, b"=1+1",
            b"\xef\xbb\xbf", b"9" * 400, b"\x1b$B", b",,,,,,,,,,", b'"""', b"0000-00-00", b"PK\x03\x04",
            b"\x80\x81\x9d")  # fmt: skip


def seeds(work: Path) -> list[tuple[str, bytes]]:
    """Names and contents to mutate, small enough to be mutated often."""
    cases = [*all_cases(), *portal_cases(), *more_portal_cases()]
    found = [(case.name + case.suffix, case.content) for case in cases]
    bundled = find_sources([SourceSpec(bundled="all")], work, work)
    found += [(item.file.name, item.paths[0].read_bytes()) for item in bundled]
    if _SHARED.is_dir():
        for path in sorted(_SHARED.rglob("*")):
            if path.is_file() and path.name != "MANIFEST.tsv":
                found.append((path.name, path.read_bytes()))
    return [(name, content[:_MOST_BYTES] if name.endswith((".csv", ".tsv")) else content) for name,
    content in found
            if len(content) <= _MOST_BYTES or name.endswith((".csv", ".tsv"))]  # fmt: skip


def mutate(content: bytes, rng: random.Random) -> bytes:
    """One to four random changes."""
    raw = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not raw:
            break
        kind = rng.randrange(7)
        place = rng.randrange(len(raw))
        length = min(len(raw) - place, int(rng.expovariate(1 / 200)) + 1)
        if kind == 0:
            del raw[place:]
        elif kind == 1:
            del raw[place : place + length]
        elif kind == 2:
            for _ in range(rng.randint(1, 20)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
        elif kind == 3:
            raw[place:place] = rng.choice(_SPLICES) * rng.choice((1, 1, 1, 30))
        elif kind == 4:
            raw[place:place] = raw[place : place + length] * rng.choice((1, 3, 50))
        elif kind == 5:
            lines = bytes(raw).split(b"\n")
            rng.shuffle(lines)
            raw = bytearray(b"\n".join(lines))
        else:
            raw[place : place + length] = rng.randbytes(length)
    return bytes(raw)


def main() -> int:
    """Runs N mutants and prints how they ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("count", nargs="?", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the mutants that broke a reader")
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    ended: Counter[str] = Counter()
    broken: list[str] = []
    limited: list[str] = []
    slowest = (0.0, "")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sources = seeds(folder)
        settings = ReadSettings.accept_all()

        def one(number: int, name: str, content: bytes) -> tuple[str, float, str]:
            path = folder / f"{number}-{name}"
            path.write_bytes(content)
            begun = time.monotonic()
            try:
                profile_in_limits(find_file(path, license="none"), settings)
                outcome, detail = "profiled", ""
            except FileError as error:
                outcome, detail = error.reason.value, error.detail
            except Exception as error:
                outcome, detail = "UNCAUGHT", f"{type(error).__name__}: {error}"
            took = time.monotonic() - begun
            if "breaks its reader" in detail or "crashes its reader" in detail or outcome == "UNCAUGHT":
                broken.append(f"{path.name}: {detail}")
                if chosen.keep:
                    chosen.keep.mkdir(parents=True, exist_ok=True)
                    (chosen.keep / path.name).write_bytes(content)
            if outcome == Reason.READER_LIMIT:
                limited.append(f"{path.name}: {detail}")
            path.unlink()
            return outcome, took, path.name

        with ThreadPoolExecutor(WORKERS) as pool:
            jobs = []
            for number in range(chosen.count):
                name, content = rng.choice(sources)
                jobs.append(pool.submit(one, number, name, mutate(content, rng)))
            for done, job in enumerate(jobs):
                outcome, took, name = job.result()
                ended[outcome] += 1
                slowest = max(slowest, (took, name))
                if done % 500 == 499:
                    print(f"{done + 1} mutants, {len(broken)} broke their reader", flush=True)
    print(
        f"{chosen.count} mutants in {time.monotonic() - started:.0f} s; "
        f"slowest {slowest[0]:.1f} s ({slowest[1]})"
    )
    for outcome, count in ended.most_common():
        print(f"  {outcome:20} {count}")
    for line in limited[:40]:
        print("  -", line)
    for line in broken[:40]:
        print("  !", line)
    print(f"{len(broken)} broke their reader (contained by the child process); {ended['UNCAUGHT']} uncaught")
    return 1 if ended["UNCAUGHT"] or broken else 0


if __name__ == "__main__":
    sys.exit(main())
