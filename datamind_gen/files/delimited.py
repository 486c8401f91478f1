"""Reads delimited text: encoding, dialect, layout and notation are found, and the plan is proven by running.

Files above `STREAMED` bytes go to `streaming.py`, which keeps nothing but a sample in memory.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from datamind_gen.files.beside import find_spans
from datamind_gen.files.code import Recipe, TextColumn, told_types, write_variants
from datamind_gen.files.columns import Hint
from datamind_gen.files.dialect import Dialect, find_dialect
from datamind_gen.files.encoding import Encoding, find_encoding
from datamind_gen.files.engines import duckdb_code, polars_code
from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.layout import Layout, find_tables
from datamind_gen.files.notation import Notation, find_notation
from datamind_gen.files.plan import Loaded
from datamind_gen.files.proof import differing, run_code
from datamind_gen.files.streaming import stream_delimited
from datamind_gen.rows import Decision, Issue, ReadPlan, Reason

STREAMED = 48 << 20
"""Bytes above which a file is described by streaming."""
_MOST_ERRORS = 3


def read_delimited(path: Path, part: str, name: str) -> list[Loaded]:
    """The tables of a delimited text file, the largest first. Raises FileError."""
    if path.stat().st_size > STREAMED:
        return [stream_delimited(path, part, name)]
    raw = path.read_bytes()
    encoding = find_encoding(raw)
    try:
        text = raw.decode(encoding.name, encoding.errors)
    except UnicodeDecodeError:
        encoding = Encoding(encoding.name, encoding.evidence, "replace", 0.6, bad_bytes=1)
        text = raw.decode(encoding.name, encoding.errors)
    del raw
    if not text.strip("\x00 \t\r\n\ufeff\x1a"):
        raise FileError(Reason.EMPTY, f"{part} holds nothing but white space")
    _refuse_binary(text, part)
    text = text.removeprefix("\ufeff")
    dialect = find_dialect(text)
    try:
        rows = list(dialect.rows(text))
    except csv.Error as error:
        raise FileError(Reason.CORRUPT, f"{part} cannot be cut into rows: {error}") from error
    layouts = find_tables(rows)
    beside = len(find_spans(rows))
    if beside > 1:
        layouts = [_doubted(layout, beside) for layout in layouts]
    if not layouts:
        raise FileError(Reason.NO_TABLE, f"{part} holds no table that could be found")
    tables = []
    for number, layout in enumerate(layouts):
        title = name if number == 0 else f"{name}_{number + 1}"
        tables.append(_table(path, part, title, rows, layout, dialect, encoding))
    return tables


def _doubted(layout: Layout, tables: int) -> Layout:
    doubt = f"{tables} tables stand side by side, parted by blank columns: they are read as one"
    return replace(layout, confidence=0.4 * layout.confidence, doubts=(*layout.doubts, doubt))


def _refuse_binary(text: str, part: str) -> None:
    sample = text[:20_000]
    odd = sum(
        1
        for sign in sample
        if (ord(sign) < 32 and sign not in "\t\r\n\x0b\x0c\x00\x1a\x1f\x01") or sign == "\ufffd"
    )
    if odd > 0.02 * len(sample) and odd > 4:
        raise FileError(
            Reason.UNSUPPORTED_FORMAT,
            f"{part} is no text: {odd} of its first {len(sample)} characters are binary",
        )


def _table(
    path: Path,
    part: str,
    name: str,
    rows: list[list[str]],
    layout: Layout,
    dialect: Dialect,
    encoding: Encoding,
) -> Loaded:
    recipe = build_recipe(part, rows, layout, dialect, encoding)
    frame, code, failures = _prove(recipe, path)
    frame, code, centuries = _right_centuries(recipe, frame, code)
    hints = {
        column.name: Hint(unit=column.notation.unit) for column in recipe.columns if column.notation.unit
    }
    alone = dialect == find_plain(dialect) and not failures
    raw_works = _raw_works(path, frame) if encoding.name.startswith("utf-8") and alone else False
    plan = ReadPlan(
        part=part,
        decisions=decisions_of(recipe, failures),
        pandas=code,
        polars=polars_code(recipe, path),
        duckdb=duckdb_code(recipe, path),
        raw_works=raw_works,
    )
    confidence = layout.confidence * encoding.confidence * _dialect_confidence(dialect)
    return Loaded(
        name=name, plan=plan, frame=to_polars(frame), hints=hints, confidence=confidence,
        issues=(*_issues(recipe, rows), *centuries),
    )  # fmt: skip


def find_plain(dialect: Dialect) -> Dialect:
    """The dialect with everything that default readers assume, for comparing."""
    return replace(dialect, delimiter=",", quote='"', escape=None, wrapped=False, skip_blanks=False)


def _dialect_confidence(dialect: Dialect) -> float:
    if dialect.score >= 0.6:
        return 1.0
    return 0.9 if dialect.score >= 0.4 else 0.75


def build_recipe(
    part: str, rows: list[list[str]], layout: Layout, dialect: Dialect, encoding: Encoding
) -> Recipe:
    cells = list(zip_longest(*(rows[place] for place in layout.body), fillvalue=""))
    cells += [("",) * len(layout.body)] * (layout.width - len(cells))
    counts = [Counter(column) for column in cells]
    notations = _notations(counts)
    columns = tuple(
        TextColumn(title, notation, values)
        for title, notation, values in zip(layout.names, notations, counts, strict=True)
    )
    inside = set(layout.body)
    first = layout.header[-1] + 1 if layout.header else (layout.body[0] if layout.body else 0)
    last = layout.body[-1] + 1 if layout.body else first
    dropped = tuple(place for place in range(first, last) if place not in inside and rows[place])
    trailing = any(row for row in rows[last:])
    header_width = len(rows[layout.header[-1]]) if layout.header else 0
    return Recipe(part, dialect, encoding, layout, columns, header_width, len(rows), dropped, trailing)


def _notations(counts: list[Counter[str]]) -> list[Notation]:
    notations = [find_notation(values) for values in counts]
    if any(notation.decimal == "," and notation.kind == "float" for notation in notations):
        # One column that can only be read with a decimal comma settles the doubtful ones.
        notations = [
            find_notation(values, decimal_comma=True) if notation.kind in ("int", "float") else notation
            for values, notation in zip(counts, notations, strict=True)
        ]
    return notations


def _prove(recipe: Recipe, path: Path) -> tuple[pd.DataFrame, str, list[str]]:
    """The first variant of the code that loads what the text says, with why the plainer ones do not."""
    failures: list[str] = []
    for code in write_variants(recipe):
        try:
            frame = run_code(code, {recipe.part: path})
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, csv.Error) as error:
            failures.append(f"{type(error).__name__}: {error}"[:120])
            continue
        wrong = differing(frame, recipe.columns, len(recipe.layout.body))
        if wrong is None:
            return frame, code, failures
        failures.append(wrong)
    raise FileError(
        Reason.LOW_CONFIDENCE, f"{recipe.part}: no reader loads what the text holds ({failures[-1]})"
    )


def _right_centuries(recipe: Recipe, frame: pd.DataFrame, code: str) -> tuple[pd.DataFrame, str, list[Issue]]:
    """Dates with two-digit years that a column of years puts a century earlier than Python does."""
    issues: list[Issue] = []
    short = [c.name for c in recipe.columns if "%y" in (c.notation.date_format or "")]
    years = [
        c.name
        for c in recipe.columns
        if c.notation.kind == "int" and frame[c.name].dropna().between(1000, 2200).all()
    ]
    for name in short:
        for year in years:
            off = frame[name].dt.year - frame[year]
            late = off.between(99, 101)
            if not late.any() or (late | off.between(-1, 1) | off.isna()).mean() < 0.95:
                continue
            line = (
                f"df.loc[df[{name!r}].dt.year - df[{year!r}] >= 99, {name!r}] -= pd.DateOffset(years=100)\n"
            )
            frame.loc[off >= 99, name] -= pd.DateOffset(years=100)
            detail = f"two-digit years: {year} says that they are a century earlier"
            issues.append(Issue("two_digit_years", detail, name, int(late.sum())))
            code += line
            break
        else:
            span = frame[name].dt.year.max() - frame[name].dt.year.min()
            if span > 60:
                detail = "two-digit years over a long time: the century is a guess"
                issues.append(Issue("two_digit_years", detail, name, int(frame[name].notna().sum())))
    return frame, code, issues


def _raw_works(path: Path, frame: pd.DataFrame) -> bool:
    try:
        return bool(pd.read_csv(path).equals(frame))
    except (ValueError, UnicodeError, pd.errors.ParserError):
        return False


# --- what the plan and the profile say ------------------------------------------------------------


def decisions_of(recipe: Recipe, failures: list[str]) -> tuple[Decision, ...]:
    """What the plan decided, each with its evidence."""
    layout, dialect = recipe.layout, recipe.dialect
    made = [
        Decision("encoding", recipe.encoding.name, recipe.encoding.evidence),
        Decision("delimiter", dialect.delimiter, dialect.evidence),
        Decision("quote", dialect.quote or "none", "cells that hold the delimiter are quoted with it"),
    ]
    if dialect.wrapped:
        made.append(Decision("wrapped lines", "yes", "each line is one quoted cell"))
    header = ", ".join(str(place + 1) for place in layout.header) or "none"
    made.append(Decision("header rows", header, "; ".join(layout.evidence[:1])))
    if layout.preamble:
        made.append(Decision("preamble", f"{layout.preamble} rows", "few cells, above the header"))
    if layout.footer or recipe.trailing:
        made.append(Decision("footer", f"{layout.footer} rows", "rows below that do not look like the data"))
    decimal_comma = [c.name for c in recipe.columns if c.notation.decimal == ","]
    if decimal_comma:
        made.append(Decision("decimal mark", ",", f"in {', '.join(decimal_comma[:4])}"))
    thousands = [c for c in recipe.columns if c.notation.thousands]
    if thousands:
        marks = " ".join(sorted({str(c.notation.thousands) for c in thousands}))
        made.append(Decision("thousands mark", marks, f"in {', '.join(c.name for c in thousands[:4])}"))
    nulls = sorted({token for c in recipe.columns for token in c.notation.nulls})
    if nulls:
        made.append(Decision("null tokens", " ".join(nulls[:8]), "stand among values of another kind"))
    made.append(Decision("types", told_types(recipe.columns), "all values of each column together"))
    dates = [c for c in recipe.columns if c.notation.date_format]
    made += [
        Decision("date format", str(c.notation.date_format), f"all values of {c.name}") for c in dates[:4]
    ]
    made += [Decision("not plainer", "", failure) for failure in failures[:_MOST_ERRORS]]
    return tuple(made)


def _issues(recipe: Recipe, rows: list[list[str]]) -> list[Issue]:
    layout, found = recipe.layout, []
    if recipe.encoding.double_encoded:
        found.append(
            Issue("double_encoded", "the text was encoded twice: accents come out as pairs of signs")
        )
    if recipe.encoding.bad_bytes:
        found.append(
            Issue("bad_bytes", "bytes that fit no encoding are replaced", rows=recipe.encoding.bad_bytes)
        )
    if any("\x00" in raw for column in recipe.columns[:200] for raw in column.values):
        found.append(Issue("nul_bytes", "cells hold NUL bytes"))
    if layout.preamble:
        found.append(Issue("preamble", "rows above the header are skipped", rows=layout.preamble))
    if layout.footer:
        example = next((cell for row in rows[layout.end :] for cell in row if cell.strip()), "")
        found.append(
            Issue("footer", "rows below the data are skipped", rows=layout.footer, example=example[:80])
        )
    if layout.repeated_headers:
        found.append(
            Issue("repeated_header", "the header comes again inside the data", rows=layout.repeated_headers)
        )
    if layout.blank_rows:
        found.append(Issue("blank_rows", "empty rows inside the data", rows=layout.blank_rows))
    if layout.ragged:
        example = str(rows[layout.ragged[0]])[:80]
        detail = "rows with another number of cells than most"
        found.append(Issue("ragged_rows", detail, rows=len(layout.ragged), example=example))
    if not layout.header:
        found.append(Issue("no_header", "the file has no header: names are made up"))
    found += [Issue("doubt", doubt) for doubt in layout.doubts]
    for column in recipe.columns:
        found += column_issues(column)
    return found


def column_issues(column: TextColumn) -> list[Issue]:
    """What a reader should know of how a column is written."""
    notation, name = column.notation, column.name
    found = []
    if notation.nulls:
        tokens = {raw: n for raw, n in column.values.items() if raw.strip() in notation.nulls}
        detail = f"{' '.join(sorted(set(notation.nulls)))} stand for no value"
        found.append(Issue("null_tokens", detail, name, sum(tokens.values()), min(tokens, default=None)))
    if notation.kind in ("int", "float") and not notation.is_plain_number:
        example = next((raw for raw in column.values if raw.strip() and not raw.strip().isdecimal()), None)
        found.append(Issue("numbers_as_text", "numbers written for people", name, column.count, example))
    if notation.strays:
        found.append(
            Issue(
                "bad_values",
                "values that are no number, lost on loading",
                name,
                notation.strays,
                notation.stray,
            )
        )
    if notation.mixed:
        rows, example = notation.mixed
        found.append(Issue("mixed_numbers", "numbers in a column that also holds words", name, rows, example))
    if notation.ambiguous_date:
        found.append(
            Issue(
                "ambiguous_dates",
                "day and month cannot be told apart: month first is assumed",
                name,
                column.count,
            )
        )
    if notation.code:
        found.append(Issue("codes", "digits that are a code, kept as text", name, column.count))
    if notation.null_like:
        detail = f"{' '.join(notation.null_like)} is a value here, and default readers take it for null"
        found.append(Issue("null_like_values", detail, name))
    return found
