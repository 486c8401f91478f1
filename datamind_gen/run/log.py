"""run.log of a run of days: cut into pieces, of which the last few are kept.

Several processes append to run.log, some through a descriptor that a library holds, so the file keeps its
place: its text is copied to run.log.1 and the file cut to nothing, where appending goes on.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LOG_BYTES = 32 * 1024 * 1024
PIECES = 5


def rotate_log(path: Path, *, limit: int = LOG_BYTES, pieces: int = PIECES) -> bool:
    """Starts run.log anew when it has grown past the limit; run.log.1 is the youngest of the older pieces."""
    if not path.exists() or path.stat().st_size <= limit:
        return False
    for number in range(pieces - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            os.replace(older, path.with_name(f"{path.name}.{number + 1}"))
    beside = path.with_name(f".{path.name}.1")
    shutil.copyfile(path, beside)
    os.truncate(path, 0)
    os.replace(beside, path.with_name(f"{path.name}.1"))
    return True
