"""What reading a file raises: a reason of the closed set and one line for a person."""

from __future__ import annotations

from datamind_gen.rows import Reason


class FileError(Exception):
    """A file (or every table in it) that cannot be used, and why.

    `reason` goes in the funnel; `detail` is one line that names the file and what to do about it.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        detail = " ".join(detail.split())
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[FileError], tuple[Reason, str]]:
        return FileError, (self.reason, self.detail)
