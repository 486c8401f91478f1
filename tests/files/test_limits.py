"""Files that kill their reader end alone: within time and memory, in one line, and the next file is read."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from datamind_gen.files import (
    FileError,
    FoundFile,
    ReadSettings,
    close_pool,
    find_file,
    profile_file,
    profile_in_limits,
    profile_limited,
)
from datamind_gen.rows import Reason
from tests.run.processes import descendants, wait_gone

ALL = ReadSettings.accept_all()


def _table(path: Path, rows: int = 30) -> FoundFile:
    pd.DataFrame({"place": [f"p{i}" for i in range(rows)], "n": range(rows)}).to_csv(path, index=False)
    return find_file(path)


def test_the_child_says_what_this_process_says(tmp_path: Path) -> None:
    found = _table(tmp_path / "a.csv")
    assert profile_in_limits(found, ALL) == profile_file(found, ALL)


def test_too_slow_is_a_reason_and_the_next_file_is_read(tmp_path: Path) -> None:
    slow = _table(tmp_path / "slow.csv", rows=200_000)
    with pytest.raises(FileError) as caught:
        profile_in_limits(slow, ALL.model_copy(update={"max_seconds": 0.05}))
    assert caught.value.reason is Reason.READER_LIMIT
    assert "max_seconds" in caught.value.detail
    assert profile_in_limits(_table(tmp_path / "next.csv"), ALL).tables[0].rows == 30


def test_too_much_memory_is_a_reason(tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("a,b\n" + "\n".join(f"value {i},other {i}" for i in range(900_000)))
    with pytest.raises(FileError) as caught:
        profile_in_limits(find_file(many), ALL.model_copy(update={"max_memory_mb": 256}))
    assert caught.value.reason is Reason.READER_LIMIT


def test_a_zip_bomb_in_a_workbook(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(300):
                sheet.write(b"<c>" * 350_000)
    with pytest.raises(FileError) as caught:
        profile_in_limits(find_file(bomb), ALL)
    assert caught.value.reason is Reason.READER_LIMIT


def test_a_bomb_in_gzip(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as file:
        for _ in range(140):
            file.write(b"0" * (1 << 20))
    with pytest.raises(FileError) as caught:
        profile_in_limits(find_file(bomb), ALL)
    assert caught.value.reason is Reason.READER_LIMIT


def test_a_sheet_that_claims_every_cell(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    assert book.active is not None
    book.active["A1"] = "first"
    book.active.cell(row=1_048_576, column=16_384, value="last")
    book.save(tmp_path / "corners.xlsx")
    with pytest.raises(FileError) as caught:
        profile_in_limits(find_file(tmp_path / "corners.xlsx"), ALL)
    assert caught.value.reason in (Reason.READER_LIMIT, Reason.CORRUPT)
    assert profile_in_limits(_table(tmp_path / "next.csv"), ALL).tables[0].rows == 30


def test_many_at_once_from_an_event_loop(tmp_path: Path) -> None:
    found = [_table(tmp_path / f"f{i}.csv", rows=20 + i) for i in range(24)]

    async def all_of_them() -> list[int]:
        profiles = await asyncio.gather(*(profile_limited(one, ALL) for one in found))
        return [profile.tables[0].rows for profile in profiles]

    assert asyncio.run(all_of_them()) == [20 + i for i in range(24)]


def test_profiles_and_refusals_are_kept_by_content(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    found = _table(tmp_path / "a.csv")
    first = profile_in_limits(found, ALL, cache=cache)
    (kept,) = cache.iterdir()
    Path(found.paths[0]).unlink()  # never opened again
    assert profile_in_limits(found, ALL, cache=cache) == first
    assert kept.exists()


def test_filters_after_the_cache(tmp_path: Path) -> None:
    found = _table(tmp_path / "a.csv", rows=10)
    assert profile_in_limits(found, ALL).tables[0].rows == 10
    with pytest.raises(FileError) as caught:
        profile_in_limits(found, ReadSettings())
    assert caught.value.reason is Reason.TOO_FEW_ROWS
    assert "min_rows is 20" in caught.value.detail


def test_a_reader_that_somebody_kills_is_replaced_and_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "".join(f"{n},{n * n % 97}\n" for n in range(100_000)), encoding="utf-8")
    close_pool()
    killed: list[int] = []

    def kill_first() -> None:
        while not killed:
            for found in descendants(os.getpid()):
                if "files.worker" in found.command:
                    os.kill(found.pid, signal.SIGKILL)
                    killed.append(found.pid)
                    return

    killer = threading.Thread(target=kill_first, daemon=True)
    killer.start()
    patient = ALL.model_copy(update={"max_seconds": 600})  # the second reading is what matters, not its time
    profile = profile_in_limits(find_file(path), patient)
    killer.join(timeout=10)
    assert killed
    assert profile.tables[0].rows == 100_000


_PROFILES_A_FIFO = """
import sys
from pathlib import Path
from datamind_gen.files import FoundFile, ReadSettings, profile_in_limits
from datamind_gen.rows import DataFile, FileFormat, FilePart
part = FilePart(name="fifo.csv", sha256="0" * 64, size=1)
file = DataFile(id="f", name="fifo.csv", source="s", format=FileFormat.CSV, parts=(part,), license="unknown")
profile_in_limits(FoundFile(file, (Path(sys.argv[1]),)), ReadSettings.accept_all())
"""


def test_a_busy_reader_dies_with_its_killed_parent(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.csv"
    os.mkfifo(fifo)
    parent = subprocess.Popen([sys.executable, "-c", _PROFILES_A_FIFO, str(fifo)])
    writer = os.open(fifo, os.O_WRONLY)  # returns when the reader has the file open: it is busy now
    (reader,) = (one for one in descendants(parent.pid) if "files.worker" in one.command)
    os.kill(reader.pid, signal.SIGSTOP)  # no thread of it can look for its parent
    parent.kill()
    parent.wait()
    assert wait_gone([reader], within=5) == []
    os.close(writer)


def test_a_reader_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    close_pool()
    for number in range(3):
        found = _table(tmp_path / f"{number}.csv", rows=30 + number)
        asking = threading.Thread(target=profile_in_limits, args=(found, ALL))
        asking.start()
        asking.join()
    readers = {one.pid for one in descendants(os.getpid()) if "files.worker" in one.command}
    assert len(readers) == 1


def test_a_killed_reader_leaves_no_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    close_pool()
    packed = tmp_path / "large.csv.gz"
    with gzip.open(packed, "wt", compresslevel=1) as file:
        file.write("a,b\n" + "".join(f"{n},{n * 7}\n" for n in range(2_000_000)))
    with pytest.raises(FileError) as caught:
        profile_in_limits(find_file(packed), ALL.model_copy(update={"max_seconds": 1.5}))
    assert caught.value.reason is Reason.READER_LIMIT
    assert [path.name for path in tmp_path.iterdir()] == [packed.name]
