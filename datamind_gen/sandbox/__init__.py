"""Runs untrusted Python and SQL: fast, frugally and without trust.

    from datamind_gen.sandbox import Sandbox

    async with Sandbox() as sandbox:
        session = await sandbox.open({"sales.csv": Path("/data/sales.csv")}, seed="trajectory-1")
        first = await session.run("import pandas as pd\\ndf = pd.read_csv('data/files/sales.csv')\\ndf.shape")
        print(first.status, first.echo)              # ok (1200, 7)
        second = await session.run("print(df.colums)")
        print(second.status, second.error)           # error, with the user's frames only
        third = await session.run("print(df['price'].mean())")   # df is still there
        await session.close()

Imports on any platform; runs on Linux. It decides nothing about wording or cuts of observations: that
is the agent loop's part.
"""

from datamind_gen.sandbox.isolation import Attempt, Isolation, Probe, SandboxUnavailable, probe
from datamind_gen.sandbox.results import OnError, Truncation, TurnResult, TurnStatus
from datamind_gen.sandbox.sandbox import Sandbox, Stats
from datamind_gen.sandbox.session import Session
from datamind_gen.sandbox.settings import SandboxSettings

__all__ = [
    "Attempt",
    "Isolation",
    "OnError",
    "Probe",
    "Sandbox",
    "SandboxSettings",
    "SandboxUnavailable",
    "Session",
    "Stats",
    "Truncation",
    "TurnResult",
    "TurnStatus",
    "probe",
]
