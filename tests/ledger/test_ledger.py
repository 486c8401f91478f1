"""The ledger keeps what it took, whatever happens to the process or the disk."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamind_gen.ledger import Ledger, LedgerLocked, RecordKind
from datamind_gen.rows import hash_text

WRITER = """
import sys
from datamind_gen.ledger import Ledger, RecordKind
from datamind_gen.rows import hash_text
from pathlib import Path
ledger = Ledger.open(Path(sys.argv[1]))
number = 0
while True:
    ledger.put(RecordKind.RESULT, hash_text(str(number)), f"payload {number} " + "x" * (number % 5000))
    number += 1
    print(number, flush=True)
"""


def fill(folder: Path, count: int) -> list[str]:
    keys = [hash_text("row", str(number)) for number in range(count)]
    with Ledger.open(folder) as ledger:
        for number, key in enumerate(keys):
            ledger.put(RecordKind.RESULT, key, f"result {number} — ünï {'y' * number}")
    return keys


def test_what_was_put_is_there_after_reopening(tmp_path: Path) -> None:
    keys = fill(tmp_path, 50)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.get(RecordKind.RESULT, keys[49]) == f"result 49 — ünï {'y' * 49}"
        assert ledger.get(RecordKind.REPLY, keys[49]) is None
        assert ledger.count(RecordKind.RESULT) == 50


def test_a_later_record_of_the_same_key_wins(tmp_path: Path) -> None:
    key = hash_text("one")
    for text in ("first", "second"):
        with Ledger.open(tmp_path) as ledger:
            ledger.put(RecordKind.RESULT, key, text)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.get(RecordKind.RESULT, key) == "second"
        assert list(ledger.payloads(RecordKind.RESULT)) == ["second"]


def test_a_segment_cut_anywhere_loses_only_its_torn_end(tmp_path: Path) -> None:
    keys = fill(tmp_path / "whole", 12)
    data = next((tmp_path / "whole").glob("*.segment")).read_bytes()
    for end in range(0, len(data), 7):
        folder = tmp_path / f"cut-{end}"
        folder.mkdir()
        (folder / "000001-cut.segment").write_bytes(data[:end])
        with Ledger.open(folder) as ledger:
            found = [number for number, key in enumerate(keys) if ledger.holds(RecordKind.RESULT, key)]
            assert found == list(range(len(found)))
            assert all(
                (ledger.get(RecordKind.RESULT, keys[number]) or "").startswith(f"result {number} ")
                for number in found
            )
            ledger.put(RecordKind.RESULT, keys[11], "again")
        with Ledger.open(folder) as ledger:
            assert ledger.get(RecordKind.RESULT, keys[11]) == "again"


def test_a_damaged_payload_is_absent_not_wrong(tmp_path: Path) -> None:
    keys = fill(tmp_path, 3)
    path = next(tmp_path.glob("*.segment"))
    data = bytearray(path.read_bytes())
    data[45] ^= 0xFF
    path.write_bytes(data)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.get(RecordKind.RESULT, keys[0]) is None
        assert ledger.get(RecordKind.RESULT, keys[1]) is not None


def test_a_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with Ledger.open(tmp_path), pytest.raises(LedgerLocked, match=str(os.getpid())):
        Ledger.open(tmp_path)
    with Ledger.open(tmp_path):
        pass


def test_reading_beside_a_writer_sees_what_was_written(tmp_path: Path) -> None:
    key = hash_text("one")
    with Ledger.open(tmp_path) as writer:
        writer.put(RecordKind.REPLY, key, "text")
        reader = Ledger.read(tmp_path)
        assert reader.get(RecordKind.REPLY, key) == "text"
        with pytest.raises(ValueError, match="reading"):
            reader.put(RecordKind.REPLY, key, "no")
        reader.close()


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for round in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05 * (round + 1))
        writer.send_signal(signal.SIGKILL)
        acknowledged = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        with Ledger.open(tmp_path) as ledger:
            for number in range(max(acknowledged, default=1)):
                text = ledger.get(RecordKind.RESULT, hash_text(str(number)))
                assert text is not None
                assert text.startswith(f"payload {number} ")


def _write_until_refused(folder: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ledger = Ledger.open(Path(folder))
    for number in range(1000):
        try:
            ledger.put(RecordKind.RESULT, hash_text(str(number)), os.urandom(600).hex())
        except OSError:
            print(number)
            return


def test_a_disk_that_refuses_tears_nothing(tmp_path: Path) -> None:
    code = "import sys; from tests.ledger.test_ledger import _write_until_refused as f; f(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    refused = int(done.stdout)
    assert refused > 5
    with Ledger.open(tmp_path) as ledger:
        assert ledger.count(RecordKind.RESULT) == refused
        assert all(ledger.get(RecordKind.RESULT, hash_text(str(number))) for number in range(refused))


def test_a_ledger_opens_the_same_with_and_without_its_indexes(tmp_path: Path) -> None:
    keys = [hash_text(str(number)) for number in range(700)]
    for start in range(3):
        with Ledger.open(tmp_path) as ledger:
            for number, key in enumerate(keys):
                if number % 3 <= start:
                    text = os.urandom(2000).hex() + f" {number} {start}"
                    ledger.put(RecordKind.REPLY, key, text)
    indexes = list(tmp_path.glob("*.index"))
    assert len(indexes) >= 2

    def read() -> list[str]:
        with Ledger.open(tmp_path) as ledger:
            assert ledger.count(RecordKind.REPLY) == 700
            assert ledger.count(RecordKind.RESULT) == 0
            return [(ledger.get(RecordKind.REPLY, key) or "?").split(" ", 1)[1] for key in keys]

    wanted = [f"{number} 2" for number in range(700)]
    assert read() == wanted
    for index in indexes:
        index.unlink()
    assert read() == wanted
    assert sorted(tmp_path.glob("*.index")) == sorted(indexes)
    for index in indexes:
        index.write_bytes(index.read_bytes()[:-1] + b"?")
    assert read() == wanted


def test_several_write_at_once_and_see_each_other_after_a_refresh(tmp_path: Path) -> None:
    keys = [hash_text(str(number)) for number in range(4)]
    with Ledger.open(tmp_path) as opened, Ledger.join(tmp_path) as first, Ledger.join(tmp_path) as second:
        for round in ("one", "two"):
            for number, ledger in enumerate((opened, first, second)):
                ledger.put(RecordKind.REPLY, keys[number], f"{number} {round}")
                assert ledger.get(RecordKind.REPLY, keys[number]) == f"{number} {round}"
            for ledger in (opened, first, second):
                ledger.refresh()
                assert [ledger.get(RecordKind.REPLY, key) for key in keys] == [
                    *(f"{number} {round}" for number in range(3)),
                    None,
                ]
                assert ledger.count(RecordKind.REPLY) == 3
    assert len(list(tmp_path.glob("*.segment"))) == 3


def test_a_torn_segment_of_another_writer_is_read_on_when_it_is_whole(tmp_path: Path) -> None:
    keys = fill(tmp_path / "whole", 4)
    data = next((tmp_path / "whole").glob("*.segment")).read_bytes()
    growing = tmp_path / "ledger" / "000001-other.segment"
    growing.parent.mkdir()
    growing.write_bytes(data[:-5])
    reader = Ledger.read(growing.parent)
    assert [reader.holds(RecordKind.RESULT, key) for key in keys] == [True, True, True, False]
    growing.write_bytes(data)
    reader.refresh()
    assert all(reader.holds(RecordKind.RESULT, key) for key in keys)
    reader.close()


def test_an_attempt_counts_as_unsettled_until_there_is_a_result(tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        for number in range(5):
            ledger.put(RecordKind.ATTEMPT, hash_text(str(number)), "failed")
        ledger.put(RecordKind.RESULT, hash_text("3"), "kept")
        assert ledger.count_unsettled() == 4
