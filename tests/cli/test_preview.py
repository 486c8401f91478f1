"""`preview`: rows made for real, shown in a pipe and in a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from datamind_gen.cli.browser import print_cases
from datamind_gen.rows import Stage
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.preview import Preview, read_preview
from tests.run.pipelines import PATIENT, SMALL, write_small_pipeline
from tests.run.processes import ROOT

BROWSE = """
import sys
from pathlib import Path
from datamind_gen.cli.browser import browse
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.preview import read_preview

browse(read_preview(RunFolder(Path(sys.argv[1]))).cases)
"""


@pytest.fixture(scope="module")
def previewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run directory with a preview of three rows, and what the verb printed."""
    place = tmp_path_factory.mktemp("preview")
    pipeline = write_small_pipeline(place / "p.yaml", SMALL + PATIENT)
    done = subprocess.run(
        [*(sys.executable, "-m", "datamind_gen", "preview"), str(pipeline), "-n", "3", "--out", "run"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return place / "run", done.stdout


@pytest.fixture
def preview(previewed: tuple[Path, str]) -> Preview:
    return read_preview(RunFolder(previewed[0]))


def test_a_pipe_gets_question_turns_code_observations_and_verdict(
    previewed: tuple[Path, str], preview: Preview
) -> None:
    said = previewed[1]
    assert len(preview.cases) == 3
    for number, case in enumerate(preview.cases, start=1):
        assert f"row {number} of 3" in said
        assert case.query is not None
        assert " ".join(case.query.question.split()[:6]) in " ".join(said.split())
    assert said.count("<interpreter>") > 3
    assert "verdict by rule" in said
    assert "\x1b" not in said


def test_nothing_is_published_and_everything_is_recorded(
    previewed: tuple[Path, str], preview: Preview
) -> None:
    assert not (previewed[0] / "dataset").exists()
    assert preview.replies > 0
    asked = sum(asked.calls for case in preview.cases for asked in case.asked)
    assert asked >= preview.replies
    assert all(end.stage in Stage for case in preview.cases for end in case.ends)


def test_previewing_again_asks_nothing_again(previewed: tuple[Path, str], preview: Preview) -> None:
    pipeline = previewed[0].parent / "p.yaml"
    command = [sys.executable, "-m", "datamind_gen", "preview", str(pipeline), "--json"]
    done = subprocess.run(
        [*command, "--out", str(previewed[0])], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["replies"] == 0
    assert again["found"] > 0
    assert [case["id"] for case in again["cases"]] == [case.id for case in preview.cases]


class Terminal:
    """A process in a pseudo-terminal of 100 by 30."""

    def __init__(self, *command: str) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ.update(TERM="xterm", COLUMNS="100", LINES="30")
            os.execv(command[0], command)

    def press(self, keys: str, until: str) -> str:
        """Presses keys, and gives what was drawn since, once it holds the words."""
        os.write(self._descriptor, keys.encode())
        drawn = ""
        while until not in drawn:
            ready, _, _ = select.select([self._descriptor], [], [], 120)
            assert ready, f"no {until!r} after {keys!r} in: {drawn}"
            try:
                drawn += _words(os.read(self._descriptor, 65536).decode(errors="replace"))
            except OSError:  # the other end is closed
                break
        return drawn

    def end(self) -> int:
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _words(drawn: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


@pytest.fixture
def terminal(previewed: tuple[Path, str]) -> Terminal:
    return Terminal(sys.executable, "-c", BROWSE, str(previewed[0]))


def test_keys_lead_from_row_to_row_and_from_part_to_part(terminal: Terminal, preview: Preview) -> None:
    assert "row 1 of 3" in terminal.press("", "q leave")
    assert "row 2 of 3" in terminal.press("n", "row 2 of 3")
    assert "row 1 of 3" in terminal.press("p", "row 1 of 3")
    assert "sample 2 of" in terminal.press("2", "sample 2 of")
    assert "that sample" in terminal.press("h", "that sample")
    assert "interpreter" in terminal.press("o", "interpreter")
    assert "verdict by" in terminal.press("v", "verdict by")
    assert "row 2 of 3" in terminal.press("\x1b[C", "row 2 of 3")
    terminal.press("q", "never drawn")
    assert terminal.end() == 0


def test_text_of_data_and_models_does_not_steer_the_terminal(
    preview: Preview, capsys: pytest.CaptureFixture[str]
) -> None:
    case = preview.cases[0]
    assert case.query is not None
    hostile = replace(case, query=replace(case.query, question="[red]a[/red] \x1b[2J\x07b"))
    print_cases(Console(width=100), [hostile])
    said = capsys.readouterr().out
    assert "[red]a[/red] \\x1b[2J\\x07b" in said
