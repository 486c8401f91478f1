"""The child process that reads files: one request a line on stdin, one reply a line on stdout.

Run as `python -m datamind_gen.files.worker MEMORY_MB PARENT`. It is expected to die of bad files, and
`limits.py` watches and replaces it; the kernel kills it with its parent, however busy it is. Replies are
JSON, never pickles: nothing that a file did here reaches the parent.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

_BACKSTOP = 6
"""Address space allowed, in multiples of the memory limit: libraries reserve far more than they use."""
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serves requests until stdin ends or the parent is gone."""
    _die_with(int(sys.argv[2]))
    _limit(int(sys.argv[1]) << 20)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogatepass")
    os.dup2(2, 1)

    from datamind_gen.files.find import FoundFile
    from datamind_gen.rows import DataFile, decode, dump_json

    for line in sys.stdin:
        import json

        request = json.loads(line)
        found = FoundFile(decode(DataFile, request["file"]), tuple(Path(path) for path in request["paths"]))
        answer = _answer(found, all_columns=request["all_columns"])
        replies.write(dump_json(answer) + "\n")
        replies.flush()


def _answer(found: object, *, all_columns: bool) -> dict[str, str]:
    from datamind_gen.files.errors import FileError
    from datamind_gen.files.find import FoundFile
    from datamind_gen.files.profile import describe_file
    from datamind_gen.rows import Reason, encode

    assert isinstance(found, FoundFile)
    name = found.file.name
    try:
        return {"profile": encode(describe_file(found, all_columns=all_columns))}
    except FileError as error:
        return {"reason": error.reason.value, "detail": error.detail}
    except MemoryError:
        return {"reason": Reason.READER_LIMIT.value, "detail": f"{name} needs more memory than the limit"}
    except BaseException as error:
        # A polars panic derives from BaseException; whatever a reader threw, the file is the cause.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        if os.environ.get("DATAMIND_FILES_TRACE"):
            import traceback

            traceback.print_exc()
        text = f"{type(error).__name__}: {error}"[:300]
        return {
            "reason": Reason.CORRUPT.value,
            "detail": f"{name} breaks its reader: {text}",
            "uncaught": "yes",
        }


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = memory * _BACKSTOP
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
    os.nice(1)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it was gone before the kernel knew


if __name__ == "__main__":
    main()
