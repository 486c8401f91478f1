"""Puts a session under confinement: what it may reach is decided here, once, before any of its code runs.

In this order: a parent's death is its own; no capabilities; Landlock for files, TCP and signals; seccomp for
the rest. Each needs no privilege and none can be taken off again.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from pathlib import Path
from typing import Any

from datamind_gen.sandbox.inside import landlock, seccomp
from datamind_gen.sandbox.inside.kernel import PR_SET_PDEATHSIG, drop_capabilities, prctl

SIGNALS_SCOPED_SINCE = 6
"""The Landlock version that keeps signals inside."""
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/fonts",
    "/etc/ssl/openssl.cnf",
    "/proc",  # DuckDB aborts where it cannot read its own entries, and those cannot be named one by one
    "/sys/fs/cgroup",
    "/sys/devices/system",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
_SQLITE_SIDE_FILES = ("-wal", "-shm")


def confine(order: dict[str, Any]) -> int | None:
    """Confines this process for good; returns the descriptor on which its forks are asked about, if any.

    Raises OSError where the kernel cannot; the session then does not start.
    """
    if not order["confine"]:
        return None
    drop_capabilities()
    landlock.restrict(
        readable=[*python_places(), *map(Path, _SYSTEM), *_data(order["files"])],
        writable=[Path(order["work"]), Path(order["shadow"])],
        devices=map(Path, _DEVICES),
    )
    return seccomp.confine_calls(signals_scoped=landlock.abi() >= SIGNALS_SCOPED_SINCE)


def _data(files: dict[str, str]) -> list[Path]:
    paths = [Path(path) for path in files.values()]
    return paths + [path.with_name(path.name + end) for path in paths for end in _SQLITE_SIDE_FILES]


def python_places() -> list[Path]:
    """Where this Python and its packages lie."""
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values()}
    found.update(entry for entry in sys.path if "-packages" in entry)
    places = {Path(os.path.realpath(entry)) for entry in found if entry}
    return sorted(places - {Path("/"), Path.home()})


def die_with(parent: int) -> None:
    """Ties this process's life to its parent's; ends it if the parent is gone already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
