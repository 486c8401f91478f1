"""Finds, reads and profiles real data files.

`find_sources` says what there is; `profile_file` reads one file in this process, `profile_limited` (async)
and `profile_in_limits` do it in a child process within time and memory; each table comes with the read
plan that loads it right. A file that cannot be used ends in a FileError with a reason of the closed set.

This room parses no format itself: libraries do, and it judges between them.
"""

from datamind_gen.files.errors import FileError
from datamind_gen.files.find import FoundFile, find_file, find_sources
from datamind_gen.files.limits import close_pool, profile_in_limits, profile_limited
from datamind_gen.files.profile import TablePlan, plans_of, profile_file, read_file
from datamind_gen.files.proof import check_plan
from datamind_gen.spec.publish import LicenseAction
from datamind_gen.spec.sources import ReadSettings, SourceSpec

__all__ = [
    "FileError",
    "FoundFile",
    "LicenseAction",
    "ReadSettings",
    "SourceSpec",
    "TablePlan",
    "check_plan",
    "close_pool",
    "find_file",
    "find_sources",
    "plans_of",
    "profile_file",
    "profile_in_limits",
    "profile_limited",
    "read_file",
]
