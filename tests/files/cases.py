"""Labelled delimited files: what portals and people do to tables, each with the table that is really there.

A case is bytes and a truth (rows, columns, and names where they are beyond doubt). The defects are
written here one by one, over a few base tables of the kinds that public bodies publish; nothing in them
is tuned to a reader. Used by the tests and by `tests/bench/files.py`.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Rows = list[list[str]]


@dataclass(frozen=True)
class Case:
    """A file and the exact shape of the table in it."""

    name: str
    content: bytes
    rows: int
    columns: int
    names: tuple[str, ...] | None = None
    suffix: str = ".csv"


@dataclass(frozen=True)
class Base:
    """A clean table: header and body."""

    header: list[str]
    body: Rows

    @property
    def width(self) -> int:
        return len(self.header)


# --- base tables ----------------------------------------------------------------------------------

_TOWNS = (
    "Ashford", "Barnet", "Camden", "Dover", "Ealing", "Fareham", "Gosport", "Havant", "Ipswich", "Jarrow",
    "Kendal",
    "Luton", "Maldon", "Newham", "Oldham", "Poole", "Quorn", "Reading", "Slough", "Torbay", "Uckfield",
    "Ventnor",
    "Walsall", "Yeovil", "Bexley", "Corby", "Derby", "Exeter", "Fleet", "Grays", "Hove", "Ilford",
    "Keighley", "Leeds",
)  # fmt: skip
_SUPPLIERS = (
    "Acme Building Ltd",
    "Brown & Sons",
    "Capita, Business Services",
    "Delta Care",
    "Eastern Water plc",
)
_ACCENTED = ("Málaga", "Coruña", "Cádiz", "León", "Ávila", "Córdoba", "Jaén", "Almería", "Cáceres", "Logroño")
_GERMAN = (
    "München",
    "Köln",
    "Düsseldorf",
    "Nürnberg",
    "Saarbrücken",
    "Gießen",
    "Würzburg",
    "Lübeck",
    "Göttingen",
)


def spending(count: int = 40) -> Base:
    """Payments over a threshold, as councils publish them."""
    rng = random.Random(1)
    header = [
        "Department Family",
        "Entity",
        "Date",
        "Expense Type",
        "Supplier",
        "Transaction Number",
        "Amount",
    ]
    body = [
        [
            "Health", "Trust " + rng.choice(_TOWNS),
            f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/2012",
            rng.choice(["Agency", "Drugs", "Rent"]), rng.choice(_SUPPLIERS), str(rng.randint(10000, 99999)),
            f"{rng.randint(25, 900)},{rng.randint(100, 999)}.{rng.randint(10, 99)}",
        ]
        for _ in range(count)
    ]  # fmt: skip
    return Base(header, body)


def population(count: int = 30) -> Base:
    """A place and a figure a year: the header counts years."""
    rng = random.Random(2)
    header = ["Area", *map(str, range(2001, 2012))]
    return Base(
        header, [[_TOWNS[i], *(str(rng.randint(2000, 90000)) for _ in header[1:])] for i in range(count)]
    )


def register(count: int = 36) -> Base:
    """Words alone: a register of places and people."""
    rng = random.Random(3)
    header = ["School name", "Type", "Town", "Head teacher", "Open"]
    kinds = ["Primary", "Secondary", "Special"]
    body = [
        [f"{_TOWNS[i % 34]} {rng.choice(['Park', 'Hill', 'Road'])} School", rng.choice(kinds),
        rng.choice(_TOWNS[:8]),
         rng.choice(["Mrs", "Mr", "Dr"]) + " " + rng.choice(_TOWNS), rng.choice(["Yes", "No"])]
        for i in range(count)
    ]  # fmt: skip
    return Base(header, body)


def weather(count: int = 60) -> Base:
    """Dates and decimals."""
    rng = random.Random(4)
    header = ["date", "station", "tmax", "tmin", "rain"]
    body = [
        [f"2015-{1 + i // 28:02d}-{1 + i % 28:02d}", rng.choice(["S1", "S2"]), f"{rng.uniform(-5, 30):.1f}",
         f"{rng.uniform(-15, 15):.1f}", f"{rng.uniform(0, 40):.1f}"]
        for i in range(count)
    ]  # fmt: skip
    return Base(header, body)


def decimals(count: int = 30) -> Base:
    """Decimal commas, points for thousands."""
    rng = random.Random(5)
    header = ["Gemeinde", "Fläche", "Einwohner", "Schulden je Kopf"]
    body = [
        [f"{_GERMAN[i % 9]} {i}", f"{rng.uniform(1, 99):.2f}".replace(".", ","),
         f"{rng.randint(1, 99)}.{rng.randint(100, 999)}",
         f"{rng.randint(1, 9)}.{rng.randint(100, 999)},{rng.randint(10, 99)}"]
        for i in range(count)
    ]  # fmt: skip
    return Base(header, body)


# --- writing --------------------------------------------------------------------------------------


def text(
    rows: Sequence[Sequence[str]],
    *,
    delimiter: str = ",",
    end: str = "\n",
    quote: str = '"',
    all_quoted: bool = False,
) -> str:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=end, quotechar=quote, quoting=quoting).writerows(rows)
    return out.getvalue()


def padded(row: Sequence[str], width: int) -> list[str]:
    return [*row, *([""] * (width - len(row)))]


def _case(name: str, content: str | bytes, base: Base, *, rows: int | None = None, columns: int | None = None,
          names: Sequence[str] | None = None, encoding: str = "utf-8",
          suffix: str = ".csv") -> Case:  # fmt: skip
    raw = content if isinstance(content, bytes) else content.encode(encoding)
    named = base.header if names is None and columns is None else names
    return Case(name, raw, len(base.body) if rows is None else rows, columns or base.width,
                tuple(named) if named is not None else None, suffix)  # fmt: skip


# --- the defects ----------------------------------------------------------------------------------


def delimiters() -> list[Case]:
    found = []
    for name, mark in (
        ("comma", ","),
        ("semicolon", ";"),
        ("tab", "\t"),
        ("pipe", "|"),
        ("caret", "^"),
        ("tilde", "~"),
    ):
        for base in (spending(), register(), weather()):
            found.append(
                _case(
                    f"{name}-{base.header[0].split()[0].lower()}",
                    text([base.header, *base.body], delimiter=mark),
                    base,
                )
            )
    base = decimals()
    found.append(_case("semicolon-decimal-comma", text([base.header, *base.body], delimiter=";"), base))
    found.append(_case("tab-decimal-comma", text([base.header, *base.body], delimiter="\t"), base))
    base = weather()
    blanks = "\n".join("  ".join(row) for row in [base.header, *base.body]) + "\n"
    found.append(_case("white-space", blanks, base, suffix=".dat"))
    aligned = "\n".join("".join(cell.rjust(12) for cell in row) for row in [base.header, *base.body]) + "\n"
    found.append(_case("white-space-aligned", aligned, base, suffix=".txt"))
    base = spending()
    spaced = "\n".join(", ".join(f'"{cell}"' for cell in row) for row in [base.header, *base.body]) + "\n"
    found.append(_case("blank-after-comma-before-quote", spaced, base))
    found.append(_case("sep-hint", "sep=;\n" + text([base.header, *base.body], delimiter=";"), base))
    return found


def quotes() -> list[Case]:
    base = spending()
    rows = [base.header, *base.body]
    found = [
        _case("all-quoted", text(rows, all_quoted=True), base),
        _case("single-quotes", text(rows, quote="'", all_quoted=True), base),
    ]
    wrapped = "\n".join('"' + text([row], end="").replace('"', '""') + '"' for row in rows) + "\n"
    found.append(_case("lines-wrapped-in-quotes", wrapped, base))
    notes = Base(
        ["id", "title", "note"], [[str(i), f"Title {i}", f"first line\nsecond, line {i}"] for i in range(25)]
    )
    found.append(_case("newlines-in-cells", text([notes.header, *notes.body]), notes))
    inch = Base(["part", "size", "price"], [[f"Bolt {i}", f'{i}" long', f"{i}.50"] for i in range(1, 30)])
    found.append(_case("inch-marks-doubled", text([inch.header, *inch.body]), inch))
    raw = "\n".join(",".join(row) for row in [inch.header, *inch.body]) + "\n"
    found.append(_case("inch-marks-bare", raw, inch))
    escaped = "\n".join(
        ",".join('"' + cell.replace('"', '\\"') + '"' for cell in row) for row in [inch.header, *inch.body]
    )
    found.append(_case("backslash-escapes", escaped + "\n", inch))
    register_rows = register()
    unclosed = [list(row) for row in register_rows.body]
    lines = [",".join(row) for row in [register_rows.header, *unclosed]]
    lines[7] = '"' + lines[7]
    found.append(_case("one-unclosed-quote", "\n".join(lines) + "\n", register_rows))
    tabs = "\n".join("\t".join(row) for row in [inch.header, *inch.body]) + "\n"
    found.append(_case("inch-marks-in-tabs", tabs, inch, suffix=".tsv"))
    return found


def line_ends() -> list[Case]:
    base = weather()
    rows = [base.header, *base.body]
    return [
        _case("crlf", text(rows, end="\r\n"), base),
        _case("lone-cr", text(rows, end="\r"), base),
        _case("crcrlf", text(rows, end="\r\r\n"), base),
        _case("mixed-ends", text(rows[:20], end="\r\n") + text(rows[20:], end="\n"), base),
        _case("no-final-newline", text(rows).rstrip("\n"), base),
        _case("many-final-newlines", text(rows) + "\n\n\n\n", base),
        _case("blank-line-between-all", text(rows, end="\n\n"), base),
        _case("control-z-at-end", text(rows) + "\x1a", base),
    ]


def encodings() -> list[Case]:
    rng = random.Random(6)
    spanish = Base(
        ["Provincia", "Año", "Población"],
        [[rng.choice(_ACCENTED), "2010", str(rng.randint(10, 99999))] for _ in range(30)],
    )
    german = Base(
        ["Stadt", "Straße", "Höhe"], [[rng.choice(_GERMAN), f"Hauptstraße {i}", str(i)] for i in range(30)]
    )
    quotes_ = Base(
        ["item", "remark", "n"], [[f"No. {i}", f"the “best” one – it’s £{i}", str(i)] for i in range(30)]
    )
    russian = Base(
        ["Город", "Население"],
        [[rng.choice(["Москва", "Казань", "Омск", "Пермь"]) + f" {i}", str(i * 7)] for i in range(30)],
    )
    greek = Base(
        ["Πόλη", "Πληθυσμός"],
        [[rng.choice(["Αθήνα", "Πάτρα", "Λάρισα"]) + f" {i}", str(i * 3)] for i in range(30)],
    )
    japanese = Base(
        ["都道府県", "人口"],
        [[rng.choice(["東京都", "大阪府", "北海道", "福岡県"]) + f"{i}", str(i * 9)] for i in range(40)],
    )
    found = []
    for name, base, encoding in (
        ("utf8-bom", spanish, "utf-8-sig"), ("utf16-le", spanish, "utf-16"), ("utf16-be-no-bom", spanish,
        "utf-16-be"),
        ("cp1252-spanish", spanish, "cp1252"), ("latin1-german", german, "latin-1"), ("cp1252-punctuation",
        quotes_, "cp1252"),
        ("mac-roman-spanish", spanish, "mac_roman"), ("cp850-german", german, "cp850"), ("cp1251-russian",
        russian, "cp1251"),
        ("koi8-russian", russian, "koi8_r"), ("cp1253-greek", greek, "cp1253"), ("shift-jis", japanese,
        "cp932"),
    ):  # fmt: skip
        names = (
            base.header if name not in ("cp850-german", "koi8-russian", "cp1253-greek", "shift-jis") else None
        )
        found.append(Case(name, text([base.header, *base.body]).encode(encoding), len(base.body), base.width,
                          tuple(names) if names else None))  # fmt: skip
    mixed = text([spanish.header, *spanish.body]).encode() + "Cádiz,2011,5\n".encode("cp1252")
    found.append(Case("mixed-encodings", mixed, 31, 3, tuple(spanish.header)))
    doubled = text([spanish.header, *spanish.body]).encode().decode("cp1252", "replace").encode()
    found.append(Case("encoded-twice", doubled, 30, 3))
    return found


def preambles() -> list[Case]:
    found = []
    for base in (spending(), population(), register(), weather()):
        kind = base.header[0].split()[0].lower()
        rows = [base.header, *base.body]
        found += [
            _case(f"title-{kind}", "Report on the district\n" + text(rows), base),
            _case(f"title-blank-{kind}", "Report on the district\n\n" + text(rows), base),
            _case(
                f"title-padded-{kind}",
                text([padded(["Report on the district"], base.width), [""] * base.width, *rows]),
                base,
            ),
            _case(
                f"key-values-{kind}",
                text(
                    [
                        ["Publisher:", "City Council"],
                        ["Period:", "2012"],
                        ["Contact:", "data@city.example"],
                        [],
                        *rows,
                    ]
                ),
                base,
            ),
        ]
    base = weather()
    rows = [base.header, *base.body]
    comments = "".join(f"# comment line {i}, with a comma\n" for i in range(12))
    found.append(_case("hash-comments", comments + text(rows), base))
    long = "".join(
        f"Line {i} of the description of the instrument and how it was set up\n" for i in range(23)
    )
    found.append(_case("long-preamble", long + text(rows), base))
    found.append(_case("long-preamble-semicolon", long + text(rows, delimiter=";"), base))
    found.append(
        _case(
            "title-with-commas",
            "Crime, disorder, and fire in the city, 2012\n" + text(rows, delimiter=";"),
            base,
        )
    )
    found.append(_case("leading-blank-rows", "\n\n,,,,\n" + text(rows), base))
    return found


def footers() -> list[Case]:
    found = []
    for base in (spending(), population(), register()):
        kind = base.header[0].split()[0].lower()
        rows, width = [base.header, *base.body], base.width
        found += [
            _case(f"source-{kind}", text(rows) + "\nSource: Office of Statistics\n", base),
            _case(
                f"notes-padded-{kind}",
                text(
                    [
                        *rows,
                        [""] * width,
                        padded(["Notes: figures are provisional."], width),
                        padded(["(1) Estimated."], width),
                    ]
                ),
                base,
            ),
            _case(
                f"notes-touching-{kind}", text(rows) + '"Note: includes those who moved, and others."\n', base
            ),
            _case(f"trailing-delimiter-rows-{kind}", text([*rows, *([[""] * width] * 60)]), base),
        ]
    base = population()
    rows = [base.header, *base.body]
    totals = [*rows, ["Total", *["1000000"] * 11]]
    found.append(_case("total-row-is-data", text(totals), base, rows=31))
    found.append(_case("end-of-report", text(rows) + "*** End of report ***\n", base))
    few = spending(5)
    found.append(
        _case(
            "five-rows-then-blank", text([few.header, *few.body, *([[""] * few.width] * 97)], end="\r\n"), few
        )
    )
    both = text([["Quarterly figures"], []]) + text(rows) + "\nSource: council\nContact: 555 1234\n"
    found.append(_case("preamble-and-footer", both, base))
    return found


def headers() -> list[Case]:
    rng = random.Random(7)
    found = []
    places = list(_TOWNS[:28])
    figures = [[place, *(str(rng.randint(10, 9999)) for _ in range(6))] for place in places]
    two = [["", "Male", "", "", "Female", "", ""], ["Area", "2010", "2011", "2012", "2010", "2011", "2012"]]
    found.append(Case("two-row-header", text([*two, *figures]).encode(), 28, 7))
    found.append(
        Case("two-row-header-titled", text([["Table 4: people by sex"], [], *two, *figures]).encode(), 28, 7)
    )
    three = [["", "Income", "", "", "Spending", "", ""], ["", "low", "middle", "high", "low", "middle",
    "high"],
             ["Area", "£", "£", "£", "£", "£", "£"]]  # fmt: skip
    found.append(Case("three-row-header", text([*three, *figures]).encode(), 28, 7))
    base = weather()
    units = ["", "", "°C", "°C", "mm"]
    found.append(
        _case(
            "units-row",
            text([base.header, units, *base.body]),
            base,
            names=["date", "station", "tmax °C", "tmin °C", "rain mm"],
            columns=5,
        )
    )
    describing = ["day of measurement", "code of the station", "highest", "lowest", "sum of the day"]
    found.append(_case("description-row", text([base.header, describing, *base.body]), base, columns=5))
    survey = register(80)
    answers = ["", "Response", "Response", "Response", "Response"]
    rows = [[str(100 + i), *row[1:]] for i, row in enumerate(survey.body)]
    found.append(
        Case(
            "survey-response-row",
            text([["id", "Which type?", "Which town?", "Who?", "Open?"], answers, *rows]).encode(),
            80,
            5,
        )
    )
    found.append(Case("no-header-numbers", text(figures).encode(), 28, 7))
    base = weather()
    found.append(Case("no-header-dates", text(base.body).encode(), 60, 5))
    log = [[f"{i}", f"{rng.uniform(0, 9):.3f}", f"{rng.uniform(0, 9):.3f}"] for i in range(50)]
    found.append(Case("no-header-instrument", "\n".join("\t".join(row) for row in log).encode(), 50, 3))
    people = population()
    found.append(_case("years-in-header", text([people.header, *people.body]), people))
    found.append(
        _case(
            "years-in-header-quoted",
            text([people.header, *people.body], all_quoted=True, delimiter=";"),
            people,
        )
    )
    found.append(
        _case(
            "blank-first-name",
            text([["", *people.header[1:]], *people.body]),
            people,
            names=["Unnamed: 0", *people.header[1:]],
            columns=12,
        )
    )
    twice = [
        ["name", "value", "value", "value"],
        *[[place, str(i), str(i * 2), str(i * 3)] for i, place in enumerate(places)],
    ]
    found.append(
        Case("same-name-thrice", text(twice).encode(), 28, 4, ("name", "value", "value.1", "value.2"))
    )
    spend = spending(60)
    repeated = [
        spend.header,
        *spend.body[:20],
        spend.header,
        *spend.body[20:40],
        spend.header,
        *spend.body[40:],
    ]
    found.append(_case("header-repeated", text(repeated), spend))
    long = [f"Question {i}: how much, if at all, do you agree that things are “fine”?" for i in range(6)]
    found.append(
        Case(
            "question-long-names",
            text([long, *[[rng.choice(["Yes", "No", "Maybe"]) for _ in long] for _ in range(50)]]).encode(),
            50,
            6,
            tuple(long),
        )
    )
    codes = Base(["code", "name", "n"], [[f"{i:03d}", place, str(i * 3)] for i, place in enumerate(places)])
    found.append(_case("leading-zero-codes", text([codes.header, *codes.body]), codes))
    return found


def ragged() -> list[Case]:
    rng = random.Random(8)
    base = spending()
    short = [row[:-1] if i % 9 == 4 else row for i, row in enumerate(base.body)]
    found = [_case("short-rows", text([base.header, *short]), base)]
    trailing = "\n".join(line + "," for line in text([base.header, *base.body]).splitlines()) + "\n"
    found.append(_case("trailing-comma-everywhere", trailing, base, columns=8))
    body_only = text([base.header]) + "".join(line + ",\n" for line in text(base.body).splitlines())
    found.append(_case("trailing-comma-in-body", body_only, base, columns=8))
    plain = [[str(i), rng.choice(_TOWNS), str(rng.randint(1, 99))] for i in range(60)]
    plain[30].append("extra")
    found.append(Case("one-long-row", text([["id", "town", "n"], *plain]).encode(), 60, 4))
    wide = [[str(i), *(str(rng.randint(0, 9)) for _ in range(30))] for i in range(40)]
    wider = [[*row, *(str(rng.randint(0, 9)) for _ in range(60))] for row in wide[20:]]
    found.append(
        Case(
            "width-jumps", text([["id", *(f"m{i}" for i in range(30))], *wide[:20], *wider]).encode(), 40, 91
        )
    )
    sections: Rows = []
    for i, row in enumerate(population(30).body):
        if i % 10 == 0:
            sections.append([["NORTH", "SOUTH", "EAST"][i // 10], *[""] * 11])
        sections.append(row)
    found.append(Case("section-rows", text([population().header, *sections]).encode(), 33, 12))
    return found


def values() -> list[Case]:
    rng = random.Random(9)
    found = []
    for name, token in (
        ("dash", "-"),
        ("double-dot", ".."),
        ("stars", "**"),
        ("colon", ":"),
        ("n-a", "n/a"),
        ("suppressed-x", "x"),
    ):
        body = [
            [place, token if i % 5 == 2 else str(rng.randint(1, 500)), f"{rng.uniform(0, 9):.2f}"]
            for i, place in enumerate(_TOWNS)
        ]
        found.append(
            Case(
                f"null-{name}",
                text([["place", "count", "rate"], *body]).encode(),
                34,
                3,
                ("place", "count", "rate"),
            )
        )
    body = [
        [
            place,
            f"${rng.randint(1, 99)},{rng.randint(100, 999)}",
            f"{rng.uniform(1, 99):.1f}%",
            f"({rng.randint(1, 99)})",
        ]
        for place in _TOWNS
    ]
    found.append(
        Case("money-percent-parentheses", text([["place", "cost", "share", "change"], *body]).encode(), 34, 4)
    )
    iso = ["DE", "FR", "NA", "US", "GB", "IT", "ES", "NL", "BE", "AT", "PL", "SE"]
    found.append(
        Case(
            "namibia",
            text([["iso2", "gdp"], *[[code, str(i * 7)] for i, code in enumerate(iso)]]).encode(),
            12,
            2,
        )
    )
    one = [[place] for place in _TOWNS]
    found.append(Case("one-column", text([["town"], *one]).encode(), 34, 1, ("town",)))
    figures = [[str(rng.randint(1, 9)), str(rng.randint(1, 9))] for _ in range(3)]
    found.append(Case("three-rows", text([["a", "b"], *figures]).encode(), 3, 2, ("a", "b")))
    found.append(Case("nul-byte", b"a,b,c\n1,\x00,3\n4,5,6\n", 2, 3, ("a", "b", "c")))
    sparse = [[f"Scene {i}", *("TRUE" if rng.random() < 0.25 else "" for _ in range(12))] for i in range(70)]
    found.append(
        Case(
            "sparse-truths", text([["scene", *(f"person {i}" for i in range(12))], *sparse]).encode(), 70, 13
        )
    )
    return found


def portals() -> list[Case]:
    """What is seen in portals again and again, several defects at a time."""
    rng = random.Random(10)
    found = []
    places = list(_TOWNS[:28])
    spend, people, days, schools = spending(), population(), weather(), register()
    meta = [["Run date", "01/02/2012", "User", "abc"], ["Report", "Spend over 500"], []]
    found.append(_case("preamble-of-several-cells", text([*meta, spend.header, *spend.body]), spend))
    middle = [padded(["", "", "Payments to suppliers"], 7), [""] * 7]
    found.append(_case("title-in-the-middle", text([*middle, spend.header, *spend.body]), spend))
    metadata = [
        ["Station name", "Oxford", "", "", ""],
        ["Latitude", "51.76", "", "", ""],
        ["Longitude", "-1.26", "", "", ""],
        ["", "", "", "", ""],
    ]
    found.append(_case("metadata-padded-with-numbers", text([*metadata, days.header, *days.body]), days))
    note = "Note: figures include A, B, and those that were late, as well as C\n"
    found.append(_case("note-cut-at-commas", text([people.header, *people.body]) + "\n" + note, people))
    found.append(_case("note-cut-at-commas-touching", text([people.header, *people.body]) + note, people))
    found.append(
        _case(
            "title-cut-at-commas",
            "People, households, and dwellings in the area, by year, 2001 to 2011\n"
            + text([spend.header, *spend.body]),
            spend,
        )
    )
    found.append(
        _case("total-records-below", text([schools.header, *schools.body]) + "\nTotal records,36\n", schools)
    )
    broken = ["Department\nFamily", *spend.header[1:]]
    found.append(_case("newline-in-a-name", text([broken, *spend.body]), spend, columns=7))
    ruler = [["-" * 8] * 5]
    found.append(_case("ruler-under-names", text([days.header, *ruler, *days.body], delimiter="|"), days))
    shell = text([days.header, *ruler, *days.body], delimiter="\t") + "\n(60 rows affected)\n"
    found.append(_case("database-shell", shell, days, suffix=".txt"))
    numbered = [f"({i})" for i in range(1, 8)]
    found.append(
        _case("columns-numbered-below", text([spend.header, numbered, *spend.body]), spend, columns=7)
    )
    counted = [str(i) for i in range(1, 13)]
    found.append(
        _case("columns-counted-below", text([people.header, counted, *people.body]), people, columns=12)
    )
    ranges = ["Area", *(f"{year}/{(year + 1) % 100:02d}" for year in range(2001, 2012))]
    found.append(
        _case("financial-years-in-header", text([ranges, *people.body]), people, names=ranges, columns=12)
    )
    dashes = ["Area", *(f"{year}-{(year + 1) % 100:02d}" for year in range(2001, 2012))]
    found.append(
        _case(
            "year-ranges-in-header",
            text([["Table 1"], [], dashes, *people.body], delimiter=";"),
            people,
            names=dashes,
            columns=12,
        )
    )
    days_ahead = ["Area", *(f"{day:02d}/03/2012" for day in range(1, 12))]
    found.append(
        _case("dates-in-header", text([days_ahead, *people.body]), people, names=days_ahead, columns=12)
    )
    months = [
        "Area",
        *(
            f"{month}-10"
            for month in ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
        ),
    ]
    found.append(_case("months-in-header", text([months, *people.body]), people, names=months, columns=12))
    depths = ["Station", *(str(d) for d in range(0, 110, 10))]
    found.append(_case("depths-in-header", text([depths, *people.body]), people, names=depths, columns=12))
    partly = [*spend.header[:2], "", "", *spend.header[4:]]
    found.append(_case("some-names-blank", text([partly, *spend.body]), spend, columns=7))
    rnames = [[place, str(i), f"{rng.uniform(1, 9):.2f}"] for i, place in enumerate(places)]
    found.append(
        Case(
            "row-names-without-a-name",
            (text([["count", "rate"]]) + text(rnames)).encode(),
            28,
            3,
            ("Unnamed: 0", "count", "rate"),
        )
    )
    quoted = (
        text([["count", "rate"]], all_quoted=True, delimiter=" ")
        + "\n".join(f'"{a}" {b} {c}' for a, b, c in rnames)
        + "\n"
    )
    found.append(
        Case("row-names-quoted-blanks", quoted.encode(), 28, 3, ("Unnamed: 0", "count", "rate"), ".txt")
    )
    hashed = (
        "# instrument 7\n# operator: me\n"
        + "# time\tvolt\tampere\n"
        + "".join(f"{i}\t{i * 0.5}\t{i * 0.25}\n" for i in range(40))
    )
    found.append(Case("names-behind-hash", hashed.encode(), 40, 3, suffix=".dat"))
    stations = [[name, *(str(x) for x in line)] for name, line in (
        ("Station", [f"S{i}" for i in range(1, 21)]), ("Latitude",
        [f"{50 + i * 0.1:.1f}" for i in range(20)]),
        ("Longitude", [f"{-i * 0.1:.1f}" for i in range(20)]), ("Elevation", [str(i * 7) for i in range(20)]),
        ("Parameter", ["rain"] * 20), ("Unit", ["mm"] * 20),
    )]  # fmt: skip
    series = [[f"2012-01-{i:02d}", *(f"{rng.uniform(0, 9):.1f}" for _ in range(20))] for i in range(1, 31)]
    found.append(Case("station-metadata-header", text([*stations, *series], delimiter=";").encode(), 30, 21))
    groups: Rows = []
    for i, row in enumerate(people.body):
        if i % 10 == 0:
            groups += [[""] * 12, [["North", "Middle", "South"][i // 10], *[""] * 11]]
        groups.append(row)
    found.append(Case("group-labels-first", text([people.header, *groups[1:]]).encode(), 35, 12))
    late = [[*row[:5], "" if i < 12 else row[5], *row[6:]] for i, row in enumerate(spend.body)]
    found.append(_case("numbers-start-late", text([spend.header, *late]), spend))
    blank_start = [
        [place, "" if i < 6 else str(i), "" if i < 6 else str(i * 2)] for i, place in enumerate(places)
    ]
    found.append(
        Case(
            "first-rows-without-numbers",
            text([["place", "count", "rate"], *blank_start]).encode(),
            28,
            3,
            ("place", "count", "rate"),
        )
    )
    short = population(3)
    found.append(
        _case(
            "three-rows-under-six-lines",
            text(
                [
                    ["Title"],
                    ["Publisher", "Me"],
                    ["Date", "2012"],
                    ["Licence", "open"],
                    ["Area", "all"],
                    [],
                    short.header,
                    *short.body,
                ]
            ),
            short,
        )
    )
    one = population(1)
    found.append(_case("one-row", text([one.header, *one.body]), one))
    pages: Rows = []
    for start in range(0, 40, 10):
        pages += [padded(["Payments report"], 7), spend.header, *spend.body[start : start + 10]]
    found.append(_case("pages-with-titles", text(pages), spend))
    german = decimals()
    all_at_once = (
        "Statistik der Gemeinden\n\nStand: 31.12.2011\n"
        + text([german.header, *german.body], delimiter=";", end="\r\n")
        + "\r\nQuelle: Statistisches Amt\r\n"
    )
    found.append(_case("german-office", all_at_once, german, encoding="cp1252"))
    first_total = [["England", *(str(9_000_000 + i) for i in range(11))], *people.body]
    found.append(
        _case(
            "total-first",
            text([["Table 2: residents"], [""], people.header, *first_total], end="\r\n"),
            people,
            rows=31,
        )
    )
    keys = [
        ["Name", "Register of parks"],
        ["Owner", "City"],
        ["Phone", "555"],
        ["Email", "x@city.example"],
        ["Fax", "556"],
    ]
    found.append(Case("key-value-file", text([["key", "value"], *keys]).encode(), 5, 2))
    unit_below = [
        ["Area", "Births", "Deaths", "Rate"],
        ["", "number", "number", "per 1,000"],
        *[[p, str(rng.randint(9, 99)), str(rng.randint(9, 99)), f"{rng.uniform(1, 20):.1f}"] for p in places],
    ]
    found.append(
        Case(
            "units-below-titled",
            text(
                [
                    padded(["Vital statistics"], 4),
                    [""] * 4,
                    *unit_below,
                    [""] * 4,
                    padded(["Source: registrar"], 4),
                ]
            ).encode(),
            28,
            4,
        )
    )
    suppressed = [
        [
            p,
            rng.choice([str(rng.randint(5, 99)), str(rng.randint(5, 99)), "*", ".."]),
            rng.choice([str(rng.randint(5, 99)), ":"]),
        ]
        for p in _TOWNS
    ]
    found.append(
        Case(
            "suppressed-figures", text([["area", "a", "b"], *suppressed]).encode(), 34, 3, ("area", "a", "b")
        )
    )
    words = [
        [
            f"Policy {i}",
            rng.choice(["Agreed", "Open", "Rejected"]),
            f"Discussed at meeting {i}, with remarks",
            rng.choice(["Mr A", "Mrs B"]),
        ]
        for i in range(40)
    ]
    found.append(
        Case(
            "words-with-title-and-footer",
            (
                "Decisions of the board\n\n"
                + text([["Item", "State", "Remark", "Who"], *words])
                + "\nPage 1 of 1\n"
            ).encode(),
            40,
            4,
        )
    )
    office = "GENESIS-Tabelle: 12411\nGemeinden, Stichtag;;;\n" + text(
        [german.header, *german.body], delimiter=";"
    )
    notes = "__________\nErläuterungen ...\n(C)opyright Amt, 2012\nStand: 03.04.2012 / 10:00:00\n"
    found.append(_case("german-office-with-ruler", office + notes, german, encoding="latin-1"))
    odd_key = [
        ["XX" if i == 0 else str(i), p, rng.choice(["N/A", "12"]), "1.00"] for i, p in enumerate(places)
    ]
    found.append(
        Case("first-key-is-a-word", text([["post", "name", "cost", "fte"], *odd_key]).encode(), 28, 4)
    )
    units = [["Table 5"], ["", "", "", "", "£ million"], ["Year", "A", "B", "C", "Total"]]
    yearly = [[str(1990 + i), *(str(rng.randint(1, 999)) for _ in range(4))] for i in range(20)]
    found.append(Case("unit-in-the-corner", text([*units, *yearly]).encode(), 20, 5))
    named = [["Personal", "", "Work", ""], ["First", "Last", "Company", "City"]]
    staff = [
        [rng.choice(places), rng.choice(places), rng.choice(["Firm A", "Firm B"]), places[i % 5]]
        for i in range(40)
    ]
    found.append(Case("two-rows-of-words", text([*named, *staff]).encode(), 40, 4))
    unquoted_tail = (
        text([schools.header, *schools.body]) + ",,,,\n,,,,\nThis list is reviewed each year,,,,\n,,,,\n"
    )
    found.append(_case("footer-between-blank-rows", unquoted_tail, schools))
    return found


def several() -> list[Case]:
    """Two tables in a file: the larger one is the table."""
    people, days = population(), weather(12)
    content = text([people.header, *people.body]) + "\n\n" + text([days.header, *days.body])
    return [_case("two-stacked-tables", content, people)]


GENERATORS: tuple[Callable[[], list[Case]], ...] = (
    delimiters, quotes, line_ends, encodings, preambles, footers, headers, ragged, values, portals, several,
)  # fmt: skip


def all_cases() -> list[Case]:
    """Every labelled case, names unique."""
    cases = [case for generate in GENERATORS for case in generate()]
    assert len({case.name for case in cases}) == len(cases)
    return cases
