"""One thread for every trainer test: two cores are shared by all of them, and sums keep their order."""

from __future__ import annotations

import pytest
import torch
from accelerate.state import AcceleratorState


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fresh_accelerator() -> None:
    """accelerate keeps its state for the whole process: a test must not run in another one's precision."""
    AcceleratorState._reset_state(reset_partial_state=True)
