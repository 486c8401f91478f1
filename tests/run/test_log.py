"""run.log is cut into pieces while others go on writing to it."""

from __future__ import annotations

from pathlib import Path

from datamind_gen.run.log import rotate_log


def test_the_youngest_pieces_are_kept_and_no_line_is_lost_between_them(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with log.open("a", encoding="utf-8") as writer:  # as the graph's process holds it
        for number in range(100):
            writer.write(f"line {number}\n")
            writer.flush()
            rotate_log(log, limit=80, pieces=3)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["run.log", "run.log.1", "run.log.2", "run.log.3"]
    oldest_first = [*(tmp_path / f"run.log.{number}" for number in (3, 2, 1)), log]
    lines = "".join(path.read_text() for path in oldest_first).splitlines()
    assert lines == [f"line {number}" for number in range(100 - len(lines), 100)]
    assert len(lines) > 20


def test_a_short_log_stays_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    assert not rotate_log(log)
    log.write_text("one\n")
    assert not rotate_log(log)
    assert [path.name for path in tmp_path.iterdir()] == ["run.log"]
