"""Labelled files written after what named publishers really put out: statistics offices, banks, instruments.

Each imitates one publisher's export as it comes down the wire (preamble, header, marks, encoding, footer),
with invented figures. The shapes were written down before any reader saw the files. Where a header of
several rows leaves the names open, only the shape is given. Used by the tests and `tests/bench/files.py`.
"""

# The lines are the files': laid out by hand, some of them long.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from tests.files.cases import Case, text

_COUNTRIES = (
    "Aruba", "Belgium", "Czechia", "Denmark", "Estonia", "Finland", "Greece", "Hungary", "Ireland", "Japan",
    "Korea, Rep.", "Latvia", "Malta", "Norway", "Oman", "Poland", "Qatar", "Romania", "Sweden", "Togo",
    "Uganda", "Viet Nam", "Yemen, Rep.", "Zambia",
)
_STATES = (
    "Alabama", "Alaska", "Arizona", "Arkansas", "California", "Colorado", "Connecticut", "Delaware",
    "Florida", "Georgia", "Hawaii", "Idaho", "Illinois", "Indiana", "Iowa", "Kansas", "Kentucky",
    "Louisiana", "Maine", "Maryland",
)
_LANDS = (
    "Baden-Württemberg", "Bayern", "Berlin", "Brandenburg", "Bremen", "Hamburg", "Hessen",
    "Mecklenburg-Vorpommern", "Niedersachsen", "Nordrhein-Westfalen", "Rheinland-Pfalz", "Saarland",
    "Sachsen", "Sachsen-Anhalt", "Schleswig-Holstein", "Thüringen",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Names = Sequence[str] | None


def _made(name: str, content: str, rows: int, columns: int, names: Names = None, *, encoding: str = "utf-8",
          suffix: str = ".csv") -> Case:
    return Case(name, content.encode(encoding), rows, columns, tuple(names) if names else None, suffix)


def _lines(lines: Iterable[str], end: str = "\n") -> str:
    return "".join(line + end for line in lines)


def _whole(rng: random.Random, count: int, low: int = 100, high: int = 99_999) -> list[str]:
    return [str(rng.randint(low, high)) for _ in range(count)]


def _tenths(rng: random.Random, count: int, low: float = 0, high: float = 40) -> list[str]:
    return [f"{rng.uniform(low, high):.1f}" for _ in range(count)]


def _grouped(rng: random.Random, count: int, mark: str = ",") -> list[str]:
    return [f"{rng.randint(10_000, 9_999_999):,}".replace(",", mark) for _ in range(count)]


# --- world bodies ---------------------------------------------------------------------------------


def world() -> list[Case]:
    rng = random.Random(101)
    found = []
    years = [str(year) for year in range(1960, 2023)]
    names = ["Country Name", "Country Code", "Indicator Name", "Indicator Code", *years]
    body = [
        [c, c[:3].upper(), "Population, total", "SP.POP.TOTL", *_whole(rng, 63)] for c in _COUNTRIES
    ]
    head = '\ufeff"Data Source","World Development Indicators",\r\n\r\n"Last Updated Date","2023-05-10",\r\n\r\n'
    quoted = text([names], end=",\r\n", all_quoted=True) + text(body, end=",\r\n", all_quoted=True)
    found.append(_made("world-bank-indicator", head + quoted, 24, 68, [*names, "Unnamed: 67"]))
    meta = [
        [c[:3].upper(), "Europe & Central Asia", "High income", f"Fiscal year end: March 31;\nsince {1990 + i}.\n",
         c] for i, c in enumerate(_COUNTRIES)
    ]
    titles = ["Country Code", "Region", "IncomeGroup", "SpecialNotes", "TableName"]
    found.append(_made("world-bank-metadata", text([titles, *meta], end=",\r\n", all_quoted=True), 24, 6,
                       [*titles, "Unnamed: 5"], encoding="utf-8-sig"))
    spans = [f"{year} [YR{year}]" for year in range(2000, 2010)]
    titles = ["Series Name", "Series Code", "Country Name", "Country Code", *spans]
    body = [
        ["GDP (current US$)", "NY.GDP.MKTP.CD", c, c[:3].upper(),
         *(".." if rng.random() < 0.3 else f"{rng.uniform(1e9, 1e12):.6f}" for _ in spans)] for c in _COUNTRIES
    ]
    tail = [[""] * 14] * 3
    tail += [["Data from database: World Development Indicators", *[""] * 13],
             ["Last Updated: 03/30/2023", *[""] * 13]]
    found.append(_made("world-bank-databank", text([titles, *body, *tail]), 24, 14, titles))
    sexes = [["", "", *["Life expectancy at birth (years)"] * 3], ["Country", "Year", " Both sexes", " Male",
              " Female"]]
    body = [[c, str(y), *_tenths(rng, 3, 50, 85)] for c in _COUNTRIES[:10] for y in (2019, 2015, 2010)]
    found.append(_made("who-observatory", text([*sexes, *body]), 30, 5))
    body = [[c, str(y), *_tenths(rng, 1), "1" if y == 2010 else ""] for c in _COUNTRIES for y in (2010, 2011)]
    notes = [["fnSeqID", "Footnote"], *[[str(i), f"Estimate number {i}, revised."] for i in range(1, 6)]]
    found.append(
        _made(
            "un-data",
            text([["Country or Area", "Year", "Value", "Value Footnotes"], *body], all_quoted=True)
            + "\n" + text(notes, all_quoted=True),
            48, 4, ["Country or Area", "Year", "Value", "Value Footnotes"],
        )
    )
    titles = ["WEO Country Code", "ISO", "Country", "Subject Descriptor", "Units", "Scale",
              *map(str, range(2000, 2012)), "Estimates Start After"]
    body = [
        [str(100 + i), c[:3].upper(), c, "Gross domestic product", "National currency", "Billions",
         *("n/a" if rng.random() < 0.1 else f"{rng.uniform(1, 9999):,.3f}" for _ in range(12)), "2010"]
        for i, c in enumerate(_COUNTRIES)
    ]
    tail_text = "\r\nInternational Monetary Fund, World Economic Outlook Database, April 2023\r\n"
    found.append(_made("imf-outlook", text([titles, *body], delimiter="\t", end="\r\n") + tail_text, 24, 19,
                       titles, encoding="utf-16", suffix=".csv"))
    titles = ["LOCATION", "INDICATOR", "SUBJECT", "MEASURE", "FREQUENCY", "TIME", "Value", "Flag Codes"]
    body = [[c[:3].upper(), "CPI", "TOT", "AGRWTH", "A", str(y), f"{rng.uniform(-2, 9):.6f}", ""]
            for c in _COUNTRIES for y in (2019, 2020)]
    found.append(_made("oecd-indicator", "\ufeff" + text([titles, *body], all_quoted=True), 48, 8, titles))
    return found


def europe() -> list[Case]:
    rng = random.Random(102)
    found = []
    years = [str(y) for y in range(2010, 2022)]
    head = "freq,unit,geo\\TIME_PERIOD\t" + "\t".join(y + " " for y in years) + "\n"
    codes = [f"{a}{b}" for a in "ABCDEFGH" for b in "EKT"]
    body = _lines(
        f"A,PC,{c}\t" + "\t".join(rng.choice([": ", f"{rng.uniform(0, 30):.1f} ", f"{rng.uniform(0, 30):.1f} b"])
                                  for _ in years) for c in codes
    )
    found.append(_made("eurostat-tsv", head + body, 24, 13, suffix=".tsv"))
    titles = ["DATAFLOW", "LAST UPDATE", "freq", "unit", "geo", "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG"]
    rows = [["ESTAT:TPS00001(1.0)", "28/02/23 23:00:00", "A", "NR", c, y, *_whole(rng, 1),
             "b" if rng.random() < 0.05 else ""] for c in codes for y in years[:4]]
    found.append(_made("eurostat-linear", text([titles, *rows], end="\r\n"), 96, 8, titles))
    meta = [["Data extracted on 12/03/2023 10:00:00 from [ESTAT]"], ["Dataset: ", "Unemployment by sex, age"],
            ["Last updated: ", "10/03/2023 23:00"], [], ["Time frequency", "Annual"],
            ["Unit of measure", "Percentage"], []]
    heads = [["TIME", "2019", "", "2020", "", "2021", ""], ["GEO (Labels)", "", "", "", "", "", ""]]
    rows = [[c, *(cell for _ in range(3) for cell in (*_tenths(rng, 1), rng.choice(["", "", "b", "p"])))]
            for c in _COUNTRIES]
    tail = [[], ["Special value", ""], [":", "not available"], [], ["Available flags:", ""],
            ["b", "break in time series"], ["p", "provisional"]]
    found.append(_made("eurostat-browser", text([*meta, *heads, *rows, *tail]), 24, 7))
    days = ["31.12.2018", "31.12.2019", "31.12.2020", "31.12.2021"]
    rows = [[land, *_whole(rng, 4, 600_000, 18_000_000)] for land in _LANDS]
    office = (
        "Tabelle: 12411-0010\nBevölkerung: Bundesländer, Stichtag;;;;\n"
        "Fortschreibung des Bevölkerungsstandes;;;;\nBevölkerung (Anzahl);;;;\n"
        + text([["Bundesländer", *days], *rows], delimiter=";")
        + "__________\nErgebnisse auf Grundlage des Zensus 2011.\n© Statistisches Bundesamt (Destatis), 2023 | "
        "Stand: 10.05.2023 / 12:00:00\n"
    )
    found.append(_made("destatis-genesis", office, 16, 5, ["Bundesländer", *days], encoding="latin-1"))
    rows = [[f"{i + 1:02d}", land, *(rng.choice(["-", ".", *_whole(rng, 3)]) for _ in range(3))]
            for i, land in enumerate(_LANDS)]
    office = (
        "Tabelle: 21111-01-03-4\nSchüler nach Geschlecht;;;;\nStatistik der allgemeinbildenden Schulen;;;;\n"
        + text([["", "", "Schüler", "", ""], ["", "", "Insgesamt", "männlich", "weiblich"],
                ["", "", "Anzahl", "Anzahl", "Anzahl"], *rows], delimiter=";")
        + "__________\n\"Schüler: ohne Vorschulen;\"\n(C)opyright Statistische Ämter, 2023\n"
    )
    found.append(_made("regionalstatistik", office, 16, 5, encoding="cp1252"))
    titles = ["Statistik_Code", "Statistik_Label", "Zeit", "1_Merkmal_Code", "BEVSTD__Bevölkerung__Anzahl",
              "PREIS__Index"]
    rows = [["12411", "Fortschreibung", "31.12.2020", f"{i:02d}", *_whole(rng, 1),
             f"{rng.uniform(90, 120):.1f}".replace(".", ",")] for i in range(1, 41)]
    found.append(_made("destatis-flat", text([titles, *rows], delimiter=";"), 40, 6, titles,
                       encoding="utf-8-sig"))
    titles = ["Code géographique", "Département", "Libellé", "Population municipale"]
    rows = [[code, code[:2], rng.choice(["L'Abergement", "Ajaccio", "Écully", "Bâgé"]), *_whole(rng, 1)]
            for code in (*(f"01{i:03d}" for i in range(1, 25)), *(f"2A{i:03d}" for i in range(1, 9)))]
    found.append(_made("insee-communes", text([titles, *rows], delimiter=";", end="\r\n"), 32, 4, titles,
                       encoding="cp1252"))
    rows = [["Total Nacional" if i == 0 else f"{i:02d} Región {i}", *_grouped(rng, 6, ".")] for i in range(20)]
    spain = (
        "Población por comunidades, sexo y año.\n\nUnidades: Personas\n\n"
        + text([[" ", "Ambos sexos", "", "Hombres", "", "Mujeres", ""],
                [" ", "2021", "2020", "2021", "2020", "2021", "2020"], *rows], delimiter=";")
        + "\nNotas:\n1) Cifras provisionales\n\nFuente:\nInstituto Nacional de Estadística\n"
    )
    found.append(_made("ine-spain", spain, 20, 7, encoding="latin-1"))
    rows = [[str(y), *_whole(rng, 3, 1_000_000, 17_000_000)] for y in range(1990, 2022)]
    dutch = (
        '"Bevolking; kerncijfers"\r\n'
        + text([["Onderwerp", "Totale bevolking", "Mannen", "Vrouwen"],
                ["Perioden", "aantal", "aantal", "aantal"], *rows], delimiter=";", end="\r\n", all_quoted=True)
        + '"Bron: CBS"\r\n'
    )
    found.append(_made("cbs-statline", dutch, 32, 4, encoding="utf-8-sig"))
    titles = ["region", "kön", "2019", "2020", "2021"]
    rows = [[f"{i:02d} {name} län", sex, *_whole(rng, 3)] for i, name in enumerate(
            ["Stockholms", "Uppsala", "Örebro", "Västmanlands", "Jämtlands"]) for sex in ("män", "kvinnor")]
    swedish = '"Folkmängden efter region, kön och år"\r\n\r\n' + text([titles, *rows], all_quoted=True, end="\r\n")
    found.append(_made("scb-sweden", swedish, 10, 5, titles, encoding="latin-1"))
    rows = [[f"{i:02d}00000", name, *_whole(rng, 4), ""] for i, name in enumerate(
            ["POLSKA", "MAŁOPOLSKIE", "ŚLĄSKIE", "LUBUSKIE", "ŁÓDZKIE", "OPOLSKIE", "PODLASKIE", "POMORSKIE"])]
    heads = [["Kod", "Nazwa", "ogółem", "", "mężczyźni", "", ""], ["", "", "2020", "2021", "2020", "2021", ""],
             ["", "", "[osoba]", "[osoba]", "[osoba]", "[osoba]", ""]]
    found.append(_made("gus-poland", text([*heads, *rows], delimiter=";"), 8, 7, encoding="cp1250"))
    swiss = [["Kanton", "Einwohner", "Fläche km2"], *[[k, *_grouped(rng, 1, "'"), *_tenths(rng, 1, 30, 7000)]
             for k in ("Zürich", "Bern", "Luzern", "Uri", "Schwyz", "Genève", "Neuchâtel", "Jura", "Zug")]]
    found.append(_made("bfs-switzerland", "Ständige Wohnbevölkerung 2021\n\n" + text(swiss, delimiter=";")
                       + "\n© BFS - Bundesamt für Statistik\n", 9, 3, swiss[0], encoding="cp1252"))
    konto = (
        '"Kontonummer:";"DE12345678 / Girokonto";\r\n\r\n"Von:";"01.01.2023";\r\n"Bis:";"31.03.2023";\r\n'
        '"Kontostand vom 31.03.2023:";"1.234,56 EUR";\r\n\r\n'
    )
    titles = ["Buchungstag", "Wertstellung", "Buchungstext", "Auftraggeber", "Betrag (EUR)"]
    rows = [[f"{1 + i % 28:02d}.0{1 + i // 28}.2023", f"{1 + i % 28:02d}.0{1 + i // 28}.2023", "Lastschrift",
             rng.choice(["REWE", "Stadtwerke München", "Müller & Söhne"]),
             f"-{rng.randint(1, 2)}.{rng.randint(100, 999)},{rng.randint(10, 99)}"] for i in range(60)]
    found.append(_made("bank-statement", konto + text([titles, *rows], delimiter=";", end=";\r\n",
                       all_quoted=True), 60, 6, [*titles, "Unnamed: 5"], encoding="latin-1"))
    return found


# --- britain, america, others ---------------------------------------------------------------------


def britain() -> list[Case]:
    rng = random.Random(103)
    found = []
    meta = [["Title", "CPI INDEX 00: ALL ITEMS 2015=100"], ["CDID", "D7BT"], ["Source dataset ID", "MM23"],
            ["PreUnit", ""], ["Unit", "Index, base year = 100"], ["Release date", "19-04-2023"],
            ["Next release", "24 May 2023"], ["Important notes", ""]]
    series = [[str(y), *_tenths(rng, 1, 48, 130)] for y in range(1988, 2023)]
    series += [[f"{y} Q{q}", *_tenths(rng, 1, 48, 130)] for y in range(1988, 2023) for q in range(1, 5)]
    found.append(_made("ons-time-series", text([*meta, *series], all_quoted=True), 175, 2))
    titles = ["2011 output area", "mnemonic", "All usual residents", "Males", "Females"]
    rows = [[f"E0000{i:04d}", f"E0000{i:04d}", *_whole(rng, 3, 50, 400)] for i in range(1, 61)]
    nomis = (
        '"KS101EW - Usual resident population"\r\n"ONS Crown Copyright Reserved [from Nomis on 10 May 2023]"\r\n'
        '\r\n"Population","All usual residents"\r\n"Units","Persons"\r\n"date","2011"\r\n\r\n'
        + text([titles, *rows], end="\r\n", all_quoted=True)
        + '\r\n"In order to protect against disclosure of personal information, records have been swapped."\r\n'
    )
    found.append(_made("nomis-census", nomis, 60, 5, titles))
    titles = ["Body Name", "Date", "Supplier", "Amount (£)", "Description", "", ""]
    rows = [["Borough Council", f"{rng.randint(1, 28):02d}/05/2014", rng.choice(["O’Neill’s – Ltd", "Café Noir"]),
             f"£{rng.randint(500, 9999):,}.00", "Repairs", "", ""] for _ in range(45)]
    found.append(_made("council-spend", text([titles, *rows, *[[""] * 7] * 30], end="\r\n"), 45, 7,
                       [*titles[:5], "Unnamed: 5", "Unnamed: 6"], encoding="cp1252"))
    rows = [[f"{{{rng.getrandbits(64):016X}-{i}}}", *_whole(rng, 1), f"2020-0{1 + i % 9}-10 00:00",
             f"AB{i} {i % 9}CD", rng.choice("DSTF"), rng.choice("YN"), rng.choice("FL"), str(i), "",
             rng.choice(["HIGH STREET", "MILL LANE"]), "", rng.choice(["LEEDS", "YORK"]),
             rng.choice(["LEEDS", "YORK"]), "YORKSHIRE", "A", "A"] for i in range(1, 51)]
    found.append(_made("land-registry", text(rows, all_quoted=True), 50, 16))
    titles = ["CompanyName", " CompanyNumber", "RegAddress.PostTown", "CompanyStatus", "IncorporationDate"]
    rows = [[f'"{n}" LIMITED' if i % 9 == 0 else f"{n} LTD", f"{i:08d}", "LONDON", "Active", "01/02/1999"]
            for i, n in enumerate(_COUNTRIES)]
    found.append(_made("companies-house", text([titles, *rows]), 24, 5))
    rows = [["", "2023-04", "Thames Police", f"{rng.uniform(-1.9, -1.1):.6f}", f"{rng.uniform(51, 52):.6f}",
             rng.choice(["On or near High Street", "On or near Park/Open Space"]),
             rng.choice(["Burglary", "Anti-social behaviour"]), rng.choice(["", "Under investigation"]), ""]
            for _ in range(70)]
    titles = ["Crime ID", "Month", "Reported by", "Longitude", "Latitude", "Location", "Crime type",
              "Last outcome category", "Context"]
    found.append(_made("police-street", text([titles, *rows]), 70, 9, titles))
    station = (
        "Oxford\nLocation: 450900E 207200N, Lat 51.761 Lon -1.262, 63 metres amsl\n"
        "Estimated data is marked with a * after the value.\n"
        "Missing data (more than 2 days missing in month) is marked by  ---.\n"
        "   yyyy  mm   tmax    tmin      af    rain     sun\n"
        "              degC    degC    days      mm   hours\n"
    )
    station += _lines(
        f"   {1853 + i // 12}  {1 + i % 12:2d}   {rng.uniform(3, 24):4.1f}    {rng.uniform(-2, 14):4.1f}    "
        f"{rng.randint(0, 20):4d}   {rng.uniform(3, 99):5.1f}     ---" for i in range(120)
    )
    found.append(_made("met-office-station", station, 120, 7, suffix=".txt"))
    sheet = [["Table 3: Licensed vehicles by body type [note 1], United Kingdom", *[""] * 5],
             ["This worksheet contains one table. Some cells refer to notes.", *[""] * 5],
             ["Source: DVLA", *[""] * 5],
             ["Year", "Cars", "Motorcycles", "Lorries", "Buses [note 2]", "Total"]]
    rows = [[str(y), *_tenths(rng, 4), "[x]" if y < 1998 else "40.1"] for y in range(1994, 2022)]
    found.append(_made("dft-table", text([*sheet, *rows]), 28, 6, sheet[3], encoding="utf-8-sig"))
    return found


def america() -> list[Case]:
    rng = random.Random(104)
    found = []
    heads = [["GEO.id", "GEO.id2", "GEO.display-label", "HD01_VD01", "HD02_VD01"],
             ["Id", "Id2", "Geography", "Estimate; Total:", "Margin of Error; Total:"]]
    rows = [[f"0400000US{i:02d}", f"{i:02d}", s, *_whole(rng, 1), rng.choice(["*****", "(X)", *_whole(rng, 3)])]
            for i, s in enumerate(_STATES, 1)]
    found.append(_made("census-factfinder", text([*heads, *rows]), 20, 5))
    heads = [["GEO_ID", "NAME", "S0101_C01_001E", "S0101_C01_001M", "S0101_C02_001E", ""],
             ["Geography", "Geographic Area Name", "Estimate!!Total!!Total population",
              "Margin of Error!!Total!!Total population", "Estimate!!Percent!!Total population", ""]]
    rows = [[f"0400000US{i:02d}", s, *_whole(rng, 2), "(X)", ""] for i, s in enumerate(_STATES, 1)]
    found.append(_made("census-data-table", text([*heads, *rows], all_quoted=True), 20, 6))
    pre = [["table with row headers in column A and column headers in rows 3 through 4. (leading dots)", *[""] * 5],
           ["Table 1. Annual Estimates of the Population: April 1, 2010 to July 1, 2012", *[""] * 5],
           ["Geographic Area", "April 1, 2010", "", "Population Estimates (as of July 1)", "", ""],
           ["", "Census", "Estimates Base", "2010", "2011", "2012"]]
    rows = [["United States" if i == 0 else "." + s, *_grouped(rng, 5)] for i, s in enumerate(("", *_STATES))]
    tail = [["Note: The estimates are based on the 2010 Census, and reflect changes.", *[""] * 5],
            ["Suggested Citation:", *[""] * 5], ["Annual Estimates of the Population, U.S. Census Bureau",
             *[""] * 5], ["Release Date: December 2012", *[""] * 5]]
    found.append(_made("census-estimates", text([*pre, *rows, *tail]), 21, 6))
    titles = ["series_id                     ", "year", "period", "       value", "footnote_codes"]
    rows = [["CUUR0000SA0                   ", str(1997 + i // 12), f"M{1 + i % 12:02d}",
             f"{rng.uniform(150, 300):12.1f}", ""] for i in range(96)]
    found.append(_made("bls-flat", text([titles, *rows], delimiter="\t", end="\r\n"), 96, 5, suffix=".txt"))
    rows = [[f"{1950 + i // 4}-{1 + 3 * (i % 4):02d}-01", "." if i == 7 else f"{rng.uniform(100, 20000):.3f}"]
            for i in range(80)]
    found.append(_made("fred-series", text([["DATE", "GDPC1"], *rows]), 80, 2, ["DATE", "GDPC1"]))
    rows = [[str(10**7 + i), rng.choice(["Noise", "Heating, hot water"]), "BROOKLYN",
             f"{i} MAIN ST\nBROOKLYN, NY 112{i % 90 + 10}\n(40.{i:04d}, -73.{i:04d})"] for i in range(50)]
    titles = ["Unique Key", "Complaint Type", "Borough", "Location"]
    found.append(_made("socrata-location", text([titles, *rows], end="\r\n"), 50, 4, titles))
    titles = ["description", "units", "source key", *map(str, range(2001, 2013))]
    rows = [["Net generation", *[""] * 14], ["United States", *[""] * 14]]
    rows += [[f"United States : {fuel}", "thousand megawatthours", f"ELEC.GEN.{i}-US-99.A", *_tenths(rng, 12, 9, 9e5)]
             for i, fuel in enumerate(["all fuels", "coal", "natural gas", "nuclear", "hydro", "wind", "solar"])]
    pre_text = (
        "Net generation for all sectors, annual\nhttps://www.example.gov/electricity/data/browser/\n"
        "10:23:45 GMT-0400 (EDT)\nSource: U.S. Energy Information Administration\n\n"
    )
    found.append(_made("eia-browser", pre_text + text([titles, *rows]), 9, 15, titles))
    heads = [["Back to Contents", "Data 1: U.S. Crude Oil", ""], ["Sourcekey", "MCRFPUS1", "MCRFPP11"],
             ["Date", "U.S. Field Production of Crude Oil (Thousand Barrels)", "East Coast (Thousand Barrels)"]]
    rows = [[f"{_MONTHS[i % 12]}-{1981 + i // 12}", *_whole(rng, 2)] for i in range(60)]
    found.append(_made("eia-workbook", text([*heads, *rows]), 60, 3))
    heads = [["Table 4", *[""] * 6], ["Crime in the United States", *[""] * 6],
             ["State", "Area", "", "Population", "Violent\ncrime1", "Murder and \nnonnegligent \nmanslaughter",
              "Robbery"]]
    rows = []
    for s in _STATES[:10]:
        rows += [[s.upper(), "Metropolitan Statistical Area", "", *_grouped(rng, 4)],
                 ["", "", "Area actually reporting", "99.1%", *_grouped(rng, 3)],
                 ["", "Cities outside metropolitan areas", "", *_grouped(rng, 4)]]
    tail = [["1 The violent crime figures include the offenses of murder, rape, and robbery.", *[""] * 6],
            ["NOTE: Although arson data are included, sufficient data are not available.", *[""] * 6]]
    found.append(_made("fbi-crime", text([*heads, *rows, *tail]), 30, 7))
    heads = [["Table 1.  Individual Income Tax Returns, Tax Year 2019", *[""] * 5],
             ["[Money amounts are in thousands of dollars]", *[""] * 5],
             ["State", "Number of", "Adjusted gross", "Salaries and wages", "", "Taxable"],
             ["", "returns", "income", "Number", "Amount", "interest"],
             ["", "(1)", "(2)", "(3)", "(4)", "(5)"]]
    rows = [[s, *_grouped(rng, 5)] for s in _STATES]
    found.append(_made("irs-income", text([*heads, *rows]), 20, 6))
    titles = ["Program", "Year", "Period", "State", "State ANSI", "Commodity", "Value", "CV (%)"]
    rows = [["SURVEY", str(2015 + i % 5), "YEAR", _STATES[i % 20].upper(), f"{i % 20 + 1:02d}", "CORN",
             rng.choice([" (D)", *_grouped(rng, 4)]), ""] for i in range(60)]
    found.append(_made("usda-quickstats", text([titles, *rows], all_quoted=True), 60, 8, titles))
    rows = [[f"C{i:08d}", "N", "TER", "P", str(2 * 10**17 + i), "15", "IND", f"SMITH, JOHN {i}", "AUSTIN", "TX",
             *_whole(rng, 1), "", "ENGINEER", "01312020", *_whole(rng, 1), "", "", "", ""] for i in range(40)]
    found.append(_made("fec-contributions", text(rows, delimiter="|"), 40, 19, suffix=".txt"))
    rows_text = _lines(
        f"~{i:05d}~^~0100~^~Butter, salted, {i}~^~BUTTER,WITH SALT~^~~^~~^~Y~^~~^{rng.randint(0, 30)}^~~^6.38^"
        f"4.27^{rng.uniform(1, 9):.2f}" for i in range(1001, 1041)
    )
    found.append(_made("usda-nutrients", rows_text, 40, 13, encoding="latin-1", suffix=".txt"))
    canada = ["REF_DATE", "GEO", "DGUID", "Sex", "UOM", "UOM_ID", "SCALAR_FACTOR", "SCALAR_ID", "VECTOR",
              "COORDINATE", "VALUE", "STATUS", "SYMBOL", "TERMINATED", "DECIMALS"]
    rows = [[f"20{i // 12 + 10}-{i % 12 + 1:02d}", "Québec", "2016A000224", "Both sexes", "Persons", "249",
             "thousands", "3", f"v{i}", "1.1.1", *_tenths(rng, 1), "", "", "", "1"] for i in range(48)]
    found.append(_made("statcan-full", text([canada, *rows], all_quoted=True), 48, 15, canada,
                       encoding="utf-8-sig"))
    pre_text = (
        '"Labour force characteristics by province, monthly, seasonally adjusted  1 2 3"\n"Monthly"\n'
        '"Table: 14-10-0287-03"\n"Release date: 2023-05-05"\n"Geography: Canada, Province or territory"\n\n'
    )
    heads = [["Geography", "Canada", "", "", "Ontario", "", ""],
             ["Labour force characteristics", *["January 2023", "February 2023", "March 2023"] * 2],
             ["", "Persons in thousands", "", "", "", "", ""]]
    rows = [[name, *_grouped(rng, 6)] for name in ("Population 4", "Labour force 5", "Employment 6",
            "Full-time employment 7", "Part-time employment 8", "Unemployment 9", "Not in labour force")]
    tail_text = (
        '\n"Symbol legend:"\n"..","not available for a specific reference period"\n\n"Footnotes:"\n'
        + _lines(f'"{i}","Estimates in thousands, rounded to the nearest hundred, part {i}."' for i in range(1, 10))
        + '\n"How to cite: Statistics Canada. Table 14-10-0287-03"\n'
    )
    found.append(_made("statcan-displayed", pre_text + text([*heads, *rows], all_quoted=True) + tail_text, 7, 7,
                       encoding="utf-8-sig"))
    return found


def elsewhere() -> list[Case]:
    rng = random.Random(105)
    found = []
    days = [f"2023/4/{i}" for i in range(1, 31)]
    jma = "ダウンロードした時刻：2023/05/10 10:00:00\r\n\r\n" + text(
        [["", "東京", "東京", "東京"], ["年月日", *["平均気温(℃)"] * 3], ["", "", "品質情報", "均質番号"],
         *[[day, *_tenths(rng, 1), "8", "1"] for day in days]], end="\r\n",
    )
    found.append(_made("jma-daily", jma, 30, 4, encoding="cp932"))
    sidra = (
        '"Tabela 6579 - População residente estimada"\n"Variável - População residente estimada (Pessoas)"\n'
        + text([["Município", "Ano", ""], ["", "2020", "2021"],
                *[[f"Município {i} (RO)", *_whole(rng, 2)] for i in range(30)]], delimiter=";", all_quoted=True)
        + '"Fonte: IBGE - Estimativas de População"\n"Notas"\n"1 - Atualizado em 27/08/2021."\n'
    )
    found.append(_made("ibge-sidra", sidra, 30, 3))
    titles = ["DT_GERACAO", "HH_GERACAO", "ANO_ELEICAO", "NM_MUNICIPIO", "DS_CARGO", "QT_VOTOS"]
    rows = [["01/02/2021", "10:11:12", "2020", rng.choice(["SÃO PAULO", "BELÉM", "#NULO#"]), "Prefeito",
             *_whole(rng, 1)] for _ in range(40)]
    found.append(_made("tse-votes", text([titles, *rows], delimiter=";", all_quoted=True, end="\r\n"), 40, 6,
                       titles, encoding="latin-1"))
    heads = [["Table 1.2: Production of crops", *[""] * 4], ["(Qty. in tonnes)", *[""] * 4],
             ["S. No.", "State/UT", "2009-10", "2010-11", "2011-12"], ["(1)", "(2)", "(3)", "(4)", "(5)"]]
    rows = [[str(i), s, *(f"{rng.randint(1, 99)},{rng.randint(10, 99)},{rng.randint(100, 999)}" for _ in range(3))]
            for i, s in enumerate(("Assam", "Bihar", "Goa", "Kerala", "Punjab", "Sikkim", "Tripura"), 1)]
    rows.append(["", "Total", "1,23,45,678", "1,33,45,678", "1,43,45,678"])
    found.append(_made("india-crops", text([*heads, *rows]), 8, 5))
    bom = (
        '"Daily Weather Observations for Sydney, New South Wales for May 2023"\n'
        '"Prepared at 13:00 UTC on Wednesday 10 May 2023 IDCJDW2124"\n'
        '"Observations were drawn from Sydney Airport {station 066037}"\n\n'
        ',"Date","Minimum temperature (°C)","Maximum temperature (°C)","Rainfall (mm)","Direction of wind"\n'
    )
    bom += _lines(f",2023-05-{i},{rng.uniform(5, 15):.1f},{rng.uniform(15, 25):.1f},0,WNW" for i in range(1, 32))
    found.append(_made("bom-australia", bom, 31, 6, encoding="cp1252"))
    titles = ["Longitude (x)", "Latitude (y)", "Station Name", "Climate ID", "Date/Time", "Year", "Month", "Day",
              "Data Quality", "Max Temp (°C)", "Max Temp Flag", "Min Temp (°C)", "Min Temp Flag"]
    rows = [["-75.72", "45.38", "OTTAWA CDA", "6105976", f"2023-01-{i:02d}", "2023", "01", f"{i:02d}", "",
             *_tenths(rng, 1, -9, 2), "", *_tenths(rng, 1, -20, -9), "M" if i == 9 else ""] for i in range(1, 32)]
    found.append(_made("environment-canada", text([titles, *rows], all_quoted=True), 31, 13, titles,
                       encoding="utf-8-sig"))
    turkish = text([["İl", "Nüfus", "Değişim"], *[[n, *_whole(rng, 1), f"%{rng.randint(1, 9)},{rng.randint(1, 9)}"]
                    for n in ("İstanbul", "İzmir", "Muğla", "Ağrı", "Şırnak", "Iğdır", "Çorum", "Düzce")]],
                   delimiter="|")
    found.append(_made("tuik-turkey", "Adrese dayalı nüfus\n" + turkish, 8, 3, encoding="cp1254"))
    russian = text([["Регион", "Население", "Доля"], *[[n, *_whole(rng, 1), f"{rng.uniform(0, 9):.2f}".replace(".", ",")]
                    for n in ("Москва", "Омская область", "Пермский край", "Республика Саха", "Тверская область",
                              "Чукотка", "Якутия", "Алтай")]], delimiter=";")
    found.append(_made("rosstat", russian, 8, 3, ["Регион", "Население", "Доля"], encoding="cp1251"))
    return found


# --- science, instruments, the web ----------------------------------------------------------------


def climate() -> list[Case]:
    rng = random.Random(106)
    found = []
    rows_text = _lines(f"USW00094728,202001{i % 28 + 1:02d},{rng.choice(['TMAX', 'TMIN', 'PRCP'])},"
                       f"{rng.randint(-50, 300)},,,W,{'2400' if i % 3 else ''}" for i in range(80))
    found.append(_made("ghcn-daily", rows_text, 80, 8))
    rows = [[f"{1895 + i}12", *_tenths(rng, 2, -3, 55)] for i in range(100)]
    titles = ["Date", "Value", "Anomaly"]
    head = "Contiguous U.S. Average Temperature,January-December\nUnits: Degrees Fahrenheit\nBase Period: 1901-2000\n"
    found.append(_made("climate-at-a-glance", head + "Missing: -9999\n" + text([titles, *rows]), 100, 3, titles))
    head = "# Contiguous U.S., Average Temperature\n# Units: Degrees Fahrenheit\n# Missing: -99\n"
    found.append(_made("climate-at-a-glance-hash", head + text([titles[:2], *[r[:2] for r in rows]]), 100, 2,
                       titles[:2]))
    titles = ["Year", *_MONTHS, "J-D", "D-N", "DJF", "MAM", "JJA", "SON"]
    rows = [[str(y), *("***" if y == 2022 and i > 3 else f"{rng.uniform(-1, 1):.2f}" for i in range(18))]
            for y in range(1880, 2023)]
    found.append(_made("gistemp", "Land-Ocean: Global Means\n" + text([titles, *rows]), 143, 19, titles))
    notes = _lines(f"# Line {i} of the use of these data, which are free, and how to cite them" for i in range(40))
    titles = ["year", "month", "decimal date", "average", "deseasonalized", "ndays", "sdev", "unc"]
    rows = [[str(1958 + i // 12), str(i % 12 + 1), f"{1958 + i / 12:.4f}", f"{rng.uniform(310, 420):.2f}",
             f"{rng.uniform(310, 420):.2f}", "-1", "-9.99", "-0.99"] for i in range(120)]
    found.append(_made("mauna-loa", notes + text([titles, *rows]), 120, 8, titles))
    aligned = notes + "#            decimal       monthly    de-season  #days  st.dev  unc. of\n" + _lines(
        f"  {1958 + i // 12}  {i % 12 + 1:2d}    {1958 + i / 12:.4f}      {rng.uniform(310, 420):.2f}      "
        f"{rng.uniform(310, 420):.2f}     -1   -9.99   -0.99" for i in range(120)
    )
    found.append(_made("mauna-loa-text", aligned, 120, 8, suffix=".txt"))
    buoy = "#YY  MM DD hh mm WDIR WSPD GST  WVHT\n#yr  mo dy hr mn degT m/s  m/s     m\n" + _lines(
        f"2023 05 {i // 24 + 1:02d} {i % 24:02d} 50 {rng.randint(0, 360):3d}  {rng.uniform(0, 15):.1f}  "
        f"{rng.uniform(0, 20):.1f}    MM" for i in range(72)
    )
    found.append(_made("ndbc-buoy", buoy, 72, 9, suffix=".txt"))
    rdb = _lines(f"# line {i} of the retrieval" for i in range(25)) + text(
        [["agency_cd", "site_no", "datetime", "tz_cd", "1_00060", "1_00060_cd"], ["5s", "15s", "20d", "6s", "14n",
          "10s"], *[["USGS", "01646500", f"2023-05-{i // 24 + 1:02d} {i % 24:02d}:00", "EDT", *_whole(rng, 1), "P"]
                    for i in range(96)]], delimiter="\t",
    )
    found.append(_made("usgs-rdb", rdb, 96, 6, suffix=".txt"))
    return found


def instruments() -> list[Case]:
    rng = random.Random(107)
    found = []
    settings = [["Instrument", "DMM 6500"], ["Serial", "04398112"], ["Firmware", "1.7.3b"],
                ["Sample interval", "0.01", "s"], ["Channels", "2"], ["Range", "10 V", "10 V"], []]
    rows = [[f"{i * 0.01:.2f}", f"{rng.gauss(0, 1):.6E}", f"{rng.gauss(0, 1):.6E}"] for i in range(200)]
    titles = ["Time (s)", "CH1 (V)", "CH2 (V)"]
    found.append(_made("multimeter", text([*settings, titles, *rows], end="\r\n"), 200, 3, titles))
    left = [["Record Length", "2.500000e+03"], ["Sample Interval", "4.000000e-05"], ["Trigger Point",
            "1.25e+03"], ["", ""], ["Source", "CH1"], ["Vertical Units", "V"]]
    scope = _lines(
        ",".join([*(left[i] if i < 6 else ["", ""]), "", f"{-0.05 + i * 4e-5:013.9f}", f" {rng.gauss(0, 1):.5f}", ""])
        for i in range(250)
    )
    found.append(_made("oscilloscope", scope, 250, 6))
    spectrum = (
        "Data from spectrum.txt Node\n\nDate: Mon Nov 14 10:30:12 CET 2016\nUser: lab\nIntegration Time (sec): "
        "1.000000E-1\nScans to average: 10\nNumber of Pixels in Spectrum: 2048\n>>>>>Begin Spectral Data<<<<<\n"
        + _lines(f"{340 + i * 0.37:.3f}\t{rng.uniform(0, 4000):.2f}" for i in range(300))
    )
    found.append(_made("spectrometer", spectrum, 300, 2, suffix=".txt"))
    labview = (
        "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDecimal_Separator\t,\n***End_of_Header***\t\n\t\n"
        "Channels\t1\t\t\nSamples\t100\t\t\nY_Unit_Label\tVolts\t\t\n***End_of_Header***\t\t\t\n"
        "X_Value\tVoltage\tComment\n"
        + _lines(f"{i * 0.001:.6f}\t{rng.gauss(0, 1):.6f}".replace(".", ",") + "\t" for i in range(100))
    )
    found.append(_made("labview", labview, 100, 3, ["X_Value", "Voltage", "Comment"], suffix=".lvm.txt"))
    logger = text(
        [["TOA5", "CR1000", "CR1000", "12345", "CR1000.Std.27", "CPU:met.CR1", "9876", "Ten_min"],
         ["TIMESTAMP", "RECORD", "BattV_Min", "AirTC_Avg", "RH"], ["TS", "RN", "Volts", "Deg C", "%"],
         ["", "", "Min", "Avg", "Smp"]], all_quoted=True, end="\r\n",
    ) + _lines((f'"2023-05-{1 + i // 144:02d} {i // 6 % 24:02d}:{i % 6}0:00",{i},{rng.uniform(12, 14):.2f},'
                f'{rng.uniform(0, 20):.2f},"NAN"' if i % 10 == 0 else
                f'"2023-05-{1 + i // 144:02d} {i // 6 % 24:02d}:{i % 6}0:00",{i},{rng.uniform(12, 14):.2f},'
                f"{rng.uniform(0, 20):.2f},{rng.uniform(20, 99):.1f}" for i in range(160)), "\r\n")
    found.append(_made("campbell-logger", logger, 160, 5))
    hobo = '"Plot Title: 10347366"\n' + text(
        [["#", "Date Time, GMT-05:00", "Temp, °C (LGR S/N: 10347366)", "Host Connected (LGR S/N: 10347366)"],
         *[[str(i + 1), f"05/10/23 {1 + i % 12:02d}:00:00 {'AM' if i % 24 < 12 else 'PM'}", f"{rng.uniform(5, 25):.3f}",
            ""] for i in range(90)], ["91", "05/13/23 07:00:00 PM", "", "Logged"]]
    )
    found.append(_made("hobo-logger", hobo, 91, 4, encoding="utf-8-sig"))
    genes = "\t".join(f"TCGA-{i:04d}" for i in range(2500)) + "\n" + _lines(
        "\t".join([f"GENE{g}", *(str(rng.randint(0, 999)) for _ in range(2500))]) for g in range(30)
    )
    found.append(_made("gene-expression", genes, 30, 2501, suffix=".tsv"))
    vcf = '##fileformat=VCFv4.2\n##FILTER=<ID=q10,Description="Quality, below 10">\n##contig=<ID=20>\n' + text(
        [["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"],
         *[["20", str(14370 + 31 * i), f"rs{i}", "G", "A", str(rng.randint(1, 99)), "PASS", "NS=3;DP=14;AF=0.5"]
           for i in range(60)]], delimiter="\t",
    )
    found.append(_made("variant-calls", vcf, 60, 8, suffix=".tsv"))
    return found


def web() -> list[Case]:
    rng = random.Random(108)
    found = []
    weeks = [[f"2018-{1 + i // 4:02d}-{1 + 7 * (i % 4):02d}", str(rng.randint(20, 100)), rng.choice(["<1", "2", "3"])]
             for i in range(48)]
    titles = ["Week", "python: (Worldwide)", "fortran: (Worldwide)"]
    found.append(_made("search-trends", "Category: All categories\n\n" + text([titles, *weeks]), 48, 3, titles))
    rule = "# ----------------------------------------\n"
    titles = ["Page", "Pageviews", "Unique Pageviews", "Bounce Rate"]
    pages = [[f"/page/{i}", *_grouped(rng, 2), f"{rng.uniform(0, 99):.2f}%"] for i in range(40)]
    daily = [[f"1/{i}/23", *_whole(rng, 1)] for i in range(1, 32)]
    report = (
        rule + "# All Web Site Data\n# Pages\n# 20230101-20230131\n" + rule + "\n"
        + text([titles, *pages, ["", "12,345", "10,234", "45.10%"]]) + "\n"
        + text([["Day Index", "Pageviews"], *daily])
    )
    found.append(_made("web-analytics", report, 41, 4, titles))
    adult = _lines(
        f"{rng.randint(17, 90)}, {rng.choice(['Private', 'State-gov', '?'])}, {rng.randint(10**4, 10**6)}, "
        f"{rng.choice(['Bachelors', 'HS-grad'])}, {rng.choice(['Male', 'Female'])}, {rng.choice(['<=50K', '>50K'])}"
        for _ in range(90)
    ) + "\n"
    found.append(_made("uci-adult", adult, 90, 6, suffix=".data"))
    mpg = _lines(
        f"{rng.uniform(10, 40):.1f}   {rng.choice([4, 6, 8])}   {rng.uniform(90, 400):.1f}      "
        f"{rng.choice(['130.0', '95.00', '?'])}      {rng.randint(2000, 4500)}.      {rng.uniform(9, 20):.1f}   70  1\t"
        f'"{rng.choice(["ford torino", "chevrolet chevelle malibu", "audi 100 ls"])}"' for _ in range(60)
    )
    found.append(_made("uci-auto-mpg", mpg, 60, 9, suffix=".data"))
    iris = _lines(",".join([*_tenths(rng, 4, 0.1, 7.9), rng.choice(["Iris-setosa", "Iris-virginica"])])
                  for _ in range(100)) + "\n"
    found.append(_made("uci-iris", iris, 100, 5, suffix=".data"))
    airports = _lines(
        f'{i},"{rng.choice(["Goroka", "Madang", "Nadzab"])} Airport","Town {i}","Papua New Guinea",'
        f'{rng.choice([chr(92) + "N", chr(34) + "GKA" + chr(34)])},"AY{i % 26:02d}",{rng.uniform(-9, 9):.6f},'
        f'{rng.uniform(140, 150):.6f},{rng.randint(0, 9000)},10,"U","Pacific/Port_Moresby"' for i in range(1, 61)
    )
    found.append(_made("openflights", airports, 60, 12, suffix=".dat"))
    titles = ["Div", "Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR"]
    rows = [["E0", f"{rng.randint(10, 28)}/08/15", rng.choice(["Arsenal", "Chelsea"]), rng.choice(["Everton", "Leeds"]),
             str(rng.randint(0, 5)), str(rng.randint(0, 5)), rng.choice("HDA")] for _ in range(38)]
    found.append(_made("football-results", text([titles, *rows], end="\r\n") + ",,,,,,\r\n" * 40, 38, 7, titles))
    titles = ["", "Unnamed: 0", "review", "stars"]
    rows = [[str(i), str(i), f'He said "wow" 😀\n\nand, then left {i}', str(rng.randint(1, 5))] for i in range(30)]
    found.append(_made("kaggle-reviews", text([titles, *rows]), 30, 4))
    titles = ["stop_id", "stop_code", "stop_name", "stop_desc", "stop_lat", "stop_lon", "zone_id"]
    rows = [[f"{i:05d}", "", f"Main St & {i}th Ave", "", f"45.{i:06d}", f"-75.{i:06d}", ""] for i in range(40)]
    found.append(_made("gtfs-stops", text([titles, *rows], end="\r\n"), 40, 7, titles, encoding="utf-8-sig"))
    titles = ["Nom", "Prénom", "Né en", "Ville"]
    rows = [[rng.choice(["Béguin", "Lefèvre", "Noël"]), rng.choice(["Zoé", "André"]), str(1940 + i), "Besançon"]
            for i in range(30)]
    found.append(_made("mac-excel", text([titles, *rows], delimiter=";", end="\r"), 30, 4, titles,
                       encoding="mac_roman"))
    found.append(_made("excel-unicode-text", text([titles, *rows], delimiter="\t", end="\r\n"), 30, 4, titles,
                       encoding="utf-16"))
    underground = "\nCET,Max TemperatureC,Mean TemperatureC,Events<br />\n" + _lines(
        f"2014-1-{i},{rng.randint(0, 15)},{rng.randint(-5, 9)},{rng.choice(['Rain', ''])}<br />" for i in range(1, 32)
    )
    found.append(_made("weather-page", underground, 31, 4))
    heads = [["Ward", "", "2001", "", "", "2011", ""], ["", "", "Male", "Female", "", "Male", "Female"]]
    rows = [[c, "", *_whole(rng, 2), "", *_whole(rng, 2)] for c in _COUNTRIES]
    found.append(_made("blank-separator-columns", text([*heads, *rows]), 24, 7))
    votes = [["Elections 2019: results by ward, candidate, and party", *[""] * 5],
             ["Ward", "Candidate", "Party", "Votes", "Elected", "Turnout %"]]
    for ward in ("Abbey", "Barton", "Carfax", "Donnington"):
        for i in range(4):
            votes.append([ward if i == 0 else "", f"Person {i}, A.", rng.choice(["Lab", "Con", "LD"]),
                          *_grouped(rng, 1), "*" if i == 0 else "", "38.2" if i == 0 else ""])
        votes.append(["", "", "Rejected papers", "31", "", ""])
    found.append(_made("ward-elections", text(votes), 20, 6, votes[1]))
    survey = [["Respondent ID", "Collector", "Which of these do you use?", "", "", "How satisfied are you?"],
              ["", "", "Bus", "Train", "Bike", "Response"]]
    rows = [[str(3_000_000_000 + i), "54821", *(rng.choice([m, ""]) for m in ("Bus", "Train", "Bike")),
             rng.choice(["Very", "Somewhat", "Not at all"])] for i in range(70)]
    found.append(_made("survey-monkey", text([*survey, *rows]), 70, 6))
    qualtrics = [["StartDate", "Status", "Progress", "Q1", "Q2_1"], ["Start Date", "Response Type", "Progress",
                 "What is your age, in years?", "Do you agree? - I like\ntables"],
                 ['{"ImportId":"startDate"}', '{"ImportId":"status"}', '{"ImportId":"progress"}',
                  '{"ImportId":"QID1"}', '{"ImportId":"QID2_1"}']]
    rows = [[f"2023-05-0{1 + i % 9} 10:00:00", "0", "100", str(18 + i), rng.choice(["Agree", "Disagree"])]
            for i in range(50)]
    found.append(_made("qualtrics", text([*qualtrics, *rows]), 50, 5))
    crlf_in = [[str(i), f"line one\r\nline two of {i}", "open"] for i in range(40)]
    found.append(_made("crlf-in-cells", text([["id", "comment", "state"], *crlf_in], end="\n"), 40, 3))
    half = [[f"P{i}", f"5' {i % 12}\" tall", str(60 + i)] for i in range(40)]
    found.append(_made("feet-and-inches", "\n".join(",".join(r) for r in [["who", "height", "kg"], *half]) + "\n",
                       40, 3, ["who", "height", "kg"]))
    return found


GENERATORS: tuple[Callable[[], list[Case]], ...] = (
    world, europe, britain, america, elsewhere, climate, instruments, web,
)


def portal_cases() -> list[Case]:
    """Every portal case, names unique."""
    found = [case for generate in GENERATORS for case in generate()]
    assert len({case.name for case in found}) == len(found)
    return found
