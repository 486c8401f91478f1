"""The typed rows that flow through the engine, and the closed sets they draw on.

A row is a frozen value with a deterministic id: `make_id("query", ...)` hashes what made it, so the
same spec, seed and replies give the same ids on any machine. `encode` and `decode` are the only codec:
JSON text with sorted keys, which is what travels between stages, lies in the ledger and is hashed.

Nothing here knows how rows are made. No row holds a local path, a time, a process id or a memory
figure: those belong to the ledger and the manifest.
"""

from datamind_gen.rows.codec import decode, dump_json, encode, hash_text, make_id, seed_from
from datamind_gen.rows.files import (
    Column,
    DataFile,
    Decision,
    FilePart,
    Issue,
    Profile,
    ReadPlan,
    Relationship,
    Table,
)
from datamind_gen.rows.queries import Answer, Hop, HopCode, Query, Slot
from datamind_gen.rows.trajectories import Candidate, Group, Message, Record, Trajectory, Turn, Usage, Verdict
from datamind_gen.rows.vocabulary import (
    AnswerType,
    FileFormat,
    Level,
    Origin,
    Reason,
    Scalar,
    SemanticType,
    Stage,
    Status,
    StopReason,
)

__all__ = [
    "Answer",
    "AnswerType",
    "Candidate",
    "Column",
    "DataFile",
    "Decision",
    "FileFormat",
    "FilePart",
    "Group",
    "Hop",
    "HopCode",
    "Issue",
    "Level",
    "Message",
    "Origin",
    "Profile",
    "Query",
    "ReadPlan",
    "Reason",
    "Record",
    "Relationship",
    "Scalar",
    "SemanticType",
    "Slot",
    "Stage",
    "Status",
    "StopReason",
    "Table",
    "Trajectory",
    "Turn",
    "Usage",
    "Verdict",
    "decode",
    "dump_json",
    "encode",
    "hash_text",
    "make_id",
    "seed_from",
]
