"""A data file, its profile, and the plan that reads each of its tables right."""

from __future__ import annotations

from dataclasses import dataclass

from datamind_gen.rows.vocabulary import FileFormat, Scalar, SemanticType


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
