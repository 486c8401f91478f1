"""The closed sets that rows draw on: stages, reasons, formats, types, levels."""

from __future__ import annotations

from enum import StrEnum

Scalar = str | int | float | bool | None


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
