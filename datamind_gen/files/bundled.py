"""Real tables that need no network: public-domain data that ships inside statsmodels, as ordinary files.

CSVs are copied byte for byte, with their traps (`;`, tabs, quoted names). Workbooks, databases, Parquet
and JSON are built from the same tables (`bundled_tables.py`): coded columns decoded where the data set's
own notes document the codes, databases cut along keys that the data truly have. The same library
versions give the same bytes. No data set whose author keeps the rights is among them.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from datamind_gen.files import bundled_tables as tables
from datamind_gen.files.errors import FileError
from datamind_gen.rows import Reason

LICENSE = "public domain"
VERSION = 1
"""Raised when a built file's content changes."""
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundled:
    """A file of the bundle: its name, and what writes it to a path."""

    name: str
    write: Callable[[Path], None]

    @property
    def format(self) -> str:
        return self.name.rsplit(".", 1)[1]


def bundled_files(which: str, work: Path) -> list[tuple[Path, str]]:
    """Paths and licences of `all` bundled files, those of a format (`xlsx`), or one by name.

    Built under `work` once. Raises FileError(UNREADABLE) for a name that the bundle does not have.
    """
    wanted = [one for one in CATALOGUE if which in ("all", one.format, one.name)]
    if not wanted:
        formats = sorted({one.format for one in CATALOGUE})
        names = ", ".join(one.name for one in CATALOGUE)
        raise FileError(
            Reason.UNREADABLE,
            f"bundled: {which!r} is neither all, a format ({', '.join(formats)}) nor one of {names}",
        )
    folder = work / f"bundled-{_state()}"
    return [(_built(one, folder), LICENSE) for one in wanted]


def _built(one: Bundled, folder: Path) -> Path:
    path = folder / one.name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch) / one.name
            one.write(made)
            made.replace(path)
    return path


@cache
def _state() -> str:
    """What the built bytes depend on."""
    libraries = [f"{name}={version(name)}" for name in ("statsmodels", "pandas", "openpyxl", "pyarrow")]
    text = " ".join([str(VERSION), sqlite3.sqlite_version, *libraries])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _copy(relative: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        spec = find_spec("statsmodels")
        assert spec is not None
        assert spec.submodule_search_locations
        shutil.copyfile(Path(spec.submodule_search_locations[0]) / "datasets" / relative, path)

    return write


def _workbook(sheets: Callable[[], dict[str, pd.DataFrame]]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        plain = io.BytesIO()
        with pd.ExcelWriter(plain, engine="openpyxl") as writer:
            for name, frame in sheets().items():
                frame.to_excel(writer, sheet_name=name, index=False)
        _without_times(plain, path)

    return write


def _without_times(workbook: io.BytesIO, path: Path) -> None:
    """The same workbook, with neither the zip's nor the document's time of writing."""
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            if name == "docProps/core.xml":
                continue
            content = source.read(name)
            if name in ("[Content_Types].xml", "_rels/.rels"):
                content = _without_core(content.decode()).encode()
            target.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content, zipfile.ZIP_DEFLATED)


def _without_core(text: str) -> str:
    start = text.find("docProps/core.xml")
    if start < 0:
        return text
    opening, closing = text.rfind("<", 0, start), text.find(">", start)
    return text[:opening] + text[closing + 1 :]


def _parquet(frame: Callable[[], pd.DataFrame]) -> Callable[[Path], None]:
    return lambda path: frame().to_parquet(path, index=False, compression="zstd")


def _records(frame: Callable[[], pd.DataFrame], *, lines: bool) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        text = frame().to_json(orient="records", lines=lines, date_format="iso", double_precision=12)
        if not lines:
            text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")

    return write


def _database(make: Callable[[], tables.Schema]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            for statement, name, frame in make():
                connection.execute(statement)
                marks = ", ".join("?" * frame.shape[1])
                rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
                connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
            connection.commit()
        finally:
            connection.close()

    return write


CATALOGUE: tuple[Bundled, ...] = (
    Bundled("state_crime_2009.csv", _copy("statecrime/statecrime.csv")),
    Bundled("firm_investment.csv", _copy("grunfeld/grunfeld.csv")),
    Bundled("us_economy_quarterly.csv", _copy("macrodata/macrodata.csv")),
    Bundled("travel_mode_choice.csv", _copy("modechoice/modechoice.csv")),
    Bundled("election_survey_codes.csv", _copy("anes96/anes96.csv")),
    Bundled("doctor_visits_codes.csv", _copy("randhie/randhie.csv")),
    Bundled("pacific_sea_temperature.csv", _copy("elnino/elnino.csv")),
    Bundled("sunspots_yearly.csv", _copy("sunspots/sunspots.csv")),
    Bundled("election_survey_1996.xlsx", _workbook(tables.election_sheets)),
    Bundled("intercity_travel.xlsx", _workbook(tables.travel_sheets)),
    Bundled("us_economy.xlsx", _workbook(tables.economy_sheets)),
    Bundled("firm_investment_by_decade.xlsx", _workbook(tables.firm_sheets)),
    Bundled("company_investment.sqlite", _database(tables.firm_schema)),
    Bundled("voters.sqlite", _database(tables.election_schema)),
    Bundled("travel_survey.sqlite", _database(tables.travel_schema)),
    Bundled("economy.sqlite", _database(tables.economy_schema)),
    Bundled("health_insurance.sqlite", _database(tables.health_schema)),
    Bundled("doctor_visits.parquet", _parquet(tables.health)),
    Bundled("co2_mauna_loa.parquet", _parquet(tables.co2)),
    Bundled("sea_temperature_monthly.parquet", _parquet(tables.sea_temperature)),
    Bundled("equipment_orders.parquet", _parquet(tables.equipment_orders)),
    Bundled("election_respondents.parquet", _parquet(tables.election)),
    Bundled("state_crime.json", _records(tables.state_crime, lines=False)),
    Bundled("firm_years.json", _records(tables.firms, lines=False)),
    Bundled("trip_options.jsonl", _records(tables.travel, lines=True)),
)
