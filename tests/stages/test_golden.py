"""A stage whose results change must say so by its version: old results are else taken for new ones.

Inputs are frozen beside this file (a profile, its data, a taxonomy), so only the stages can change what comes
out. Where a change is meant: raise the stage's `version`, and run once with RENEW_GOLDEN=1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datamind_gen.files import SourceSpec, find_sources, profile_file
from datamind_gen.rows import Profile, decode, encode, hash_text
from datamind_gen.stages.base import Outcome
from datamind_gen.stages.compose import ComposeStage
from datamind_gen.stages.plan import Origin
from datamind_gen.stages.write import WriteStage
from datamind_gen.taxonomy import load_taxonomy

HERE = Path(__file__).parent / "golden"
RENEW = os.environ.get("RENEW_GOLDEN") == "1"


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, dict[str, Path]]:
    """The frozen file and its profile."""
    profile, data = HERE / "profile.json", HERE / "firms.csv"
    if RENEW:
        (found,) = find_sources([SourceSpec(path=str(data))], HERE, tmp_path_factory.mktemp("work"))
        profile.write_text(encode(profile_file(found)) + "\n", encoding="utf-8")
    row = decode(Profile, profile.read_text(encoding="utf-8"))
    return row, {row.file.parts[0].name: data}


def check(name: str, version: int, found: list[dict[str, Any]]) -> None:
    """Compares with what is recorded for the stage."""
    path = HERE / f"{name}.json"
    if RENEW:
        text = json.dumps({"version": version, "outcomes": found}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
    golden = json.loads(path.read_text(encoding="utf-8"))
    assert version == golden["version"], "the version was raised: run once with RENEW_GOLDEN=1"
    assert found == golden["outcomes"], (
        f"{name} gives other rows: raise its `version` and renew the golden file"
    )


def describe(outcome: Outcome[Any]) -> dict[str, Any]:
    row = outcome.row
    return {
        "id": outcome.id,
        "status": outcome.status.value,
        "reason": outcome.reason and outcome.reason.value,
        "question": row and row.question,
        "reference": row and row.reference and row.reference.text,
        "row": row and hash_text(encode(row)),
    }


def test_write_and_compose_give_what_their_versions_gave(
    frozen: tuple[Profile, dict[str, Path]], do: Any, serve: Callable[..., Any], assign: Callable[..., Any]
) -> None:
    services = serve(
        frozen,
        taxonomy=load_taxonomy(HERE / "taxonomy"),
        queries={"paraphrase": 0.5, "author": {"model": 0.5, "program": 0.5}},
        sample={"samples": 1},
    )
    plan = [
        ("ranking", 1, Origin.PROGRAM),
        ("aggregation", 2, Origin.PROGRAM),
        ("ranking", 3, Origin.PROGRAM),
        ("aggregation", 1, Origin.MODEL),
        ("aggregation", 2, Origin.MODEL),
    ]
    written = [
        do(WriteStage().run(assign(frozen, name, hops=hops, origin=origin), services))[0]
        for name, hops, origin in plan
    ]
    composed = [do(ComposeStage().run(one.row, services))[0] for one in written if one.row is not None]
    assert len(composed) >= 4
    check("write", WriteStage.version, [describe(one) for one in written])
    check("compose", ComposeStage.version, [describe(one) for one in composed])
