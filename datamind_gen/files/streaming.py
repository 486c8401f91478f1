"""Describes tables too large to hold: DuckDB scans the file once, a sample from both ends is judged.

The layout, the notation and what columns mean come from the first megabytes and the last; counts,
ranges, moments and quantiles from all rows, in one pass and bounded memory. Distinct counts and
quantiles are approximate, and the profile says so.
"""

from __future__ import annotations

import codecs
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from datamind_gen.files.code import Recipe, TextColumn, plain_code
from datamind_gen.files.columns import QUANTILES, TOP, cut, describe_column, plain, rounded
from datamind_gen.files.dialect import Dialect, find_dialect
from datamind_gen.files.encoding import Encoding, find_encoding
from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.layout import find_tables
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.files.proof import run_code
from datamind_gen.files.semantics import Facts, judge
from datamind_gen.files.tables import MOST_COLUMNS
from datamind_gen.rows import Column, Decision, Issue, ReadPlan, Reason, Scalar, SemanticType

_HEAD = 3 << 20
_TAIL = 256 << 10
_CHUNK = 4 << 20
_FEW = 100
"""Distinct values in the sample up to which all of a column's values are counted."""
_MEMORY = "900MB"
_DUCKDB_ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "latin-1": "latin-1"}
_TYPES = {"int": "BIGINT", "float": "DOUBLE"}


@dataclass(frozen=True, slots=True)
class _Sample:
    """The ends of a large file, cut into records."""

    rows: list[list[str]]
    encoding: Encoding
    dialect: Dialect
    lines: list[int]
    """Physical lines up to the end of each record of the head."""
    text: str
    """The head, decoded."""


def stream_delimited(path: Path, part: str, name: str) -> Loaded:
    """The main table of a large delimited file. Raises FileError."""
    from datamind_gen.files.delimited import build_recipe, column_issues, decisions_of

    sample = _sample(path)
    layouts = find_tables(sample.rows, most=1)
    if not layouts or not layouts[0].body:
        raise FileError(Reason.NO_TABLE, f"{part} holds no table that could be found")
    layout = layouts[0]
    recipe = build_recipe(part, sample.rows, layout, sample.dialect, sample.encoding)
    head = _head_frame(recipe, sample)
    footer = sum(1 for row in sample.rows[layout.end :] if row)
    with (
        _readable(path, sample, footer, len(sample.rows) - layout.end) as (readable, encoding),
        _connection() as connection,
    ):
        scan = _scan_csv(readable, recipe, sample, encoding)
        rows, columns, issues = _describe(connection, scan, recipe.columns, head, part)
    plan = ReadPlan(
        part=part,
        decisions=(
            *decisions_of(recipe, []),
            Decision("rows", f"{rows:,}", "counted in one pass over the whole file"),
        ),
        pandas=plain_code(replace(recipe, trailing=footer > 0), rows),
        duckdb=None if footer else scan.replace(_quoted(str(readable)), _quoted(shown_path(part))),
        raw_works=False,
    )
    found = [Issue("streamed", "distinct counts and quantiles are approximate", rows=rows), *issues]
    found += [issue for column in recipe.columns[:MOST_COLUMNS] for issue in column_issues(column)]
    return Loaded(
        name=name, plan=plan, frame=head, rows=rows, issues=tuple(found), columns=columns,
        confidence=layout.confidence * sample.encoding.confidence, width=len(recipe.columns),
    )  # fmt: skip


def stream_parquet(path: Path, name: str, plan: ReadPlan) -> Loaded:
    """A large Parquet file's table, by one scan."""
    scan = f"read_parquet({_quoted(str(path))})"
    with _connection() as connection:
        arrow = connection.sql(f"SELECT * FROM {scan} LIMIT 20000").to_arrow_table()
        head = pl.DataFrame(pl.from_arrow(arrow))
        rows, columns, issues = _describe(connection, scan, None, head, plan.part)
    found = (Issue("streamed", "distinct counts and quantiles are approximate", rows=rows), *issues)
    return Loaded(
        name=name, plan=plan, frame=head, rows=rows, issues=found, columns=columns, width=head.width
    )


# --- the sample -----------------------------------------------------------------------------------


def _sample(path: Path) -> _Sample:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(_HEAD, size - _TAIL))
        tail = file.read()
    head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    tail = tail[tail.find(b"\n") + 1 :]
    encoding = find_encoding(head, whole=False)
    if encoding.name == "utf-8":
        encoding = _whole_utf8(path, encoding)
    text = head.decode(encoding.name, "replace").removeprefix("\ufeff")
    dialect = find_dialect(text)
    reader = dialect.rows(text)
    rows, lines = [], []
    for row in reader:
        rows.append(row)
        lines.append(reader.line_num)  # type: ignore[attr-defined]
    wide = encoding.name.startswith("utf-16")
    rows += list(dialect.rows("" if wide else tail.decode(encoding.name, "replace")))
    return _Sample(rows, encoding, dialect, lines, text)


def _whole_utf8(path: Path, encoding: Encoding) -> Encoding:
    """UTF-8, if the whole file is; else what the first bytes beyond it look like."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.isascii():
                continue
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return find_encoding(chunk, whole=False)
    return encoding


def _head_frame(recipe: Recipe, sample: _Sample) -> pl.DataFrame:
    """The head as the plan's code loads it: proof that the code runs, and the sample to judge from."""
    layout = recipe.layout
    body = tuple(place for place in layout.body if place < len(sample.lines))
    part = replace(recipe, layout=replace(layout, body=body), trailing=True, encoding=Encoding("utf-8", ""))
    with tempfile.TemporaryDirectory(prefix="head-") as scratch:
        file = Path(scratch) / "head"
        file.write_text(sample.text, encoding="utf-8", newline="")
        try:
            return to_polars(run_code(plain_code(part, len(body)), {recipe.part: file}))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            detail = f"{recipe.part}: the plan does not load the file's head: {type(error).__name__}: {error}"
            raise FileError(Reason.LOW_CONFIDENCE, detail[:300]) from error


@contextmanager
def _readable(path: Path, sample: _Sample, footer: int, behind: int) -> Iterator[tuple[Path, str]]:
    """The file as DuckDB can read it: itself, or a UTF-8 copy without its footer."""
    known = _DUCKDB_ENCODINGS.get(sample.encoding.name)
    if known and not footer and sample.encoding.errors == "strict":
        yield path, known
        return
    with tempfile.TemporaryDirectory(prefix="transcoded-") as scratch:
        copy = Path(scratch) / "data.csv"
        if shutil.disk_usage(scratch).free < 2 * path.stat().st_size:
            raise FileError(
                Reason.READER_LIMIT, f"{path.name}: no disk space to transcode {path.stat().st_size:,} bytes"
            )
        with (
            path.open(encoding=sample.encoding.name, errors="replace", newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            shutil.copyfileobj(source, target, _CHUNK)
        if footer:
            _cut_lines(copy, behind)
        yield copy, "utf-8"


def _cut_lines(path: Path, count: int) -> None:
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        start = max(0, size - _TAIL)
        file.seek(start)
        lines = file.read().splitlines(keepends=True)
        file.truncate(size - sum(map(len, lines[-count:])))


# --- the scan -------------------------------------------------------------------------------------


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="scan-") as scratch:
        connection = duckdb.connect(":memory:", config={"memory_limit": _MEMORY, "temp_directory": scratch})
        try:
            connection.execute("SET preserve_insertion_order = false")
            yield connection
        finally:
            connection.close()


def _scan_csv(path: Path, recipe: Recipe, sample: _Sample, encoding: str) -> str:
    """A read_csv call that reads what the plan says, in the types that the sample shows."""
    layout, dialect = recipe.layout, recipe.dialect
    first = layout.body[0]
    skip = sample.lines[first - 1] if first else 0
    types = ", ".join(f"{_quoted(column.name)}: '{_type(column)}'" for column in recipe.columns)
    nulls = sorted(set().union(*(column.null_tokens for column in recipe.columns)) | {""})
    options = [
        "auto_detect = false", "header = false", f"skip = {skip}", f"columns = {{{types}}}",
        f"delim = {_quoted(dialect.delimiter)}", f"quote = {_quoted(dialect.quote or '')}",
        f"escape = {_quoted(dialect.escape or dialect.quote or '')}",
        f"nullstr = [{', '.join(map(_quoted, nulls))}]", "null_padding = true", "strict_mode = false",
    ]  # fmt: skip
    if encoding != "utf-8":
        options.append(f"encoding = '{encoding}'")
    dates = {c.notation.date_format for c in recipe.columns if _type(c) == "DATE"}
    stamps = {c.notation.date_format for c in recipe.columns if _type(c) == "TIMESTAMP"}
    if len(dates) == 1:
        options.append(f"dateformat = {_quoted(str(dates.pop()))}")
    if len(stamps) == 1:
        options.append(f"timestampformat = {_quoted(str(stamps.pop()))}")
    return f"read_csv({_quoted(str(path))}, {', '.join(options)})"


def _type(column: TextColumn) -> str:
    notation = column.notation
    if notation.is_plain_number and not notation.strays:
        return _TYPES[notation.kind]
    if notation.kind == "date" and notation.date_format and not notation.strays:
        return "TIMESTAMP" if "%H" in notation.date_format else "DATE"
    return "VARCHAR"


def _describe(
    connection: duckdb.DuckDBPyConnection,
    scan: str,
    texts: Sequence[TextColumn] | None,
    head: pl.DataFrame,
    part: str,
) -> tuple[int, tuple[Column, ...], list[Issue]]:
    """Rows, columns and issues, from one pass; from a tolerant one where the sample's types do not hold."""
    names = head.columns[:MOST_COLUMNS]
    firsts = {name: describe_column(head[name]) for name in names}
    try:
        return (*_one_pass(connection, scan, names, texts, firsts, head, loose=False), [])
    except duckdb.OutOfMemoryException as error:
        raise FileError(Reason.READER_LIMIT, f"{part} needs more memory than {_MEMORY}: {error}") from error
    except duckdb.Error as error:
        first = str(error).splitlines()[0][:160]
    tolerant = scan.replace("'BIGINT'", "'VARCHAR'").replace("'DOUBLE'", "'VARCHAR'")
    tolerant = tolerant.replace("'DATE'", "'VARCHAR'").replace("'TIMESTAMP'", "'VARCHAR'")
    tolerant = tolerant.replace(
        "null_padding = true", "null_padding = true, ignore_errors = true, parallel = false"
    )
    doubt = Issue("bad_values", f"rows beyond the sample do not fit its types: {first}")
    try:
        return (*_one_pass(connection, tolerant, names, texts, firsts, head, loose=True), [doubt])
    except duckdb.Error as error:
        raise FileError(
            Reason.CORRUPT, f"{part} cannot be scanned: {str(error).splitlines()[0][:200]}"
        ) from error


def _one_pass(
    connection: duckdb.DuckDBPyConnection,
    scan: str,
    names: Sequence[str],
    texts: Sequence[TextColumn] | None,
    firsts: dict[str, Column],
    head: pl.DataFrame,
    *,
    loose: bool,
) -> tuple[int, tuple[Column, ...]]:
    known = {column.name: column for column in texts or ()}
    asked: list[str] = ["count(*)"]
    plans = []
    for name in names:
        expression = _expression(name, known.get(name), loose=loose)
        wanted = _aggregates(expression, firsts[name])
        plans.append((name, len(asked), list(wanted)))
        asked += wanted.values()
    row = connection.execute(f"SELECT {', '.join(asked)} FROM {scan}").fetchone()
    assert row is not None
    total = int(row[0])
    columns = []
    for name, start, keys in plans:
        found = dict(zip(keys, row[start : start + len(keys)], strict=True))
        columns.append(_column(firsts[name], head[name], found, total, known.get(name)))
    return total, tuple(columns)


def _expression(name: str, text: TextColumn | None, *, loose: bool) -> str:
    """The column's value in SQL, in the type that the plan loads it in."""
    quoted = '"' + name.replace('"', '""') + '"'
    if text is None or (not loose and _type(text) != "VARCHAR"):
        return quoted
    notation = text.notation
    if notation.kind in ("int", "float"):
        value = quoted
        if notation.parentheses:
            value = f"regexp_replace({value}, '^\\((.*)\\)$', '-\\1')"
        for sign in (*notation.strip, *([notation.thousands] if notation.thousands else [])):
            value = f"replace({value}, {_quoted(sign)}, '')"
        if notation.decimal != ".":
            value = f"replace({value}, '{notation.decimal}', '.')"
        return f"try_cast({value} AS DOUBLE)"
    if notation.kind == "date" and notation.date_format:
        return f"try_strptime({quoted}, {_quoted(notation.date_format)})"
    if notation.kind == "boolean":
        return f"try_cast({quoted} AS BOOLEAN)"
    return quoted


def _aggregates(value: str, first: Column) -> dict[str, str]:
    if first.dtype in ("nested", "other"):
        return {"count": f"count({value})"}
    wanted = {"count": f"count({value})", "distinct": f"approx_count_distinct({value})"}
    if first.dtype in ("int", "float"):
        number = f"CASE WHEN isfinite({value}) THEN {value} END" if first.dtype == "float" else value
        quantiles = ", ".join(map(str, QUANTILES))
        wanted |= {
            "minimum": f"min({number})", "maximum": f"max({number})", "mean": f"avg({number})",
            "std": f"stddev_samp({number})", "quantiles": f"approx_quantile({number}, [{quantiles}])",
            "zeros": f"count_if({value} = 0)", "negatives": f"count_if({value} < 0)",
        }  # fmt: skip
        if first.dtype == "float":
            wanted["integral"] = f"bool_and({number} = trunc({number}))"
    else:
        wanted |= {"minimum": f"min({value})", "maximum": f"max({value})"}
    if first.distinct <= _FEW and first.count:
        wanted["histogram"] = f"histogram({value})"
    return wanted


def _column(
    first: Column, values: pl.Series, found: dict[str, object], total: int, text: TextColumn | None
) -> Column:
    count = int(str(found["count"]))
    histogram = found.get("histogram")
    pairs = list(histogram.items()) if isinstance(histogram, dict) else []
    distinct = len(pairs) if pairs else min(int(str(found.get("distinct", count))), count)
    if first.count and first.distinct == first.count and distinct > 0.95 * count:
        distinct = count  # unique in the sample, and within the error of the estimate in all
    quantiles = found.get("quantiles")
    top = sorted(((plain(value), int(n)) for value, n in pairs), key=lambda pair: (-pair[1], str(pair[0])))[
        :TOP
    ]
    minimum, maximum = plain(found.get("minimum")), plain(found.get("maximum"))
    integral = first.dtype == "int" or bool(found.get("integral"))
    facts = Facts(
        name=first.name, dtype=first.dtype, rows=total, count=count, distinct=distinct, integral=integral,
        minimum=minimum, maximum=maximum, sample=_spread(values, pairs),
        unit=text.notation.unit if text else None,
        ascending=first.kind is SemanticType.IDENTIFIER,
    )  # fmt: skip
    kind = judge(facts) if first.dtype in ("int", "float", "string") else first.kind
    return replace(
        first, kind=kind, count=count, nulls=total - count, distinct=distinct, distinct_exact=bool(pairs),
        minimum=cut(minimum), maximum=cut(maximum), mean=rounded(found.get("mean")),
        std=rounded(found.get("std")),
        quantiles=tuple(float(value) for value in quantiles) if isinstance(quantiles, list) else (),
        skew=None, zeros=_whole(found.get("zeros")), negatives=_whole(found.get("negatives")),
        integral=integral,
        top=tuple(top) if pairs and len(pairs) < count else (),
    )  # fmt: skip


def _spread(values: pl.Series, pairs: list[tuple[object, object]]) -> tuple[Scalar, ...]:
    if pairs or values.dtype != pl.String:
        return tuple(plain(value) for value, _ in pairs[:200])
    return tuple(values.drop_nulls().unique(maintain_order=True).head(300).to_list())


def _whole(value: object) -> int | None:
    return int(str(value)) if value is not None else None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
