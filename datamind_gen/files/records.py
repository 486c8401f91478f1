"""Reads JSON and JSON Lines: an array of records, a document with one such array in it, or columns.

Nested objects become dotted columns (`json_normalize`), arrays stay nested. GeoJSON gives a row a
feature. Deeply nested documents are refused before the parser recurses.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import polars as pl

from datamind_gen.files.code import TextColumn, lines_for
from datamind_gen.files.columns import Hint
from datamind_gen.files.encoding import find_encoding
from datamind_gen.files.errors import FileError
from datamind_gen.files.frames import to_polars
from datamind_gen.files.notation import find_notation
from datamind_gen.files.plan import Loaded, shown_path
from datamind_gen.files.proof import run_code
from datamind_gen.rows import Decision, FileFormat, Issue, ReadPlan, Reason

_DEEPEST = 200
_MOST_COLUMNS = 5000
_UTF8 = ', encoding="utf-8"'


def read_records(path: Path, part: str, name: str, kind: FileFormat) -> list[Loaded]:
    """The tables of a JSON or JSON Lines file. Raises FileError."""
    raw = path.read_bytes()
    encoding = find_encoding(raw)
    text = raw.decode(encoding.name, "replace").removeprefix("\ufeff")
    _refuse_deep(text, part)
    named = "" if encoding.name in ("utf-8", "utf-8-sig") else f', encoding="{encoding.name}"'
    if encoding.name == "utf-8-sig":
        named = ', encoding="utf-8-sig"'
    if kind is FileFormat.JSONL:
        return [_lines(path, part, name, text, named)]
    try:
        document = json.loads(text)
    except ValueError as error:
        if _is_lines(text):
            return [_lines(path, part, name, text, named)]
        raise FileError(Reason.CORRUPT, f"{part} is no valid JSON: {error}") from error
    except RecursionError as error:
        raise FileError(Reason.CORRUPT, f"{part} nests too deep to be read") from error
    found = _tables(document)
    if not found:
        raise FileError(Reason.NO_TABLE, f"{part} is JSON without an array of records in it")
    return [
        _document(
            path,
            part,
            name if not place else f"{name}_{place[-1]}" if len(found) > 1 else name,
            place,
            form,
            named,
        )
        for place, form in found
    ]


def _refuse_deep(text: str, part: str) -> None:
    depth = deepest = 0
    for bracket in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', text):
        sign = bracket.group()
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > _DEEPEST:
                raise FileError(Reason.CORRUPT, f"{part} nests deeper than {_DEEPEST} levels")
        elif sign in "]}":
            depth -= 1


def _is_lines(text: str) -> bool:
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    return len(lines) > 1 and all(line.lstrip()[:1] == "{" and line.rstrip()[-1:] == "}" for line in lines)


def _tables(document: object) -> list[tuple[tuple[str, ...], str]]:
    """Where the tables of a document are: key paths, each with its form (records, rows or columns)."""
    if isinstance(document, list):
        form = _form(document)
        return [((), form)] if form else []
    if not isinstance(document, dict):
        return []
    found: list[tuple[tuple[str, ...], str]] = []
    for key, value in document.items():
        if isinstance(value, list) and (form := _form(value)) == "records" and len(value) > 1:
            found.append(((str(key),), form))
        elif isinstance(value, dict):
            for inner, deeper in value.items():
                if isinstance(deeper, list) and _form(deeper) == "records" and len(deeper) > 1:
                    found.append(((str(key), str(inner)), "records"))
    if found:
        return found
    if _are_columns(document):
        return [((), "columns")]
    values = list(document.values())
    if len(values) > 1 and all(isinstance(value, dict) for value in values):
        return [((), "index")]
    single = [key for key, value in document.items() if isinstance(value, list) and _form(value) == "records"]
    return [((str(single[0]),), "records")] if single else []


def _form(items: list[object]) -> str | None:
    if items and all(isinstance(item, dict) for item in items):
        return "records"
    if len(items) > 1 and all(isinstance(item, list) for item in items):
        return "rows"
    return None


def _are_columns(document: dict[str, object]) -> bool:
    values = list(document.values())
    if values and all(isinstance(value, list) for value in values):
        return len({len(value) for value in values if isinstance(value, list)}) == 1
    same = values and all(isinstance(value, dict) for value in values)
    return (
        bool(same)
        and len({tuple(value) for value in values if isinstance(value, dict)}) == 1
        and all(str(key).isdecimal() for value in values if isinstance(value, dict) for key in value)
    )


def _read_json(part: str, options: str) -> str:
    call = f"pd.read_json({shown_path(part)!r}{options}, dtype=False, convert_dates=False)"
    return f"import pandas as pd\n\ndf = {call}\n"


def _lines(path: Path, part: str, name: str, text: str, named: str) -> Loaded:
    count = sum(1 for line in text.splitlines() if line.strip())
    flat = _read_json(part, f", lines=True{named}")
    deep = (
        "import json\n\nimport pandas as pd\n\n"
        f"with open({shown_path(part)!r}{named or _UTF8}) as file:\n"
        "    df = pd.json_normalize([json.loads(line) for line in file if line.strip()])\n"
    )
    nested = False
    for line in text.splitlines()[:200]:
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError as error:
                raise FileError(Reason.CORRUPT, f"{part} has a line that is no JSON: {error}") from error
            nested |= isinstance(record, dict) and any(isinstance(value, dict) for value in record.values())
    codes = [deep] if nested else [flat, deep]
    return _prove(
        path, part, name, codes, count, Decision("form", "one record a line", "each line is an object")
    )


def _document(path: Path, part: str, name: str, place: tuple[str, ...], form: str, named: str) -> Loaded:
    opening = (
        "import json\n\nimport pandas as pd\n\n"
        f"with open({shown_path(part)!r}{named or _UTF8}) as file:\n    document = json.load(file)\n"
    )
    inner = "document" + "".join(f"[{key!r}]" for key in place)
    plain = _read_json(part, named)
    normal = f"{opening}df = pd.json_normalize({inner})\n"
    codes = {
        "records": [normal],
        "columns": [f"{opening}df = pd.DataFrame({inner})\n"],
        "index": [f"{opening}df = pd.DataFrame.from_dict({inner}, orient='index')\n"
                  "df = df.rename_axis('key').reset_index()\n"],
        "rows": [f"{opening}df = pd.DataFrame({inner}[1:], columns=[str(name) for name in {inner}[0]])\n",
                 f"{opening}df = pd.DataFrame({inner}).add_prefix('column_')\n"],
    }[form]  # fmt: skip
    if form == "records" and not place:
        codes = [plain, normal]
    where = "/".join(place) or "the whole document"
    return _prove(path, part, name, codes, None, Decision("form", form, f"found at {where}"))


def _prove(
    path: Path, part: str, name: str, codes: list[str], rows: int | None, decision: Decision
) -> Loaded:
    failure = ""
    for number, code in enumerate(codes):
        try:
            frame = run_code(code, {part: path})
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            OverflowError,
            RecursionError,
        ) as error:
            failure = f"{type(error).__name__}: {error}"[:150]
            continue
        frame = frame.reset_index(drop=True)
        nested = _holds_objects(frame)
        last = number == len(codes) - 1
        if (
            (nested and not last)
            or (rows is not None and len(frame) != rows)
            or frame.shape[1] > _MOST_COLUMNS
        ):
            failure = f"{frame.shape[0]} rows and {frame.shape[1]} columns do not fit the text"
            continue
        if frame.shape[1] == 0 or not all(isinstance(column, str) for column in frame.columns):
            failure = "columns without names"
            continue
        return _loaded(frame, part, name, code, decision)
    raise FileError(Reason.CORRUPT, f"{part} cannot be read as records: {failure}")


def _holds_objects(frame: pd.DataFrame) -> bool:
    return any(
        isinstance(value, dict) for name in frame for value in frame[name] if frame[name].dtype == object
    )


def _loaded(frame: pd.DataFrame, part: str, name: str, code: str, decision: Decision) -> Loaded:
    table = to_polars(frame)
    hints: dict[str, Hint] = {}
    issues: list[Issue] = []
    decisions = [decision]
    raw_works = code.count("\n") == 3
    for column in table.iter_columns():
        if column.dtype.is_nested():
            issues.append(Issue("nested", "arrays or objects in the cells", column.name))
        if column.dtype != pl.String:
            continue
        values = Counter(value for value in column.to_list() if value is not None)
        text = TextColumn(column.name, find_notation(values), values)
        statement = (
            lines_for([text])
            if text.notation.kind in ("int", "float", "date") and not text.null_tokens
            else ""
        )
        if not statement:
            continue
        scope: dict[str, object] = {"df": frame, "pd": pd}
        try:
            exec(statement, scope)
        except (ValueError, TypeError, AttributeError):
            continue
        code, raw_works = code + statement, False
        if text.notation.unit:
            hints[column.name] = Hint(unit=text.notation.unit)
        if text.notation.kind == "date":
            decisions.append(
                Decision("date format", str(text.notation.date_format), f"all values of {column.name}")
            )
        else:
            issues.append(
                Issue("numbers_as_text", "numbers written as strings", column.name, text.count, min(values))
            )
    plan = ReadPlan(part, tuple(decisions), code, raw_works=raw_works)
    return Loaded(name=name, plan=plan, frame=to_polars(frame), hints=hints, issues=tuple(issues))
