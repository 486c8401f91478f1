"""What a pipeline says about the code that models write: how much it may use.

Names and defaults are those of the sandbox itself. How many turns run at once, and where, is a matter of
the machine and stands under `run`; what a failed turn leaves behind stands under `sample`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datamind_gen.spec.section import Section


class SandboxLimits(Section):
    """`sandbox:` in a pipeline. Each limit gives the model a message that it can act on."""

    wall_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds that a turn may take."""
    cpu_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds of processor time that a turn may take, all its threads together."""
    memory_mb: Annotated[int, Field(ge=64)] = 2048
    """Memory that a session's code may add to what the imported libraries take."""
    processes: Annotated[int, Field(ge=0)] = 0
    """Processes that a turn may start."""
    threads: Annotated[int, Field(ge=1)] = 128
    """Threads that a session may hold."""
    file_mb: Annotated[int, Field(ge=1)] = 256
    """Size of any one file that the code writes."""
    directory_mb: Annotated[int, Field(ge=1)] = 512
    """Size of everything in a session's directory."""
    output_chars: Annotated[int, Field(ge=1)] = 65_536
    """Characters kept of a turn's output; `sample.observation_chars` is what the expert sees of it."""
    stream_mb: Annotated[int, Field(ge=1)] = 16
    """Output after which a turn is stopped as flooding."""
    sql_timeout_s: Annotated[float, Field(gt=0)] = 20.0
    """Seconds that one execute_sql may take."""
    sql_rows: Annotated[int, Field(ge=1)] = 100_000
    """Rows that one execute_sql may return."""
    allow_unsandboxed: bool = False
    """Run code where the kernel cannot confine it. Every row then says so."""
