"""The typed rows that flow through the engine, and the closed sets they draw on.

A row is a frozen value with a deterministic id: `make_id("query", ...)` hashes what made it, so the
same spec, seed and replies give the same ids on any machine. `encode` and `decode` are the only codec:
JSON text with sorted keys, which is what travels between stages, lies in the ledger and is hashed.

Nothing here knows how rows are made. No row holds a local path, a time, a process id or a memory
figure: those belong to the ledger and the manifest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import TypeAdapter

Scalar = str | int | float | bool | None
T = TypeVar("T")


class Stage(StrEnum):
    """The stages, in the order in which rows flow through them."""

    READ = "read"
    PROFILE = "profile"
    WRITE = "write"
    COMPOSE = "compose"
    SAMPLE = "sample"
    JUDGE = "judge"
    REFLECT = "reflect"
    FILTER = "filter"
    PUBLISH = "publish"


class Status(StrEnum):
    """How a row of a stage's unit ends."""

    KEPT = "kept"
    REJECTED = "rejected"
    """A rule or a judge said no, or the row was not chosen."""
    FAILED = "failed"
    """A provider, the sandbox, the file or a template let the row down."""


class Reason(StrEnum):
    """Why a row was rejected or failed. The detail beside it is free text; this set is closed."""

    # files
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    UNSUPPORTED_FORMAT = "unsupported_format"
    NO_TABLE = "no_table"
    LOW_CONFIDENCE = "low_confidence"
    TOO_FEW_ROWS = "too_few_rows"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_FEW_COLUMNS = "too_few_columns"
    TOO_MANY_COLUMNS = "too_many_columns"
    TOO_LARGE = "too_large"
    READER_LIMIT = "reader_limit"
    LICENSE = "license"
    # queries
    NOT_PLANNED = "not_planned"
    NO_PROGRAM = "no_program"
    GUARD = "guard"
    DEGENERATE_HOP = "degenerate_hop"
    UNPARSABLE_REPLY = "unparsable_reply"
    UNFAITHFUL_PARAPHRASE = "unfaithful_paraphrase"
    PROGRAM_ERROR = "program_error"
    # trajectories
    NO_ANSWER = "no_answer"
    INCONSISTENT = "inconsistent"
    NOT_CHOSEN = "not_chosen"
    # rules
    FORMAT = "format"
    ANSWER_LENGTH = "answer_length"
    LANGUAGE = "language"
    UNRESOLVED_ERROR = "unresolved_error"
    UNSUPPORTED_ANSWER = "unsupported_answer"
    REFERENCE_MISMATCH = "reference_mismatch"
    REPLAY_DIFFERENCE = "replay_difference"
    DUPLICATE = "duplicate"
    CONTAMINATION = "contamination"
    SECRETS = "secrets"
    INSTRUCTION_IN_DATA = "instruction_in_data"
    CUSTOM_RULE = "custom_rule"
    OVER_TARGET = "over_target"
    # failures
    PROVIDER = "provider"
    SANDBOX = "sandbox"
    TEMPLATE = "template"
    INTERNAL = "internal"


class FileFormat(StrEnum):
    """What a data file is, by its content rather than its name."""

    CSV = "csv"
    """Any delimited text: comma, tab, semicolon, pipe, white space."""
    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"
    SQLITE = "sqlite"
    DUCKDB = "duckdb"
    PARQUET = "parquet"
    JSON = "json"
    JSONL = "jsonl"
    FOLDER = "folder"
    """Several files declared as one source."""

    @property
    def is_database(self) -> bool:
        """Whether the agent answers with SQL and a result CSV (the paper's database path)."""
        return self in (FileFormat.SQLITE, FileFormat.DUCKDB)


class SemanticType(StrEnum):
    """What a column means, as far as its values tell."""

    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    DATE = "date"
    """A date or a timestamp."""
    YEAR = "year"
    CATEGORY = "category"
    """Few distinct values that repeat: something to group by."""
    IDENTIFIER = "identifier"
    """Names or numbers a row; never averaged."""
    NAME = "name"
    """A label that is (nearly) unique a row and that a person would use to name the row."""
    TEXT = "text"
    """Free text."""
    BOOLEAN = "boolean"
    GEOGRAPHIC = "geographic"
    """Latitude or longitude."""
    NESTED = "nested"
    EMPTY = "empty"

    @property
    def is_measure(self) -> bool:
        """Whether sums and means of the column mean something."""
        return self in (SemanticType.NUMBER, SemanticType.MONEY, SemanticType.PERCENT)


class Origin(StrEnum):
    """Who wrote a query: a model, as in the paper, or a program of the taxonomy."""

    MODEL = "model"
    PROGRAM = "program"


class Level(StrEnum):
    """How hard a query is, computed from its hops, operations and joins."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"
    VERY_HARD = "very_hard"


class AnswerType(StrEnum):
    NUMBER = "number"
    PERCENT = "percent"
    LABEL = "label"
    DATE = "date"
    BOOLEAN = "boolean"
    LIST = "list"
    """Labels or numbers; `ordered` says whether their order counts."""
    TABLE = "table"
    """Rows and columns: what a database query answers with."""
    CLAIMS = "claims"
    """A judgement in words, of which some claims can be checked."""


class StopReason(StrEnum):
    """Why a trajectory ended."""

    ANSWERED = "answered"
    VOID_TURN = "void_turn"
    """A turn with neither code nor answer, where the loop is told not to retry."""
    MAX_TURNS = "max_turns"
    MAX_TOKENS = "max_tokens"
    CONTEXT_OVERFLOW = "context_overflow"
    PROVIDER_ERROR = "provider_error"
    SANDBOX_ERROR = "sandbox_error"
    STOPPED = "stopped"

    @property
    def is_failure(self) -> bool:
        """Whether the engine, not the model, ended it: never a wrong answer."""
        return self in (StopReason.PROVIDER_ERROR, StopReason.SANDBOX_ERROR, StopReason.STOPPED)


# --- files and profiles -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file on disk. `name` is what code sees under data/files/."""

    name: str
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file, or a folder declared as one source. Where it lies on this machine is not part of it."""

    id: str
    name: str
    source: str
    format: FileFormat
    parts: tuple[FilePart, ...]
    license: str
    """An SPDX id, a declared text, or `unknown`."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Something about a table that a careful analyst would want to know."""

    kind: str
    detail: str
    column: str | None = None
    rows: int | None = None
    """How many rows it concerns."""
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the read plan loads it: `name` is the name that the loading code yields."""

    name: str
    dtype: str
    """int, float, string, datetime, date, boolean, nested or other: after loading."""
    kind: SemanticType
    count: int
    """Rows that are not null."""
    nulls: int
    distinct: int
    distinct_exact: bool = True
    minimum: Scalar = None
    maximum: Scalar = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    """At 5, 25, 50, 75 and 95 %, numbers only."""
    skew: float | None = None
    zeros: int | None = None
    negatives: int | None = None
    integral: bool = False
    top: tuple[tuple[Scalar, int], ...] = ()
    """The most frequent values with their counts, at most ten."""
    examples: tuple[Scalar, ...] = ()
    unit: str | None = None
    """A currency, %, kg …: where the values or the name tell."""
    granularity: str | None = None
    """Of a date column: year, quarter, month, week, day, hour …"""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Relationship:
    """A join that works: child.columns refer to parent.columns."""

    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    declared: bool
    coverage: float
    """The share of the child's non-null values found in the parent."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a read plan, with the evidence for it."""

    what: str
    value: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How a table is loaded right."""

    part: str
    """The file's name under data/files/."""
    decisions: tuple[Decision, ...]
    pandas: str
    """Python that binds `df`; runs as it stands where data/files/ holds the file."""
    polars: str | None = None
    duckdb: str | None = None
    """A SQL expression to select from."""
    raw_works: bool = True
    """Whether the plain default reader (read_csv, read_excel …) already loads the same table."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    """Unique in the file: the sheet, the database table, or the file's stem."""
    rows: int
    columns: tuple[Column, ...]
    column_count: int
    """More than len(columns) when a very wide table's profile was bounded."""
    plan: ReadPlan
    primary_key: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    confidence: float = 1.0
    """How sure the plan is, from 0 to 1."""
    head: tuple[tuple[Scalar, ...], ...] = ()
    """The first rows, as loaded, at most five."""
    description: str = ""

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name!r} has no column {name!r}")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a file before anything is asked about it."""

    id: str
    file: DataFile
    tables: tuple[Table, ...]
    relationships: tuple[Relationship, ...] = ()
    issues: tuple[Issue, ...] = ()
    ddl: str = ""
    """The schema text that get_db_info() shows, for databases."""
    description: str = ""

    def table(self, name: str) -> Table:
        """The table of that name. Raises KeyError."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"{self.file.name} has no table {name!r}")


# --- queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A typed answer. `text` is how a person would write it; `value` is what code compares."""

    type: AnswerType
    text: str
    value: Scalar | tuple[Scalar, ...] | tuple[tuple[Scalar, ...], ...]
    unit: str | None = None
    decimals: int | None = None
    """Digits after the point that the question asks for."""
    columns: tuple[str, ...] = ()
    """Column names, for a table."""
    ordered: bool = False
    """Whether order counts, for a list or a table."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a program, filled. `wired` names the hop (0-based) whose answer fills it instead."""

    name: str
    value: Scalar | tuple[Scalar, ...] = None
    column: str | None = None
    """Set when the slot is a column rather than a literal."""
    table: str | None = None
    wired: int | None = None


@dataclass(frozen=True, slots=True)
class HopCode:
    """What computes a program's hop, and how its answer is written: for lineage, and for the scripted
    model to act from. Earlier hops' answers stand in it by name, never by value."""

    wiring: str
    """Python that makes `df` what the hop works on; an earlier answer is `answer_N`."""
    python: str
    """Binds `answer`."""
    sql: str | None
    """One SELECT; an earlier answer is `⟦answer_N⟧`."""
    type: AnswerType
    load: str = ""
    """Of the first hop: Python that binds `df`."""
    given: str | None = None
    """The dtype of the column that the earlier hop's answer is a value of."""
    thought: str = ""
    decimals: int | None = None
    unit: str | None = None
    statement: str | None = None
    """Of claims: a template over them that says them in words."""
    claims: tuple[tuple[str, int | None], ...] = ()
    """Of claims: their names, and the digits that each is rounded to."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a query: a question of its own, whose answer the next hop may take."""

    category: str
    question: str
    phrase: str
    """A noun phrase for what it gives."""
    program: str | None = None
    """`category/name`, when a program of the taxonomy makes it."""
    slots: tuple[Slot, ...] = ()
    wiring: str | None = None
    """How it takes earlier hops' answers: filter, label, number, table; None for the first."""
    reference: Answer | None = None
    found: str | None = None
    """What executing a model's hop gave, once: what the chain was built on, and no reference."""
    code: HopCode | None = None
    """Only hops of programs have one."""


@dataclass(frozen=True, slots=True)
class Query:
    id: str
    file_id: str
    question: str
    category: str
    """The last hop's category: what the answer is."""
    hops: tuple[Hop, ...]
    level: Level
    origin: Origin
    tables: tuple[str, ...]
    answer_type: AnswerType
    reference: Answer | None = None
    """The executed reference; only queries of programs have one."""
    parents: tuple[str, ...] = ()
    misread: str | None = None
    """A misreading planted in every sample of the query (scripted model only): truth for audits."""
    template: str | None = None
    """The phrasing template or prompt it came from."""
    wave: int = 1
    wanted_hops: int = 1
    """What the plan asks for; the compose stage brings the query there."""
    wanted_category: str | None = None
    """Of a model's query that is to get more hops: the category that the plan asks for, the last hop's."""

    @property
    def verified(self) -> bool:
        return self.reference is not None


# --- trajectories -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    """system, user or assistant."""
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them. None is unknown, never zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One assistant message and what came of it."""

    text: str
    """The assistant's message, whole, as the model sent it."""
    thought: str | None
    code: str | None
    observation: str | None
    """What the model saw, with its <interpreter> tags; None on an answer."""
    status: str | None = None
    """The sandbox's TurnStatus, when code ran."""
    echo: str | None = None
    stdout_cut: int = 0
    """Characters that the observation leaves out."""
    finish_reason: str | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Trajectory:
    id: str
    query_id: str
    sample: int
    round: int
    """0 for the first samples, n for those of the n-th reflection."""
    prompt: tuple[Message, ...]
    """What is published: system and user message, without knowledge or critique."""
    turns: tuple[Turn, ...]
    stop: StopReason
    answer: str | None
    result_csv: str | None = None
    """The text of the result CSV that the answer names (database questions)."""
    model: str = ""
    served_model: str = ""
    sampling: tuple[tuple[str, Scalar], ...] = ()
    seed: int = 0
    isolation: str = ""
    faults: tuple[str, ...] = ()
    """Faults the scripted model planted: truth for audits, never shown to a judge or a rule."""
    error: str | None = None
    """What failed, when `stop` is a failure."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of a query's samples."""

    agree: bool
    method: str
    """rule, model, or rule+model."""
    best: int | None
    """An index into the group's trajectories."""
    agreeing: tuple[int, ...]
    """The indices that say the same, best first."""
    margin: float
    """The share of answered samples in the largest group."""
    reasoning: str = ""
    error: str | None = None
    """A judge that failed: never a wrong answer."""
    round: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A query with all that was sampled for it: the unit of judging and reflecting."""

    id: str
    query: Query
    trajectories: tuple[Trajectory, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The last verdict, if any."""
        return self.verdicts[-1] if self.verdicts else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One trajectory with its query and verdict: the unit of filtering."""

    id: str
    query: Query
    trajectory: Trajectory
    verdict: Verdict
    isolation: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A published row of `sft`."""

    id: str
    question: str
    messages: tuple[Message, ...]
    files: tuple[str, ...]
    format: FileFormat
    category: str
    hops: int
    level: Level
    answer: str
    origin: Origin
    verified: bool
    lineage: str
    """JSON text."""


# --- the codec ----------------------------------------------------------------------------------


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> str:
    """JSON text of a row: sorted keys, no spaces, and so fit for hashing."""
    plain = _adapter(type(value)).dump_python(value, mode="json")
    return dump_json(plain)


def decode(kind: type[T], text: str) -> T:
    """The row that `encode` wrote. Raises pydantic.ValidationError."""
    row: T = _adapter(kind).validate_json(text)
    return row


def dump_json(plain: Any) -> str:
    """Canonical JSON: the form that is hashed and published."""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_text(*parts: str) -> str:
    """A hex sha256 over the parts, each delimited."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()


def make_id(kind: str, *parts: str) -> str:
    """A row's id: its kind and 16 hex digits over what made it."""
    return f"{kind}-{hash_text(kind, *parts)[:16]}"


def seed_from(*parts: str) -> int:
    """A 63-bit seed that depends on the parts alone."""
    return int(hash_text(*parts)[:16], 16) >> 1
