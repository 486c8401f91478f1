"""Reads a found file and describes it: the one pass of work behind the read and the profile stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from datamind_gen.files.database import Database, read_duckdb, read_sqlite
from datamind_gen.files.delimited import read_delimited
from datamind_gen.files.errors import FileError
from datamind_gen.files.find import FoundFile
from datamind_gen.files.formats import Kind, identify
from datamind_gen.files.licenses import judge_license
from datamind_gen.files.packed import repacked, unpacked
from datamind_gen.files.parquet import read_parquet
from datamind_gen.files.plan import Loaded
from datamind_gen.files.records import read_records
from datamind_gen.files.relations import (
    ForeignKey,
    declared_relationships,
    infer_relationships,
    mark_references,
)
from datamind_gen.files.tables import MOST_COLUMNS, describe_table
from datamind_gen.files.workbook import read_workbook
from datamind_gen.rows import FileFormat, Issue, Profile, ReadPlan, Reason, Table, make_id
from datamind_gen.spec.publish import LicenseAction
from datamind_gen.spec.sources import ReadSettings


def profile_file(found: FoundFile, settings: ReadSettings | None = None) -> Profile:
    """What the file holds, within the settings' filters. Raises FileError."""
    settings = settings or ReadSettings()
    check_file(found, settings)
    return keep_tables(describe_file(found), settings)


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What the read stage says of a table: how to load it, and what comes of it."""

    table: str
    rows: int
    columns: int
    plan: ReadPlan
    confidence: float
    issues: tuple[Issue, ...]


def read_file(found: FoundFile, settings: ReadSettings | None = None) -> tuple[TablePlan, ...]:
    """The read plans of the file's tables, within the settings' filters. Raises FileError."""
    return plans_of(profile_file(found, settings))


def plans_of(profile: Profile) -> tuple[TablePlan, ...]:
    """The read stage's view of a profile."""
    return tuple(
        TablePlan(table.name, table.rows, table.column_count, table.plan, table.confidence, table.issues)
        for table in profile.tables
    )


def describe_file(found: FoundFile, *, all_columns: bool = False) -> Profile:
    """The unfiltered profile: depends on the file's content alone. Raises FileError.

    `all_columns` describes each column of a table that is not streamed, however many they are.
    """
    try:
        return _describe_file(found, MOST_COLUMNS if not all_columns else None)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's panics derive from BaseException
            raise
        detail = f"{found.file.name} is damaged: its reader panics: {error}"
        raise FileError(Reason.CORRUPT, detail) from error


def _describe_file(found: FoundFile, most_columns: int | None) -> Profile:
    parts = list(zip(found.file.parts, found.paths, strict=True))
    if len(parts) == 1:
        database = _read_part(parts[0][1], parts[0][0].name)
    else:
        read = [(part.name, partial(_read_part, path, part.name)) for part, path in parts]
        database = _together(read, found.file.name)
    return _profile(found, database, most_columns)


def _together(parts: Sequence[tuple[str, Callable[[], Database]]], name: str) -> Database:
    """Several files as one: what cannot be read is left out with an issue. Raises FileError when none can."""
    loaded: list[Loaded] = []
    keys: list[ForeignKey] = []
    issues: list[Issue] = []
    statements: list[str] = []
    for part, read in parts:
        try:
            database = read()
        except FileError as error:
            issues.append(Issue("unreadable_part", f"{part} is left out: {error.detail}"))
            continue
        prefix = f"{Path(part).stem}." if len(database.tables) > 1 else ""
        loaded += [_renamed(table, prefix) for table in database.tables]
        keys += [
            ForeignKey(prefix + k.child, k.child_columns, prefix + k.parent, k.parent_columns)
            for k in database.keys
        ]
        issues += database.issues
        statements.append(database.ddl)
    if not loaded:
        raise FileError(Reason.NO_TABLE, f"no file of {name} holds a table: {issues[0].detail}")
    ddl = "\n".join(text for text in statements if text)
    return Database(tuple(_named_apart(loaded)), tuple(keys), tuple(issues), ddl)


def _named_apart(tables: Sequence[Loaded]) -> list[Loaded]:
    """The tables, a second one of the same name with its number behind."""
    seen: Counter[str] = Counter()
    named = []
    for table in tables:
        seen[table.name] += 1
        again = seen[table.name] > 1
        named.append(replace(table, name=f"{table.name}_{seen[table.name]}") if again else table)
    return named


def check_file(found: FoundFile, settings: ReadSettings) -> None:
    """The filters that need no reading: size and licence. Raises FileError."""
    size = sum(part.size for part in found.file.parts)
    if settings.max_bytes is not None and size > settings.max_bytes:
        raise FileError(
            Reason.TOO_LARGE, f"{found.file.name} has {size:,} bytes; max_bytes is {settings.max_bytes:,}"
        )
    kind = judge_license(found.file.license)
    if settings.policy is LicenseAction.REFUSE and not kind.may_publish:
        raise FileError(
            Reason.LICENSE,
            f"{found.file.name} has the licence {found.file.license!r} ({kind.value}), "
            "and the policy is refuse: declare `license:` on the source, or choose `warn`",
        )


def keep_tables(profile: Profile, settings: ReadSettings) -> Profile:
    """The profile with the tables that pass the filters. Raises FileError when none does."""
    refusals = {table.name: refusal for table in profile.tables if (refusal := _refusal(table, settings))}
    if len(refusals) == len(profile.tables):
        reason, detail = refusals[profile.tables[0].name]
        raise FileError(reason, f"{profile.file.name}: {detail}")
    small = (Reason.TOO_FEW_ROWS, Reason.TOO_FEW_COLUMNS)
    kept = []
    issues = list(profile.issues)
    for table in profile.tables:
        refusal = refusals.get(table.name)
        if refusal is None or (profile.file.format.is_database and refusal[0] in small):
            kept.append(table)
        else:
            issues.append(Issue("table_left_out", refusal[1], rows=table.rows))
    names = {table.name for table in kept}
    relationships = tuple(one for one in profile.relationships if {one.child, one.parent} <= names)
    return Profile(
        id=profile.id, file=profile.file, tables=tuple(kept), relationships=relationships,
        issues=tuple(issues), ddl=profile.ddl, description=profile.description,
    )  # fmt: skip


def _refusal(table: Table, settings: ReadSettings) -> tuple[Reason, str] | None:
    low, high = settings.min_rows, settings.max_rows
    few, many = settings.min_columns, settings.max_columns
    where = f"table {table.name}"
    if table.confidence < settings.min_confidence:
        doubt = next(
            (issue.detail for issue in table.issues if issue.kind == "doubt"), "the layout is unclear"
        )
        return Reason.LOW_CONFIDENCE, f"{where} is read with confidence {table.confidence:.2f}: {doubt}"
    if table.rows < low:
        return Reason.TOO_FEW_ROWS, f"{where} has {table.rows:,} rows; min_rows is {low:,}"
    if high is not None and table.rows > high:
        return Reason.TOO_MANY_ROWS, f"{where} has {table.rows:,} rows; max_rows is {high:,}"
    if table.column_count < few:
        return Reason.TOO_FEW_COLUMNS, f"{where} has {table.column_count:,} columns; min_columns is {few:,}"
    if many is not None and table.column_count > many:
        return Reason.TOO_MANY_COLUMNS, f"{where} has {table.column_count:,} columns; max_columns is {many:,}"
    return None


def _read_part(path: Path, part: str) -> Database:
    """The tables of one file, or of each file in a zip. Raises FileError."""
    kind = identify(path)
    if not kind.members:
        return _read_kind(path, part, kind)
    return _together([(one.member, partial(_read_kind, path, part, one)) for one in kind.members], part)


def _read_kind(path: Path, part: str, kind: Kind) -> Database:
    with unpacked(path, kind, part) as plain:
        found = _read_plain(plain, part, kind)
    return replace(found, tables=tuple(repacked(table, kind, part) for table in found.tables))


def _read_plain(path: Path, part: str, kind: Kind) -> Database:
    stem = Path(kind.member or part.removesuffix(".gz")).stem
    match kind.format:
        case FileFormat.SQLITE:
            return read_sqlite(path, part)
        case FileFormat.DUCKDB:
            return read_duckdb(path, part)
        case FileFormat.PARQUET:
            return Database((read_parquet(path, part, stem),))
        case FileFormat.XLSX | FileFormat.XLS | FileFormat.ODS:
            book = read_workbook(path, part, kind.format)
            return Database(book.tables, issues=book.issues)
        case FileFormat.JSON | FileFormat.JSONL:
            return Database(tuple(read_records(path, part, stem, kind.format)))
        case _:
            return Database(tuple(read_delimited(path, part, stem)))


def _renamed(table: Loaded, prefix: str) -> Loaded:
    return replace(table, name=prefix + table.name) if prefix else table


def _profile(found: FoundFile, database: Database, most_columns: int | None) -> Profile:
    loaded = database.tables
    tables = tuple(describe_table(table, most_columns=most_columns) for table in loaded)
    frames: dict[str, pl.DataFrame] = {table.name: table.frame for table in loaded if table.columns is None}
    declared = declared_relationships(database.keys, frames)
    inferred = infer_relationships([table for table in tables if table.name in frames], frames, declared)
    return Profile(
        id=make_id("profile", found.file.id),
        file=found.file,
        tables=mark_references(tables, [*declared, *inferred]),
        relationships=(*declared, *inferred),
        issues=database.issues,
        ddl=database.ddl,
        description=_describe(found, tables),
    )


def _describe(found: FoundFile, tables: Sequence[Table]) -> str:
    if len(tables) == 1:
        return f"{found.file.name}: {tables[0].description}"
    listed = "; ".join(f"{table.name} ({table.rows:,} rows)" for table in tables[:12])
    more = f" and {len(tables) - 12} more" if len(tables) > 12 else ""
    return f"{found.file.name}: {len(tables)} tables: {listed}{more}"
