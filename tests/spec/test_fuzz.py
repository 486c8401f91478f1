"""Whatever a file holds, reading it ends in a pipeline or in problems, never in a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from datamind_gen.spec.loader import read_pipeline, validate_pipeline
from datamind_gen.spec.problems import render_problems
from datamind_gen.spec.resources import bundled_pipelines

SCRAPS = (
    *(
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!x ",
        "|\n",
        "'",
        '"',
        "#",
        "\t",
        "\n",
        "~",
        "null",
        "-1",
    ),
    *("1e400", ".nan", "0x", "yes", "2024-13-01", "<<: ", "? ", "@", "%", "\x00", "\ud7ff", "é"),
    *("extends: full\n", "provider: ", "? [a]\n: b\n", "&a [*a]"),
)


def damage(text: str, random: random.Random) -> str:
    """The text with a few scraps put in, pieces cut out, lines moved and pieces doubled."""
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(text) + 1)
        match random.randrange(4):
            case 0:
                text = text[:at] + random.choice(SCRAPS) + text[at:]
            case 1:
                text = text[:at] + text[at + random.randint(1, 30) :]
            case 2:
                lines = text.split("\n")
                lines.insert(random.randrange(len(lines) + 1), lines.pop(random.randrange(len(lines))))
                text = "\n".join(lines)
            case _:
                end = at + random.randint(0, 60)
                text = text[:end] + text[at:]
    return text


@pytest.mark.parametrize("seed", range(4))
def test_damaged_pipelines_end_in_problems(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    originals = [path.read_text() for path in bundled_pipelines().values()]
    path = tmp_path / "damaged.yaml"
    for _ in range(100):
        path.write_bytes(damage(source.choice(originals), source).encode("utf-8", "surrogatepass"))
        loaded = read_pipeline(path)
        problems = validate_pipeline(loaded)
        assert all(problem.message and problem.file for problem in problems)
        assert render_problems(problems).plain
