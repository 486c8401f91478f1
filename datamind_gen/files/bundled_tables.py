"""The tables behind the bundled workbooks, databases and Parquet files, with their codes spelled out.

Every label and unit here is the one that the data set's own notes in statsmodels document.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.datasets as source
from statsmodels.datasets import elec_equip

Schema = list[tuple[str, str, pd.DataFrame]]
"""CREATE TABLE, table name and rows, parents before children."""

_PARTIES = (
    "Strong Democrat", "Weak Democrat", "Independent-Democrat", "Independent-Independent",
    "Independent-Republican", "Weak Republican", "Strong Republican",
)  # fmt: skip
_EDUCATION = (
    "1-8 grades", "Some high school", "High school graduate", "Some college", "College degree",
    "Master's degree", "PhD",
)  # fmt: skip
_LEANINGS = (
    "Extremely liberal", "Liberal", "Slightly liberal", "Moderate", "Slightly conservative", "Conservative",
    "Extremely conservative",
)  # fmt: skip
_INCOMES = (
    "None or less than $2,999", "$3,000-$4,999", "$5,000-$6,999", "$7,000-$8,999", "$9,000-$9,999",
    "$10,000-$10,999", "$11,000-$11,999", "$12,000-$12,999", "$13,000-$13,999", "$14,000-$14,999",
    "$15,000-$16,999", "$17,000-$19,999", "$20,000-$21,999", "$22,000-$24,999", "$25,000-$29,999",
    "$30,000-$34,999", "$35,000-$39,999", "$40,000-$44,999", "$45,000-$49,999", "$50,000-$59,999",
    "$60,000-$74,999", "$75,000-$89,999", "$90,000-$104,999", "$105,000 and over",
)  # fmt: skip
_VOTES = ("Clinton", "Dole")
_MODES = ("air", "train", "bus", "car")
_HEALTH = ("excellent", "good", "fair", "poor")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def _labels(codes: pd.Series, labels: tuple[str, ...], *, first: int) -> pd.Series:
    return codes.astype(int).map(dict(enumerate(labels, start=first)))


def election() -> pd.DataFrame:
    """One row per respondent of the 1996 American National Election Study (944 x 10)."""
    raw = source.anes96.load_pandas().data
    return pd.DataFrame(
        {
            "respondent_id": range(1, len(raw) + 1),
            "age": raw["age"].astype(int),
            "education": _labels(raw["educ"], _EDUCATION, first=1),
            "household_income": _labels(raw["income"], _INCOMES, first=1),
            "party": _labels(raw["PID"], _PARTIES, first=0),
            "expected_vote": _labels(raw["vote"], _VOTES, first=0),
            "own_leaning": _labels(raw["selfLR"], _LEANINGS, first=1),
            "clinton_leaning": _labels(raw["ClinLR"], _LEANINGS, first=1),
            "dole_leaning": _labels(raw["DoleLR"], _LEANINGS, first=1),
            "tv_news_days_per_week": raw["TVnews"].astype(int),
            "place_population_thousands": raw["popul"].astype(int),
        }
    )


def election_sheets() -> dict[str, pd.DataFrame]:
    return {"respondents": election()}


def election_schema() -> Schema:
    frame = election()
    schema: Schema = []
    for table, column, labels in (
        ("party", "party", _PARTIES),
        ("education_level", "education", _EDUCATION),
        ("income_band", "household_income", _INCOMES),
        ("leaning", "own_leaning", _LEANINGS),
    ):
        create = f"CREATE TABLE {table} ({table}_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
        rows = pd.DataFrame({f"{table}_id": range(1, len(labels) + 1), "name": labels})
        schema.append((create, table, rows))
        frame[column] = frame[column].map(dict(zip(labels, rows.iloc[:, 0], strict=True)))
    leaning = dict(zip(_LEANINGS, range(1, len(_LEANINGS) + 1), strict=True))
    respondents = pd.DataFrame(
        {
            "respondent_id": frame["respondent_id"],
            "age": frame["age"],
            "education_level_id": frame["education"],
            "income_band_id": frame["household_income"],
            "party_id": frame["party"],
            "leaning_id": frame["own_leaning"],
            "expected_vote": frame["expected_vote"],
            "tv_news_days_per_week": frame["tv_news_days_per_week"],
            "place_population_thousands": frame["place_population_thousands"],
        }
    )
    create = """CREATE TABLE respondent (
    respondent_id INTEGER PRIMARY KEY,
    age INTEGER NOT NULL,
    education_level_id INTEGER NOT NULL REFERENCES education_level (education_level_id),
    income_band_id INTEGER NOT NULL REFERENCES income_band (income_band_id),
    party_id INTEGER NOT NULL REFERENCES party (party_id),
    leaning_id INTEGER NOT NULL REFERENCES leaning (leaning_id),
    expected_vote TEXT NOT NULL,
    tv_news_days_per_week INTEGER NOT NULL,
    place_population_thousands INTEGER NOT NULL
)"""
    schema.append((create, "respondent", respondents))
    candidates = pd.DataFrame(
        [
            (respondent, candidate, leaning[seen])
            for respondent, clinton, dole in frame[
                ["respondent_id", "clinton_leaning", "dole_leaning"]
            ].itertuples(index=False)
            for candidate, seen in (("Clinton", clinton), ("Dole", dole))
        ],
        columns=["respondent_id", "candidate", "leaning_id"],
    )
    create = """CREATE TABLE candidate_view (
    respondent_id INTEGER NOT NULL REFERENCES respondent (respondent_id),
    candidate TEXT NOT NULL,
    leaning_id INTEGER NOT NULL REFERENCES leaning (leaning_id),
    PRIMARY KEY (respondent_id, candidate)
)"""
    schema.append((create, "candidate_view", candidates))
    return schema


def travel() -> pd.DataFrame:
    """One row per traveller and mode: intercity trips in Australia, 1987 (840 x 9)."""
    raw = source.modechoice.load_pandas().data
    return pd.DataFrame(
        {
            "traveller_id": raw["individual"].astype(int),
            "mode": _labels(raw["mode"], _MODES, first=1),
            "chosen": _labels(raw["choice"], ("no", "yes"), first=0),
            "terminal_wait_minutes": raw["ttme"].astype(int),
            "vehicle_cost_dollars": raw["invc"].astype(int),
            "travel_time_minutes": raw["invt"].astype(int),
            "generalized_cost_dollars": raw["gc"].astype(int),
            "household_income_thousands": raw["hinc"].astype(int),
            "group_size": raw["psize"].astype(int),
        }
    )


_TRAVELLER = ["traveller_id", "household_income_thousands", "group_size"]


def travel_sheets() -> dict[str, pd.DataFrame]:
    frame = travel()
    travellers = frame[_TRAVELLER].drop_duplicates("traveller_id")
    chosen = frame[frame["chosen"] == "yes"][["traveller_id", "mode"]]
    travellers = travellers.merge(chosen.rename(columns={"mode": "chosen_mode"}), on="traveller_id")
    return {"options": frame.drop(columns=_TRAVELLER[1:]), "travellers": travellers}


def travel_schema() -> Schema:
    frame = travel()
    modes = pd.DataFrame({"mode_id": range(1, len(_MODES) + 1), "name": _MODES})
    frame["mode"] = frame["mode"].map(dict(zip(_MODES, modes["mode_id"], strict=True)))
    options = frame.drop(columns=_TRAVELLER[1:])
    return [
        (
            "CREATE TABLE travel_mode (mode_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
            "travel_mode",
            modes,
        ),
        (
            """CREATE TABLE traveller (
    traveller_id INTEGER PRIMARY KEY,
    household_income_thousands INTEGER NOT NULL,
    group_size INTEGER NOT NULL
)""",
            "traveller",
            frame[_TRAVELLER].drop_duplicates("traveller_id"),
        ),
        (
            """CREATE TABLE trip_option (
    traveller_id INTEGER NOT NULL REFERENCES traveller (traveller_id),
    mode_id INTEGER NOT NULL REFERENCES travel_mode (mode_id),
    chosen TEXT NOT NULL,
    terminal_wait_minutes INTEGER NOT NULL,
    vehicle_cost_dollars INTEGER NOT NULL,
    travel_time_minutes INTEGER NOT NULL,
    generalized_cost_dollars INTEGER NOT NULL,
    PRIMARY KEY (traveller_id, mode_id)
)""",
            "trip_option",
            options,
        ),
    ]


def firms() -> pd.DataFrame:
    """One row per firm and year, 1935 to 1954, in millions of 1947 dollars as Grunfeld had them (220 x 5)."""
    raw = source.grunfeld.load_pandas().data
    return pd.DataFrame(
        {
            "firm": [name.decode() if isinstance(name, bytes) else name for name in raw["firm"]],
            "year": raw["year"].astype(int),
            "gross_investment": raw["invest"],
            "market_value": raw["value"],
            "plant_and_equipment": raw["capital"],
        }
    )


def firm_sheets() -> dict[str, pd.DataFrame]:
    frame = firms()
    early = frame["year"] <= 1944
    return {"1935-1944": frame[early], "1945-1954": frame[~early]}


def firm_schema() -> Schema:
    frame = firms()
    names = list(dict.fromkeys(frame["firm"]))
    firm = pd.DataFrame({"firm_id": range(1, len(names) + 1), "name": names})
    ids = frame["firm"].map(dict(zip(names, firm["firm_id"], strict=True)))
    key = pd.DataFrame({"firm_id": ids, "year": frame["year"]})
    create = """CREATE TABLE {name} (
    firm_id INTEGER NOT NULL REFERENCES firm (firm_id),
    year INTEGER NOT NULL,
{columns},
    PRIMARY KEY (firm_id, year)
)"""
    balance = ["market_value", "plant_and_equipment"]
    return [
        ("CREATE TABLE firm (firm_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)", "firm", firm),
        (
            create.format(name="investment", columns="    gross_investment REAL NOT NULL"),
            "investment",
            key.assign(gross_investment=frame["gross_investment"]),
        ),
        (
            create.format(
                name="valuation", columns=",\n".join(f"    {name} REAL NOT NULL" for name in balance)
            ),
            "valuation",
            key.join(frame[balance]),
        ),
    ]


_ECONOMY = {
    "output": {
        "realgdp": "real_gdp",
        "realcons": "real_consumption",
        "realinv": "real_investment",
        "realgovt": "real_government_spending",
        "realdpi": "real_disposable_income",
    },
    "prices": {
        "cpi": "consumer_price_index",
        "m1": "money_stock_m1",
        "tbilrate": "treasury_bill_rate",
        "infl": "inflation_rate",
        "realint": "real_interest_rate",
    },
    "labour": {"unemp": "unemployment_rate", "pop": "population_millions"},
}


def economy_sheets() -> dict[str, pd.DataFrame]:
    raw = source.macrodata.load_pandas().data
    quarters = raw[["year", "quarter"]].astype(int)
    return {name: quarters.join(raw[list(names)].rename(columns=names)) for name, names in _ECONOMY.items()}


def economy_schema() -> Schema:
    sheets = economy_sheets()
    quarters = sheets["output"][["year", "quarter"]]
    ids = pd.DataFrame({"quarter_id": range(1, len(quarters) + 1)})
    create = """CREATE TABLE quarter (
    quarter_id INTEGER PRIMARY KEY,
    year INTEGER NOT NULL,
    quarter INTEGER NOT NULL
)"""
    schema: Schema = [(create, "quarter", ids.join(quarters))]
    for name, frame in sheets.items():
        values = frame.drop(columns=["year", "quarter"])
        columns = ",\n".join(f"    {column} REAL" for column in values)
        key = "    quarter_id INTEGER PRIMARY KEY REFERENCES quarter (quarter_id)"
        create = f"CREATE TABLE {name} (\n{key},\n{columns}\n)"
        schema.append((create, name, ids.join(values)))
    return schema


def health() -> pd.DataFrame:
    """One row per person-year of the RAND health insurance experiment, numbered (20,190 x 8)."""
    raw = source.randhie.load_pandas().data
    status = np.select([raw["hlthg"] == 1, raw["hlthf"] == 1, raw["hlthp"] == 1], _HEALTH[1:], _HEALTH[0])
    return pd.DataFrame(
        {
            "person_year_id": range(1, len(raw) + 1),
            "doctor_visits": raw["mdvis"].astype(int),
            "coinsurance_percent": (np.exp(raw["lncoins"]) - 1).round(0).astype(int),
            "deductible_plan": np.where(raw["idp"] == 1, "yes", "no"),
            "participation_incentive": np.exp(raw["lpi"]).round(2),
            "physical_limitation": raw["physlm"].round(6),
            "chronic_disease_index": raw["disea"].round(4),
            "self_rated_health": status,
        }
    )


def health_schema() -> Schema:
    frame = health()
    plan_columns = ["coinsurance_percent", "deductible_plan"]
    plans = frame[plan_columns].drop_duplicates().sort_values(plan_columns).reset_index(drop=True)
    plans.insert(0, "plan_id", range(1, len(plans) + 1))
    status = pd.DataFrame({"health_id": range(1, len(_HEALTH) + 1), "rating": _HEALTH})
    linked = frame.merge(plans, on=plan_columns).sort_values("person_year_id")
    linked["health_id"] = linked["self_rated_health"].map(
        dict(zip(_HEALTH, status["health_id"], strict=True))
    )
    facts = linked[
        [
            "person_year_id", "plan_id", "health_id", "doctor_visits", "participation_incentive",
            "physical_limitation", "chronic_disease_index",
        ]
    ]  # fmt: skip
    return [
        (
            """CREATE TABLE insurance_plan (
    plan_id INTEGER PRIMARY KEY,
    coinsurance_percent INTEGER NOT NULL,
    deductible_plan TEXT NOT NULL
)""",
            "insurance_plan",
            plans,
        ),
        (
            "CREATE TABLE health_status (health_id INTEGER PRIMARY KEY, rating TEXT NOT NULL)",
            "health_status",
            status,
        ),
        (
            """CREATE TABLE person_year (
    person_year_id INTEGER PRIMARY KEY,
    plan_id INTEGER NOT NULL REFERENCES insurance_plan (plan_id),
    health_id INTEGER NOT NULL REFERENCES health_status (health_id),
    doctor_visits INTEGER NOT NULL,
    participation_incentive REAL NOT NULL,
    physical_limitation REAL NOT NULL,
    chronic_disease_index REAL NOT NULL
)""",
            "person_year",
            facts,
        ),
    ]


def co2() -> pd.DataFrame:
    """Weekly carbon dioxide at Mauna Loa, 1958 to 2001 (2,284 x 2)."""
    raw = source.co2.load_pandas().data
    return pd.DataFrame(
        {"week": pd.to_datetime(raw.index).astype("datetime64[ms]"), "co2_ppm": raw["co2"].to_numpy()}
    )


def sea_temperature() -> pd.DataFrame:
    """Monthly sea surface temperature, 1950 to 2010 (732 x 3)."""
    raw = source.elnino.load_pandas().data
    long = raw.melt(
        id_vars="YEAR", value_vars=list(_MONTHS), var_name="month", value_name="temperature_celsius"
    )
    order = dict(zip(_MONTHS, range(12), strict=True))
    long = long.sort_values(["YEAR", "month"], key=lambda s: s.map(order) if s.name == "month" else s)
    long = long.rename(columns={"YEAR": "year"}).astype({"year": int})
    return long.assign(month=long["month"].str.title()).reset_index(drop=True)


def equipment_orders() -> pd.DataFrame:
    """Monthly index of new orders of electrical equipment in the euro area, 1995 to 2016 (257 x 2)."""
    raw = elec_equip.load_pandas().data
    index = pd.to_datetime(raw.index).astype("datetime64[ms]")
    return pd.DataFrame({"month": index, "new_orders_index": raw.iloc[:, 0].to_numpy(dtype=float)})


def state_crime() -> pd.DataFrame:
    """One row per US state, 2009 (51 x 8)."""
    raw = source.statecrime.load_pandas().data.reset_index()
    return raw.rename(
        columns={
            "violent": "violent_crimes_per_100k",
            "murder": "murders_per_100k",
            "hs_grad": "high_school_graduates_percent",
            "poverty": "poverty_percent",
            "single": "single_parent_percent",
            "white": "white_percent",
            "urban": "urban_percent",
        }
    )
