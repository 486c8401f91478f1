"""The zygote: a process of its own that imports the data libraries once and forks sessions from itself.

Started by the engine with a scrubbed environment and one socket. It imports, freezes its garbage
collector, and supervises; it never runs untrusted code and holds no secret.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys

from datamind_gen.sandbox.inside import frames
from datamind_gen.sandbox.inside.preload import preload
from datamind_gen.sandbox.inside.session import count_threads
from datamind_gen.sandbox.inside.supervisor import Supervisor

_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """`zygote FD LEAN SCRATCH`: the control socket, 1 for the lean preload, a directory to remove or ''."""
    descriptor, lean, scratch = int(sys.argv[1]), sys.argv[2] == "1", sys.argv[3]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    control = socket.socket(fileno=descriptor)
    missing = preload(lean)
    gc.collect()
    gc.disable()
    gc.freeze()
    control.sendall(
        frames.pack({"op": "ready", "pid": os.getpid(), "missing": missing, "threads": count_threads()})
    )
    Supervisor(control, scratch or None).run()


if __name__ == "__main__":
    main()
