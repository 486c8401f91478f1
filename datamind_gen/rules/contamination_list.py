"""Lists of what must not be trained on: benchmark questions and tables, as hashes.

    python -m datamind_gen.rules dabench/ --out dabench.json

A list holds hashes only (of question n-grams, whole questions, header sets and files), so it can be published
without publishing the benchmark. Read are JSON and JSON Lines (texts under the usual question keys), CSV and
TSV (headers), SQLite (the headers of each table) and, of every file, its bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamind_gen.rows import hash_text

GRAM_WORDS = 8
QUESTION_KEYS = frozenset({"question", "query", "instruction", "prompt", "utterance", "task", "problem"})

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ContaminationList:
    name: str
    grams: frozenset[str]
    questions: frozenset[str]
    headers: frozenset[str]
    files: frozenset[str]

    def save(self, path: Path | str) -> None:
        plain = {
            "name": self.name,
            "gram_words": GRAM_WORDS,
            "grams": sorted(self.grams),
            "questions": sorted(self.questions),
            "headers": sorted(self.headers),
            "files": sorted(self.files),
        }
        Path(path).write_text(json.dumps(plain), encoding="utf-8")


def load_contamination_list(path: Path | str) -> ContaminationList:
    """A saved list. Raises ValueError, with the file's name."""
    try:
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
        if plain["gram_words"] != GRAM_WORDS:
            raise ValueError(f"n-grams of {plain['gram_words']} words, not {GRAM_WORDS}: build it again")
        parts = [frozenset(map(str, plain[key])) for key in ("grams", "questions", "headers", "files")]
        return ContaminationList(str(plain["name"]), *parts)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a contamination list: {error}") from error


def build_contamination_list(
    paths: Sequence[Path | str], *, name: str | None = None, question_keys: Iterable[str] = QUESTION_KEYS
) -> ContaminationList:
    """Reads files and folders into a list. Raises FileNotFoundError, and ValueError for unreadable JSON."""
    keys = frozenset(question_keys)
    grams: set[str] = set()
    questions: set[str] = set()
    headers: set[str] = set()
    files: set[str] = set()
    for path in _walk(paths):
        files.add(hashlib.sha256(path.read_bytes()).hexdigest())
        for question in _read_questions(path, keys):
            grams |= gram_hashes(question)
            questions.add(question_hash(question))
        headers.update(header_hash(header) for header in _read_headers(path) if len(header) > 2)
    label = name or ", ".join(Path(path).name for path in paths)
    return ContaminationList(
        label, frozenset(grams), frozenset(questions), frozenset(headers), frozenset(files)
    )


def question_hash(question: str) -> str:
    return hash_text(" ".join(_words(question)))[:16]


def gram_hashes(question: str) -> frozenset[str]:
    """Hashes of the question's 8-word sequences; none if it is shorter."""
    words = _words(question)
    return frozenset(hash_text(*words[i : i + GRAM_WORDS])[:16] for i in range(len(words) - GRAM_WORDS + 1))


def header_hash(names: Iterable[str]) -> str:
    """A hash of a set of column names, order and case aside."""
    return hash_text(*sorted(" ".join(_words(name)) for name in names))[:16]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _walk(paths: Sequence[Path | str]) -> Iterator[Path]:
    for given in map(Path, paths):
        if not given.exists():
            raise FileNotFoundError(f"{given}: no such file or folder")
        found = sorted(given.rglob("*")) if given.is_dir() else [given]
        yield from (path for path in found if path.is_file())


def _read_questions(path: Path, keys: frozenset[str]) -> Iterator[str]:
    suffix = path.suffix.lower()
    if suffix not in (".json", ".jsonl", ".ndjson"):
        return
    text = path.read_text(encoding="utf-8")
    try:
        documents = (
            [json.loads(text)]
            if suffix == ".json"
            else [json.loads(x) for x in text.splitlines() if x.strip()]
        )
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    for document in documents:
        yield from _find_questions(document, keys)


def _find_questions(value: Any, keys: frozenset[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and key.lower() in keys:
                yield inner
            else:
                yield from _find_questions(inner, keys)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_questions(inner, keys)


def _read_headers(path: Path) -> Iterator[list[str]]:
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            yield next(csv.reader(file, delimiter="\t" if suffix == ".tsv" else ","), [])
    elif suffix in (".sqlite", ".db", ".sqlite3"):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                yield [
                    row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
                ]
        finally:
            connection.close()
