"""Fixtures that every room's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data files beside the project; a user's clone has none."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "MANIFEST.tsv").exists():
        pytest.skip("the shared data files are not beside this clone")
    return folder
