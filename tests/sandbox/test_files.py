"""What the engine reads back from a session's directory, and what rolling back does to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamind_gen.sandbox import Sandbox, Session
from datamind_gen.sandbox.inside.removal import remove_tree
from tests.conftest import Do
from tests.sandbox.conftest import Play

MAKE = """
import os
os.makedirs('inner', exist_ok=True)
open('result.csv', 'w').write('a\\n1\\n')
open('inner/deep.csv', 'w').write('deep')
os.symlink('/etc/passwd', 'link.csv')
os.symlink('/etc', 'linked')
os.symlink('result.csv', 'near.csv')
open('large', 'w').write('x' * 1000)
os.mkdir('directory')
"""


@pytest.fixture
def session(sandbox: Sandbox, do: Do) -> Session:
    opened = do(sandbox.open({}, seed="f"))
    assert do(opened.run(MAKE)).ok
    return opened


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("result.csv", "a\n1\n"),
        ("./result.csv", "a\n1\n"),
        ("inner/deep.csv", "deep"),
        ("absent.csv", None),
        ("link.csv", None),
        ("near.csv", None),
        ("linked/passwd", None),
        ("directory", None),
        ("result.csv/x", None),
    ],
)
def test_only_plain_files_of_the_directory_are_read(
    session: Session, do: Do, name: str, text: str | None
) -> None:
    assert do(session.read_file(name)) == text
    do(session.close())


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", ".", "a/../../b", "a\0b"])
def test_a_name_that_leaves_the_directory_is_refused(session: Session, do: Do, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        do(session.read_file(name))
    do(session.close())


def test_reading_is_bounded_and_outlives_sleep(session: Session, do: Do) -> None:
    assert do(session.read_file("large", max_bytes=10)) == "x" * 10
    do(session.sleep())
    assert do(session.read_file("result.csv")) == "a\n1\n"
    do(session.close())


def test_rollback_restores_changed_removed_and_new_files(play: Play) -> None:
    setup = "import os\nos.mkdir('d')\nopen('d/a', 'w').write('1')\nopen('b', 'w').write('2')"
    spoil = (
        "import shutil\nshutil.rmtree('d')\nopen('b', 'w').write('3')\nopen('c', 'w').close()\n"
        "os.symlink('b', 'l')\n1 / 0"
    )
    look = "sorted(os.listdir('.')), open('d/a').read(), open('b').read()"
    assert play(setup, spoil, look)[2].echo == "(['b', 'd', 'data'], '1', '2')"


def test_rollback_digs_out_what_was_buried_too_deep_to_name(play: Play) -> None:
    bury = "import os\nwhile True:\n    os.mkdir('d')\n    os.chdir('d')"
    _, failed, after = play("open('a', 'w').write('1')", bury, "import os\nsorted(os.listdir('.'))")
    assert not failed.ok
    assert after.echo == "['a', 'data']"


def test_removal_needs_no_recursion_and_follows_no_link(tmp_path: Path) -> None:
    import os

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(outside)
    here = os.open(root, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove_tree(root)
    assert not root.exists()
    assert (outside / "kept").read_text() == "kept"
