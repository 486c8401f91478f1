"""A second set of publishers' exports, written after the first had taught the reader: did it learn, or cram?

As in `portals.py`: invented figures in real formats, shapes written down before any reader saw them.
"""

# The lines are the files': laid out by hand, some of them long.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import random

from tests.files.cases import Case, text
from tests.files.portals import Names

_COUNTIES = ("Antrim", "Carlow", "Cavan", "Clare", "Cork", "Derry", "Donegal", "Down", "Dublin", "Fermanagh", "Galway", "Kerry", "Kildare", "Kilkenny", "Laois", "Leitrim", "Limerick", "Longford", "Louth", "Mayo")


def _made(name: str, content: str, rows: int, columns: int, names: Names = None, *, encoding: str = "utf-8", suffix: str = ".csv") -> Case:
    return Case(name, content.encode(encoding), rows, columns, tuple(names) if names else None, suffix)


def more_portal_cases() -> list[Case]:
    """Every case, names unique."""
    rng = random.Random(201)
    whole = lambda n, low=100, high=9999: [str(rng.randint(low, high)) for _ in range(n)]  # noqa: E731
    tenth = lambda n: [f"{rng.uniform(0, 60):.1f}" for _ in range(n)]  # noqa: E731
    money = lambda n: [f"{rng.randint(1000, 999999):,}" for _ in range(n)]  # noqa: E731
    found = []
    # An exchange's history: title in the first row of cells, footer with the time of the download.
    head = ["Date", "Open", "High", "Low", "Close", "Volume"]
    rows = [[f"{rng.choice(['Jan', 'Feb', 'Mar'])} {i:02d}, 2021", *tenth(4), f"{rng.uniform(1, 9):.2f}M"] for i in range(1, 29)]
    found.append(_made("stock-history", text([head, *rows], all_quoted=True), 28, 6, head, encoding="utf-8-sig"))
    # A census table: three levels of header, the totals first, notes in brackets, footnotes numbered.
    heads = [["TABLE 3. Housing tenure by county", *[""] * 6], ["", *[""] * 6],
             ["County", "Owned", "", "", "Rented", "", ""], ["", "with", "without", "Total", "private", "social", "Total"],
             ["", "mortgage", "mortgage", "", "", "", ""]]
    body = [["State [1]", *money(6)], *[[c, *money(6)] for c in _COUNTIES]]
    notes = [["[1] Includes those not stated", *[""] * 6], ["Source: census of population", *[""] * 6]]
    found.append(_made("census-three-levels", text([*heads, *body, *notes]), 21, 7))
    # A ministry's quarterly list: header far down, a column counted on the left, the sum at the end, signatures.
    pre = [["", "Ministry of Transport", "", "", ""], ["", "Quarterly list of contracts, Q3/2019", "", "", ""], ["", "", "", "", ""]]
    head = ["No.", "Contractor", "Subject", "Value (EUR)", "Signed"]
    body = [[f"{i}.", f"Firm {i}, s.r.o.", rng.choice(["Road works", "IT services"]), f"{rng.randint(1, 99)} {rng.randint(100, 999)},{rng.randint(10, 99)}", f"{rng.randint(1, 28)}.{rng.randint(7, 9)}.2019"] for i in range(1, 41)]
    tail = [["", "", "", "", ""], ["", "Prepared by: J. Novák", "", "", ""], ["", "Date: 1.10.2019", "", "", ""]]
    found.append(_made("ministry-contracts", text([*pre, head, *body, *tail], delimiter=";", end="\r\n"), 40, 5, head, encoding="cp1250"))
    # An air quality network: stations across, units below, a flag column each, validity at the end.
    heads = [["Date", "Hour", "London Bloomsbury", "", "", "Leeds Centre", "", ""], ["", "", "Nitrogen dioxide", "status", "unit", "Nitrogen dioxide", "status", "unit"]]
    body = [[f"2019-03-{1 + i // 24:02d}", f"{i % 24 + 1:02d}:00", *tenth(1), "R", "ugm-3", *(["", "", ""] if i == 9 else [*tenth(1), "R", "ugm-3"])] for i in range(72)]
    found.append(_made("air-quality", text([["Air quality data"], ["Data supplied by the network on 4/3/2019"], ["All data GMT hour ending"], *heads, *body]), 72, 8))
    # A city's open data with an object in a cell, latin dashes, and a phone number with a leading plus.
    head = ["OBJECTID", "Nombre", "Teléfono", "Geo"]
    body = [[str(i), f"Farmacia {i} – “Sol”", f"+34 91 {rng.randint(1000000, 9999999)}", f'{{"type":"Point","coordinates":[{-3.7 + i / 1000:.4f},40.4]}}'] for i in range(1, 46)]
    found.append(_made("city-geojson-cells", text([head, *body]), 45, 4, head))
    # A lottery's archive: no header, semicolons, dates first, columns of numbers.
    body = [[f"{1 + i % 28:02d}.{1 + i // 28:02d}.2018", *sorted(whole(6, 1, 49), key=int), str(rng.randint(0, 9))] for i in range(100)]
    found.append(_made("lottery-no-header", text(body, delimiter=";"), 100, 8))
    # A tide gauge: semicolon with blanks around, no header, nulls as -99999.
    body_text = "".join(f" {1950 + i // 12}.{int((i % 12 + 0.5) / 12 * 10000):04d}; {rng.randint(6900, 7200)}; 0;000\n" if i % 17 else f" {1950 + i // 12}.{int((i % 12 + 0.5) / 12 * 10000):04d};-99999;99;000\n" for i in range(240))
    found.append(_made("tide-gauge", body_text, 240, 4, suffix=".rlrdata.txt"))
    # A university's grades: title with quotes and commas, a blank separator row under the header, totals.
    head = ["Faculty", "Enrolled", "Passed", "Rate"]
    body = [[f"Faculty of {n}", *whole(2), f"{rng.uniform(50, 99):.1f} %"] for n in ("Law", "Arts", "Medicine", "Science", "Music", "Theology", "Economics", "Engineering")]
    found.append(_made("grades-blank-under-header", text([['Results "A" levels, 2015, final', "", "", ""], head, ["", "", "", ""], *body, ["All", "9999", "8888", "88.9 %"]]), 9, 4, head))
    # A printed ledger: fixed widths, two words in names, parted by at least two blanks.
    ledger = "Account              Opening     Debit    Credit\n" + "".join(f"{f'Acct {i}':<16}{rng.randint(1, 9999):>12}{rng.randint(1, 999):>10}{rng.randint(1, 999):>10}\n" for i in range(100, 130))
    found.append(_made("ledger-fixed-width", ledger.replace("Acct ", "Acct_"), 30, 4, ["Account", "Opening", "Debit", "Credit"], suffix=".txt"))
    # An election office: header in capitals, candidates across in the second row, votes, dotted thousands.
    heads = [["DISTRICT", "REGISTERED", "VOTES CAST", "VALID", "PARTY", "", "", ""], ["", "", "", "", "SPD", "CDU", "GRÜNE", "FDP"]]
    body = [[f"{i:03d} Wahlkreis {i}", *[f"{rng.randint(10, 99)}.{rng.randint(100, 999)}" for _ in range(7)]] for i in range(1, 26)]
    found.append(_made("election-parties", text([*heads, *body], delimiter=";"), 25, 8, encoding="latin-1"))
    # A hospital audit: a percentage column of text nulls, ragged notes behind the cells.
    head = ["Trust Code", "Trust Name", "Waits <18wk", "Median (weeks)", "Comment"]
    body = [[f"R{chr(65 + i % 26)}{i % 10}", f"{c} NHS Trust", "-" if i == 4 else f"{rng.uniform(70, 99):.1f}%", "n/a" if i == 4 else f"{rng.uniform(4, 12):.1f}", "" if i % 7 else "Data incomplete, see note; revised"] for i, c in enumerate(_COUNTIES)]
    found.append(_made("hospital-waits", text([["Referral to treatment"], ["Period:", "June 2017"], ["Source:", "Unify2 data collection"], ["Basis:", "Provider"], [], head, *body]), 20, 5, head))
    # A tax office: years as the first column's header, amounts in thousands, negative in brackets, a dagger.
    head = ["Tax year", "Receipts (£m)", "Change †", "Share"]
    body = [[f"{y}-{(y + 1) % 100:02d}", *money(1), rng.choice([f"({rng.randint(1, 99)})", *whole(1, 1, 99)]), f"{rng.uniform(0, 9):.2f}"] for y in range(1990, 2015)]
    found.append(_made("tax-receipts", text([["HMRC tax receipts"], head, *body, [], ["† Change on the previous year"], ["Figures may not sum because of rounding."]]), 25, 4, head, encoding="cp1252"))
    # A sensor dump: semicolons, decimal commas, the time in two columns, a trailing delimiter in the body only.
    head = "Datum;Uhrzeit;Temp. [°C];Feuchte [%rF];Bemerkung"
    sensor = "Logger 4711\nSeriennummer;0815\nIntervall;10 min\n\n" + head + "\n" + "".join(f"0{1 + i // 144}.06.2020;{i // 6 % 24:02d}:{i % 6}0;{rng.uniform(10, 30):.1f};{rng.uniform(30, 90):.1f};".replace(".06.2020", "§").replace(".", ",").replace("§", ".06.2020") + "\n" for i in range(300))
    found.append(_made("sensor-german", sensor, 300, 5, head.split(";"), encoding="cp1252"))
    # Open library records: pipes inside quotes, empty columns, quotes doubled, a URL.
    head = ["isbn", "title", "authors", "link", "pages", "notes"]
    body = [[f"97803{rng.randint(10**7, 10**8 - 1)}", f'The "{c}" book, vol. {i}', "Smith, A.|Jones, B.", f"https://books.example/{i}?a=1&b=2", *whole(1), ""] for i, c in enumerate(_COUNTIES)]
    found.append(_made("library-records", text([head, *body]), 20, 6, head))
    # A sports table: rank ties with blanks, names with apostrophes, records like 10-2-1.
    head = ["Rk", "Team", "W-L-T", "PF", "PA", "Last 5"]
    body = [[str(i + 1) if i % 5 else "", f"O'{c}", f"{rng.randint(0, 9)}-{rng.randint(0, 9)}-{rng.randint(0, 2)}", *whole(2, 10, 99), rng.choice(["W-W-L-W-W", "L-L-W-T-W"])] for i, c in enumerate(_COUNTIES)]
    found.append(_made("sports-standings", text([head, *body]), 20, 6, head))
    # A bank's rates: dates across as header, blank row, indented names, a note that touches.
    days = [f"{d:02d}/06/2021" for d in range(1, 9)]
    body = [[n, *[f"{rng.uniform(0, 2):.4f}" for _ in days]] for n in ("US Dollar", "  Euro", "  Yen", "Pound", "Franc", "Krona", "Zloty", "Real", "Rand", "Won")]
    found.append(_made("exchange-rates", text([["Exchange rates"], ["Currency", *days], *body]) + "Rates at 16:00; see the notes for details of how these are compiled and published.\n", 10, 9, ["Currency", *days]))
    # A school census with a banner on each page and a subtotal each page.
    head = ["School", "Boys", "Girls", "Total"]
    pages: list[list[str]] = []
    for page in range(3):
        pages += [["District school census", "", "", f"Page {page + 1}"], head, *[[f"School {page}{i}", *whole(3)] for i in range(12)], ["Sub-total", *whole(3)]]
    found.append(_made("school-census-pages", text(pages), 39, 4, head))
    # An R export with row names and NA, quoted strings only.
    body_text = '"mpg","cyl","name"\n' + "".join(f'"{i}",{rng.uniform(10, 33):.1f},{rng.choice(["4", "6", "NA"])},"Mazda RX{i}"\n' for i in range(1, 33))
    found.append(_made("r-row-names", body_text, 32, 4, ["Unnamed: 0", "mpg", "cyl", "name"]))
    # A Stata-like listing with a ruler of plus and dashes, and pipes at both ends.
    rule = "+-------+--------+-------+\n"
    listing = rule + "| id    | town   | n     |\n" + rule + "".join(f"| {i:<5} | {c[:6]:<6} | {rng.randint(1, 99):<5} |\n" for i, c in enumerate(_COUNTIES)) + rule
    found.append(_made("boxed-listing", listing, 20, 5, suffix=".txt"))
    # A UTF-8 file whose last lines were added in latin-1 by hand; and one with Windows newlines lost in cells.
    mixed = text([["plats", "antal"], *[[f"Malmö {i}", *whole(1)] for i in range(40)]]).encode() + "Göteborg,5\n".encode("latin-1")
    found.append(Case("hand-added-latin", mixed, 41, 2, ("plats", "antal")))
    # Key figures with the unit in a column of its own and the years down to two digits.
    head = ["Indicator", "Unit", "'15", "'16", "'17", "'18"]
    body = [[f"Indicator {i}", rng.choice(["%", "EUR m", "persons"]), *tenth(4)] for i in range(1, 31)]
    found.append(_made("short-years", text([["Key figures", *[""] * 5], head, *body]), 30, 6, head))
    # A query log: every field quoted, trailing blank line, header with a BOM inside quotes.
    head = ["Query ID", "User Name", "Executed At", "Rows"]
    body = [[f"{i}", "svc", f"2022-03-{1 + i // 4:02d} 12:00:0{i % 10}", *whole(1)] for i in range(100)]
    found.append(_made("query-log", "\ufeff" + text([head, *body], all_quoted=True, end="\r\n") + "\r\n", 100, 4, head))
    # A wide panel: two id columns and 240 monthly columns named as dates.
    months = [f"{y}-{m:02d}" for y in range(2000, 2020) for m in range(1, 13)]
    body = [[f"{i:05d}", c, *tenth(240)] for i, c in enumerate(_COUNTIES)]
    found.append(_made("home-values-panel", text([["RegionID", "RegionName", *months], *body]), 20, 242, ["RegionID", "RegionName", *months]))
    # A poll tracker: header with line breaks, percent signs, a dash range as sample, footers in cells.
    head = ["Pollster", "Fieldwork\ndate", "Sample\nsize", "Lab", "Con", "Lead"]
    body = [[rng.choice(["YouGov", "Ipsos"]), f"{i}–{i + 1} May", f"{rng.randint(1, 3)},{rng.randint(100, 999)}", "44%", "28%", str(rng.randint(5, 20))] for i in range(1, 28)]
    found.append(_made("poll-tracker", text([head, *body, ["* excludes don't knows", *[""] * 5]]), 27, 6))
    assert len({case.name for case in found}) == len(found)
    return found
