"""The card: that its block is valid, its quick start runs, and text from data cannot become markup."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from datamind_gen.publish import Finished, PublishedDataset, write_dataset
from datamind_gen.publish.card import with_audit, with_location
from datamind_gen.publish.plots import draw_plots
from datamind_gen.publish.statistics import RowCounts
from tests.publish.samples import HOSTILE, make_finished


@pytest.fixture(scope="session")
def card(published: PublishedDataset) -> str:
    return (published.folder / "README.md").read_text(encoding="utf-8")


def test_front_matter_is_what_the_hub_reads(published: PublishedDataset) -> None:
    data = DatasetCard.load(published.folder / "README.md").data.to_dict()
    assert [config["config_name"] for config in data["configs"]] == ["sft", "rl", "rejected"]
    for config in data["configs"]:
        paths = config["data_files"][0]["path"]
        assert paths
        assert all((published.folder / path).is_file() for path in paths)
    assert data["license"] == "unknown"
    assert data["size_categories"] == ["n<1K"]


def run_quick_start(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    return subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=folder.parent,
        env=os.environ | {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )


def test_quick_start_runs(published: PublishedDataset, tmp_path: Path) -> None:
    ran = run_quick_start(published.folder, tmp_path)
    assert ran.returncode == 0, ran.stderr
    counts = f"{published.sft} trajectories\n{published.rl} tasks\n{published.rejected} rejected rows\n"
    assert ran.stdout.startswith(counts)
    assert "<answer>" in ran.stdout


def test_quick_start_of_a_run_that_rejected_nothing_runs(finished: Finished, tmp_path: Path) -> None:
    published = write_dataset(tmp_path / "dataset", replace(finished, dropped=()))
    ran = run_quick_start(published.folder, tmp_path / "cache")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{published.sft} trajectories\n{published.rl} tasks\n")


def test_card_counts_what_was_published(card: str, published: PublishedDataset) -> None:
    assert f"| `sft` | {published.sft} |" in card
    assert f"| `rejected` | {published.rejected} |" in card
    assert "| reflect | group | 24 | 20 | 4 | 0 | inconsistent 4 |" in card
    assert "`answer_length` (max\\_tokens: 1024)" in card
    assert "| judge | openai | gpt-4o-mini | gpt-4o-mini-2024 |" in card
    assert "No language model wrote these trajectories" in card
    for plot in re.findall(r"\]\((plots/.*?)\)", card):
        assert (published.folder / plot).read_bytes().startswith(b"\x89PNG")


def test_the_heading_is_the_pipelines_title(tmp_path: Path) -> None:
    finished = make_finished(tmp_path / "files")
    write_dataset(tmp_path / "dataset", finished)
    assert "\n# sample\n" in (tmp_path / "dataset" / "README.md").read_text()
    write_dataset(tmp_path / "dataset", replace(finished, title="A sample"))
    assert "\n# A sample\n" in (tmp_path / "dataset" / "README.md").read_text()


def test_text_from_data_is_never_markup(tmp_path: Path) -> None:
    finished = replace(make_finished(tmp_path / "files"), title=HOSTILE)
    profiles = {
        key: replace(profile, file=replace(profile.file, license=HOSTILE, source=HOSTILE))
        for key, profile in finished.profiles.items()
    }
    write_dataset(tmp_path / "dataset", replace(finished, profiles=profiles))
    text = (tmp_path / "dataset" / "README.md").read_text()
    front, body = re.split(r"^---$", text, maxsplit=2, flags=re.MULTILINE)[1:]
    assert yaml.safe_load(front)["pretty_name"] == HOSTILE
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(body)
    tags = set(re.findall(r"<(\w+)", html))
    assert "script" not in tags
    assert [
        source for source in re.findall(r'<img src="(.*?)"', html) if not source.startswith("plots/")
    ] == []
    sources = html[html.index("Sources and licences") :]
    assert sources.count("</tr>") == len(profiles) + 1, "a pipe in a name makes no new cell or row"


def test_audit_goes_onto_a_finished_card(card: str) -> None:
    assert "have not been audited" in card
    audit = json.dumps({"rules": [{"name": "format", "precision": 0.9951, "recall": None, "support": 40}]})
    audited = with_audit(card, audit)
    assert "| format | 99.5 % | unknown | 40 |" in audited
    assert "have not been audited" not in audited
    assert with_audit(audited, audit) == audited


def test_location_goes_into_the_quick_start(card: str) -> None:
    moved = with_location(card, "someone/some-data")
    assert 'DATASET = "someone/some-data"' in moved
    assert moved.replace("someone/some-data", "dataset") == card


@pytest.mark.parametrize(
    ("licenses", "shown"),
    [
        (["MIT"], "mit"),
        (["MIT", "CC0-1.0"], "other"),
        (["MIT", "unknown"], "unknown"),
        (["my own words"], "other"),
    ],
    ids=["one", "mixed", "unknown", "free-text"],
)
def test_card_licence(licenses: list[str], shown: str, tmp_path: Path) -> None:
    finished = make_finished(tmp_path / "files")
    profiles = {
        key: replace(profile, file=replace(profile.file, license=licenses[number % len(licenses)]))
        for number, (key, profile) in enumerate(sorted(finished.profiles.items()))
    }
    write_dataset(tmp_path / "dataset", replace(finished, profiles=profiles))
    front = (tmp_path / "dataset" / "README.md").read_text().split("---")[1]
    assert yaml.safe_load(front)["license"] == shown


def test_plots_are_the_same_every_time(
    finished: Finished, published: PublishedDataset, tmp_path: Path
) -> None:
    drawn = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw_plots(tmp_path / name, published.funnel, RowCounts())
        drawn.append((tmp_path / name / "plots" / "funnel.png").read_bytes())
    assert drawn[0] == drawn[1] == (published.folder / "plots" / "funnel.png").read_bytes()
