"""The zygote: a process of its own that imports the data libraries once and forks sessions from itself.

Started by the engine with a scrubbed environment and one socket. It imports, freezes its garbage
collector, and supervises; it never runs untrusted code and holds no secret.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

from datamind_gen.sandbox.inside import frames, landlock
from datamind_gen.sandbox.inside.attempts import attempt_all
from datamind_gen.sandbox.inside.kernel import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from datamind_gen.sandbox.inside.memory import settle
from datamind_gen.sandbox.inside.preload import preload
from datamind_gen.sandbox.inside.session import count_threads
from datamind_gen.sandbox.inside.supervisor import Supervisor


def main() -> None:
    """`zygote FD LEAN SCRATCH`: the control socket, 1 for the lean preload, its directory."""
    descriptor, lean, scratch = int(sys.argv[1]), sys.argv[2] == "1", sys.argv[3]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    control = socket.socket(fileno=descriptor)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # while it imports, it hears nothing of its engine's end
    if _is_deserted(control):
        os._exit(0)
    missing = preload(lean)
    settle()
    facts = {
        "pid": os.getpid(),
        "missing": missing,
        "threads": count_threads(),
        "landlock": landlock.abi(),
        "attempts": attempt_all(Path(scratch)),
    }
    prctl(PR_SET_PDEATHSIG, 0)  # from here on it hears, and cleans up
    try:
        with contextlib.suppress(BrokenPipeError):
            control.sendall(frames.pack({"op": "ready", **facts}))
        Supervisor(control, Path(scratch)).run()
    except BaseException:
        traceback.print_exc()  # into its log, which the engine quotes
        sys.stderr.flush()
    os._exit(0)  # not through the libraries' own endings


def _is_deserted(control: socket.socket) -> bool:
    try:
        return control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


if __name__ == "__main__":
    main()
