"""Sources, licences, filters and the bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from datamind_gen.files import (
    FileError,
    LicenseAction,
    ReadSettings,
    SourceSpec,
    find_file,
    find_sources,
    profile_file,
    read_file,
)
from datamind_gen.files.licenses import LicenseClass, judge_license
from datamind_gen.rows import Reason


def _csv(path: Path, rows: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"place": [f"{path.stem} {i}" for i in range(rows)], "n": range(rows)}).to_csv(
        path, index=False
    )
    return path


def test_paths_globs_and_folders_in_order_each_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b/c.csv", "b/d.csv", "b/notes.md", "b/.hidden.csv"):
        _csv(tmp_path / name)
    sources = [SourceSpec(path="b/d.csv"), SourceSpec(glob="**/*.csv"), SourceSpec(folder="b")]
    names = [found.file.name for found in find_sources(sources, tmp_path, tmp_path / "work")]
    assert names == ["d.csv", "a.csv", "c.csv"]


@pytest.mark.parametrize(
    "source",
    [{"path": "gone.csv"}, {"glob": "*.gone"}, {"folder": "gone"}, {"bundled": "gone"}],
    ids=lambda s: next(iter(s)),
)
def test_a_source_that_names_nothing_says_so(tmp_path: Path, source: dict[str, str]) -> None:
    with pytest.raises(FileError) as caught:
        find_sources([SourceSpec(**source)], tmp_path, tmp_path)
    assert caught.value.reason is Reason.UNREADABLE
    assert "gone" in caught.value.detail


@pytest.mark.parametrize(
    "wrong", [{}, {"path": "a", "glob": "b"}, {"path": "a", "as_one": True}, {"file": "a"}]
)
def test_wrong_sources_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SourceSpec.model_validate(wrong)


def test_the_id_depends_on_name_and_content_alone(tmp_path: Path) -> None:
    one, other = _csv(tmp_path / "x" / "t.csv"), _csv(tmp_path / "y" / "t.csv")
    assert find_file(one).file.id == find_file(other).file.id
    other.write_text(other.read_text() + "z,1\n")
    assert find_file(one).file.id != find_file(other).file.id


def test_licences_declared_beside_and_unknown(tmp_path: Path) -> None:
    table = _csv(tmp_path / "t.csv")
    assert find_file(table).file.license == "unknown"
    (tmp_path / "t.csv.license").write_text("SPDX-License-Identifier: CC-BY-4.0\n")
    assert find_file(table).file.license == "CC-BY-4.0"
    (found,) = find_sources([SourceSpec(path="t.csv", license="CC0-1.0")], tmp_path, tmp_path)
    assert found.file.license == "CC0-1.0"
    listed = _csv(tmp_path / "pack" / "data" / "u.csv")
    package = {"resources": [{"path": "data/u.csv"}], "licenses": [{"name": "ODC-By-1.0"}]}
    (tmp_path / "pack" / "datapackage.json").write_text(json.dumps(package))
    assert find_file(listed).file.license == "ODC-By-1.0"


@pytest.mark.parametrize(
    ("license", "kind"),
    [
        ("CC0-1.0", LicenseClass.PERMISSIVE), ("public domain", LicenseClass.PERMISSIVE), ("PDDL-1.0",
        LicenseClass.PERMISSIVE),
        ("CC-BY-4.0", LicenseClass.ATTRIBUTION), ("MIT", LicenseClass.ATTRIBUTION), ("Apache-2.0",
        LicenseClass.ATTRIBUTION),
        ("CC-BY-SA-4.0", LicenseClass.SHARE_ALIKE), ("ODbL-1.0", LicenseClass.SHARE_ALIKE), ("AGPL-3.0",
        LicenseClass.SHARE_ALIKE),
        ("CC-BY-NC-4.0", LicenseClass.NON_COMMERCIAL), ("CC BY-NC-SA 4.0", LicenseClass.NON_COMMERCIAL),
        ("CC-BY-ND-4.0", LicenseClass.NO_DERIVATIVES), ("unknown", LicenseClass.UNKNOWN),
        ("MIT (repo); upstream provenance varies", LicenseClass.UNKNOWN),
    ],
)  # fmt: skip
def test_what_licences_allow(license: str, kind: LicenseClass) -> None:
    assert judge_license(license) is kind


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"min_rows": 31}, Reason.TOO_FEW_ROWS), ({"max_rows": 29}, Reason.TOO_MANY_ROWS),
        ({"min_columns": 3}, Reason.TOO_FEW_COLUMNS), ({"max_columns": 1, "min_columns": 1},
        Reason.TOO_MANY_COLUMNS),
        ({"max_bytes": 10}, Reason.TOO_LARGE), ({"min_confidence": 0.999}, Reason.LOW_CONFIDENCE),
        ({"policy": LicenseAction.REFUSE}, Reason.LICENSE),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)  # fmt: skip
def test_filters_each_with_their_reason(tmp_path: Path, settings: dict[str, object], reason: Reason) -> None:
    found = find_file(_csv(tmp_path / "t.csv"))
    with pytest.raises(FileError) as caught:
        profile_file(found, ReadSettings.model_validate(settings))
    assert caught.value.reason is reason
    assert "t.csv" in caught.value.detail


def test_reading_gives_the_plans(tmp_path: Path) -> None:
    (plan,) = read_file(find_file(_csv(tmp_path / "t.csv")))
    assert (plan.rows, plan.columns, plan.plan.raw_works) == (30, 2, True)


def test_the_bundle_has_every_format_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = (
        find_sources([SourceSpec(bundled="all")], tmp_path, tmp_path / name) for name in ("a", "b")
    )
    assert [one.file for one in first] == [one.file for one in second]
    formats = [one.file.format.value for one in first]
    counts = {kind: formats.count(kind) for kind in set(formats)}
    assert counts["csv"] >= 6
    assert min(counts["xlsx"], counts["sqlite"], counts["parquet"]) >= 4
    assert counts["json"] + counts["jsonl"] >= 2
    assert {judge_license(one.file.license) for one in first} == {LicenseClass.PERMISSIVE}


def test_every_bundled_file_passes_the_default_filters(tmp_path: Path) -> None:
    for found in find_sources([SourceSpec(bundled="all")], tmp_path, tmp_path):
        profile = profile_file(found)
        assert profile.tables
        if found.file.format.is_database:
            assert any(one.declared for one in profile.relationships)
            assert all(one.coverage == 1 for one in profile.relationships if one.declared)
            assert "CREATE TABLE" in profile.ddl
