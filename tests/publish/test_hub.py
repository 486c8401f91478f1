"""Pushing over real HTTP to a server that speaks the Hub's commit protocol, through the command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from datamind_gen.publish import Finished, PublishError, write_dataset
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.hub import plan_push, push
from tests.publish.hub_server import TOKEN
from tests.publish.samples import make_finished

REPO = "me/tables"


@dataclass
class HubClient:
    """The command line's view of the server, and the test's."""

    url: str
    home: Path

    def push(self, *arguments: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"} | {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": token,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        return subprocess.run(
            [sys.executable, "-m", "datamind_gen", "push", *arguments],
            env=environment,
            capture_output=True,
            text=True,
        )

    def download(self, folder: Path) -> None:
        code = (
            "from huggingface_hub import snapshot_download as get;"
            f"get({REPO!r}, repo_type='dataset', local_dir={str(folder)!r}, token={TOKEN!r})"
        )
        environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
        environment |= {"HF_ENDPOINT": self.url, "HF_HOME": str(self.home), "HF_HUB_DISABLE_XET": "1"}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)

    def state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_state") as answer:
            return json.load(answer)

    def files(self) -> dict[str, str]:
        held = self.state()["repos"][REPO]["files"]
        return {path: file["sha256"] for path, file in held.items() if path != ".gitattributes"}

    def fail_after(self, uploads: int | None) -> None:
        body = json.dumps({"after_uploads": uploads}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_fail", body, method="POST")).close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubClient]:
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "hub_server.py")], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        yield HubClient(f"http://127.0.0.1:{int(server.stdout.readline())}", tmp_path / "hf home")
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def run(tmp_path: Path, finished: Finished) -> Path:
    return write_dataset(tmp_path / "run" / "dataset", finished).folder.parent


def hashes(dataset: Path) -> dict[str, str]:
    return {
        path.relative_to(dataset).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in dataset.rglob("*")
        if path.is_file()
    }


def test_pushed_dataset_is_the_published_one(hub: HubClient, run: Path, tmp_path: Path) -> None:
    done = hub.push(str(run), REPO)
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/datasets/{REPO}" in done.stdout
    assert "survey 2024" in done.stderr, "the warned licence is named"
    held, published = hub.files(), hashes(run / "dataset")
    assert held.keys() == published.keys()
    assert {path for path in held if held[path] != published[path]} == {"README.md"}
    assert hub.state()["repos"][REPO]["commits"][-1] == "Upload the dataset card"
    assert not hub.state()["repos"][REPO]["private"]
    large = {path for path, file in hub.state()["repos"][REPO]["files"].items() if file["lfs"]}
    assert large == {file.path for file in plan_push(PublishedRun.open(run)) if file.lfs}

    hub.download(tmp_path / "copy")
    card = (tmp_path / "copy" / "README.md").read_text()
    assert f'DATASET = "{REPO}"' in card
    code = "import datasets, sys; print(len(datasets.load_dataset(sys.argv[1], 'sft', split='train')))"
    loaded = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "copy")],
        env=os.environ | {"HF_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert int(loaded.stdout) == 24


def test_interrupted_push_goes_on_where_it_stopped(hub: HubClient, run: Path) -> None:
    hub.fail_after(2)
    broken = hub.push(str(run), REPO)
    assert broken.returncode == 1
    assert "repeat the command" in broken.stderr
    before = hub.state()["uploads"]
    assert len(before) >= 2
    hub.fail_after(None)
    assert hub.push(str(run), REPO).returncode == 0
    uploads = hub.state()["uploads"]
    assert len(uploads) == len(set(uploads)), "no object went twice"
    assert hub.files().keys() == hashes(run / "dataset").keys()


def test_pushing_again_sends_what_changed_and_removes_what_is_gone(
    hub: HubClient, run: Path, finished: Finished
) -> None:
    hub.push(str(run), REPO)
    before = hub.state()
    assert hub.push(str(run), REPO).returncode == 0
    assert hub.state() == before, "nothing changed, nothing is sent"
    first = hub.files()
    write_dataset(run / "dataset", replace(finished, kept=finished.kept[:1]))
    refused = hub.push(str(run), REPO, "--private")
    assert refused.returncode == 2
    assert "is public" in refused.stderr
    assert hub.state() == before
    assert hub.push(str(run), REPO).returncode == 0
    assert hub.files().keys() == hashes(run / "dataset").keys()
    assert first.keys() - hub.files().keys(), "stale files are gone"


def test_dry_run_lists_and_sends_nothing(hub: HubClient, run: Path) -> None:
    listed = hub.push(str(run), REPO, "--dry-run", "--json", token="")
    assert listed.returncode == 0, listed.stderr
    plan = json.loads(listed.stdout)
    assert {file["path"] for file in plan["files"]} == hashes(run / "dataset").keys()
    shown = hub.push(str(run), REPO, "--dry-run", token="")
    assert "nothing was sent" in shown.stdout
    assert "sources.json" in shown.stdout
    assert hub.state()["repos"] == {}


def test_private_repository(hub: HubClient, run: Path) -> None:
    assert hub.push(str(run), REPO, "--private").returncode == 0
    assert hub.state()["repos"][REPO]["private"]


def test_wrong_token(hub: HubClient, run: Path) -> None:
    refused = hub.push(str(run), REPO, token="hf_wrong")
    assert refused.returncode == 2
    assert "HF_TOKEN" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("harm", "named"),
    [("policy", "shop.sqlite (MIT)"), ("stray", "secret.csv"), ("unlisted", "sources.json")],
    ids=["policy", "stray-file", "no-list"],
)
def test_licence_policy_guards_the_door(harm: str, named: str, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "run" / "dataset", make_finished(tmp_path / "files")).folder
    match harm:
        case "policy":
            with (dataset / "pipeline.yaml").open("a") as file:
                file.write("publish:\n  licenses: {allow: [], warn: [unknown], refuse: [MIT]}\n")
        case "stray":
            (dataset / "train_files" / "secret.csv").write_text("a\n1\n")
        case "unlisted":
            (dataset / "sources.json").unlink()
    published = PublishedRun.open(dataset)
    for attempt in (plan_push, lambda run: push(run, REPO)):
        with pytest.raises(PublishError) as refused:
            attempt(published)
        assert named in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", REPO], "holds no dataset"),
        (["RUN"], "give REPO_ID"),
        (["RUN", "not an id"], "repository id"),
    ],
    ids=["no-run", "no-place", "bad-id"],
)
def test_bad_input(arguments: list[str], message: str, hub: HubClient, run: Path) -> None:
    refused = hub.push(*[str(run) if argument == "RUN" else argument for argument in arguments])
    assert refused.returncode == 2
    assert message in refused.stderr
