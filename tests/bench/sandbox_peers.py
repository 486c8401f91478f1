"""Other ways to run a trajectory's turns, for the benchmark: the paper's released way, and Jupyter."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

Opened = tuple[Callable[[str], Awaitable[bool]], Callable[[], Awaitable[None]]]


class Peer(Protocol):
    name: str

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def open(self, data: Path, number: int) -> Opened:
        """A trajectory: how to run a turn (True when it succeeded), and how to end it."""
        ...


def quiet_environment() -> dict[str, str]:
    """Single-threaded libraries, as ours have them."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {**dict.fromkeys(names, "1"), "POLARS_MAX_THREADS": "1"}


class ReferencePeer:
    """A fresh Python a turn: the history with every line that prints made `pass`, then the new code.

    A turn succeeds when stderr stays empty; the code of a failed turn is forgotten.
    """

    name = "reference's way"

    def __init__(self, gate: int) -> None:
        self._gate = asyncio.Semaphore(gate)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def open(self, data: Path, number: int) -> Opened:
        place = tempfile.TemporaryDirectory()
        folder = Path(place.name)
        (folder / "data" / "files").mkdir(parents=True)
        (folder / "data" / "files" / "sales.csv").symlink_to(data)
        history: list[str] = []

        async def run(code: str) -> bool:
            script = folder / "turn.py"
            script.write_text("\n".join([*map(_strip_prints, history), code]))
            async with self._gate:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, str(script), cwd=folder, stdout=-1, stderr=-1
                )
                _, errors = await process.communicate()
            if not errors:
                history.append(code)
            return not errors

        async def close() -> None:
            place.cleanup()

        return run, close


def _strip_prints(code: str) -> str:
    return "\n".join("pass" if "print(" in line else line for line in code.splitlines())


class JupyterPeer:
    """A kernel a trajectory, which keeps its state."""

    name = "Jupyter kernels"

    def __init__(self, gate: int) -> None:
        self._gate = asyncio.Semaphore(gate)

    @staticmethod
    def available() -> bool:
        """Whether it is installed."""
        return all(importlib.util.find_spec(name) for name in ("ipykernel", "jupyter_client"))

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def open(self, data: Path, number: int) -> Opened:
        from jupyter_client.manager import AsyncKernelManager

        place = tempfile.TemporaryDirectory()
        folder = Path(place.name)
        (folder / "data" / "files").mkdir(parents=True)
        (folder / "data" / "files" / "sales.csv").symlink_to(data)
        manager: Any = AsyncKernelManager()
        manager.kernel_spec.argv[0] = sys.executable
        async with self._gate:
            await manager.start_kernel(cwd=str(folder))
            client: Any = manager.client()
            client.start_channels()
            await client.wait_for_ready(timeout=120)

        async def run(code: str) -> bool:
            async with self._gate:
                reply = await client.execute_interactive(code, output_hook=lambda _message: None, timeout=300)
            return bool(reply["content"]["status"] == "ok")

        async def close() -> None:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
            place.cleanup()

        return run, close


def held_mb() -> float:
    """The proportional set size of all descendants of this process, in MB; itself not counted."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return sum(share_mb(pid) for pid in parents if pid != os.getpid() and _descends(pid, parents))


def share_mb(pid: int) -> float:
    """The proportional set size of a process in MB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parents.get(pid, 0)
    return False
