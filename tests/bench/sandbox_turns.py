"""The benchmark's five turns over a CSV file of 5 MB, one of which fails with a KeyError."""

from __future__ import annotations

import random
from pathlib import Path

TURNS = (
    "import pandas as pd\ndf = pd.read_csv('data/files/sales.csv')\nprint(df.head(3))\nprint(df.dtypes)",
    "df['day'] = pd.to_datetime(df['day'])\n"
    "print(df.groupby('city')['amount'].agg(['mean', 'sum', 'count']))",
    "print(df['revenue'].sum())",
    "monthly = df.set_index('day').resample('MS')['amount'].sum()\n"
    "months = df['day'].dt.month\n"
    "print(df.pivot_table(index='city', columns=months, values='amount', aggfunc='mean').round(2))",
    "from sklearn.linear_model import LinearRegression\n"
    "fit = LinearRegression().fit(df[['units', 'price']], df['amount'])\nprint(fit.coef_.round(3))",
)
FAILS = 2
"""The turn with the KeyError."""


def make_data(path: Path) -> None:
    """A CSV file of 5 MB: 130,000 sales."""
    dice = random.Random(7)
    cities = ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Tokyo")
    with path.open("w") as file:
        file.write("id,day,city,units,price,amount\n")
        for number in range(130_000):
            units, price = dice.randint(1, 20), round(dice.uniform(1, 99), 2)
            day = f"2024-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
            file.write(f"{number},{day},{dice.choice(cities)},{units},{price},{units * price:.2f}\n")
