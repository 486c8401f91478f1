"""One thread for every trainer test: two cores are shared by all of them, and sums keep their order."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
