"""Chains run on real files: exact references, two routes on databases, and hops that matter."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from datamind_gen.files import find_file, profile_file
from datamind_gen.rows import Profile, Slot
from datamind_gen.sandbox import Sandbox
from datamind_gen.taxonomy import (
    Chain,
    Executor,
    Fate,
    Link,
    Run,
    draw,
    extend,
    from_query,
    instantiate,
    load_taxonomy,
    make_query,
)
from datamind_gen.taxonomy.schema import Wire
from datamind_gen.taxonomy.views import list_views

Loaded = tuple[Profile, dict[str, Path]]
TAXONOMY = load_taxonomy("data_analysis")


RunChains = Callable[[Loaded, Sequence[Chain]], tuple[Run, ...]]


@pytest.fixture
def run(do: Callable[..., tuple[Run, ...]], sandbox: Sandbox) -> RunChains:
    async def go(loaded: Loaded, chains: Sequence[Chain]) -> tuple[Run, ...]:
        async with Executor(sandbox, *loaded) as executor:
            return await executor.run(chains, stop_at_first=False)

    return lambda loaded, chains: do(go(loaded, chains))


def link(path: str, wire: Wire | None = None, **slots: object) -> Link:
    program = TAXONOMY.program(path)
    filled = []
    for name, value in slots.items():
        if isinstance(value, Slot):
            filled.append(value)
        elif name in program.slots and program.slots[name].column is not None:
            filled.append(Slot(name=name, column=str(value)))
        else:
            of = program.slots[name].of
            filled.append(Slot(name=name, value=value, column=str(slots[of]) if of else None))  # type: ignore[arg-type]
    return Link(path.partition("/")[0], program, tuple(filled), wire)


def firms(loaded: Loaded, *links: Link) -> Chain:
    return Chain(list_views(loaded[0])[0], links)


@pytest.fixture
def csv(bundled: Callable[[str], Loaded]) -> Loaded:
    return bundled("firm_investment.csv")


def test_a_reference_is_what_pandas_says(run: RunChains, csv: Loaded) -> None:
    profile, paths = csv
    frame = pd.read_csv(paths[profile.file.parts[0].name])
    (found,) = run(
        csv, [firms(csv, link("aggregation/total_of_label", value="value", group="firm", level="IBM"))]
    )
    assert found.good, found.detail
    assert found.answers[0].value == round(frame.loc[frame.firm == "IBM", "value"].sum(), 2)


def test_a_chain_passes_answers_on(run: RunChains, csv: Loaded) -> None:
    profile, paths = csv
    frame = pd.read_csv(paths[profile.file.parts[0].name])
    first = link("ranking/group_with_largest_total", group="firm", value="capital", end="smallest")
    wired = Slot(name="filter", column="firm", value="==", wired=0)
    second = link(
        "aggregation/mean_of_top_rows", Wire.FILTER, value="value", other="invest", top=5, filter=wired
    )
    (found,) = run(csv, [firms(csv, first, second)])
    assert found.good, found.detail
    firm = frame.groupby("firm").capital.sum().idxmin()
    assert found.answers[0].value == firm
    assert found.answers[1].value == round(frame[frame.firm == firm].nlargest(5, "invest").value.mean(), 2)
    query = make_query(found.chain, found.answers, profile, random.Random(1))
    assert query is not None
    assert firm not in query.question
    assert from_query(query, TAXONOMY, profile).key == found.chain.key


def test_a_hop_that_changes_nothing_is_degenerate(run: RunChains, csv: Loaded) -> None:
    first = link(
        "aggregation/mean_above_threshold", value="invest", other="capital", threshold=1, side="above"
    )
    everything = Slot(name="filter", column="value", value=">", wired=0)
    last = link(
        "ranking/year_with_extreme_total",
        Wire.FILTER,
        year="year",
        value="invest",
        end="highest",
        filter=everything,
    )
    (found,) = run(csv, [firms(csv, first, last)])
    assert found.fate in (Fate.DEGENERATE, Fate.GUARD)
    assert not found.good


@pytest.mark.parametrize(
    ("values", "is_drawn"),
    [
        pytest.param((0.1, 0.2, 0.3), False, id="rounding"),
        pytest.param((45.27906396881807, 47.27906396881807, 49.27906396881807), False, id="mean-imputed"),
        pytest.param((0.1, 0.2, 0.6), True, id="clear"),
    ],
)
def test_a_bound_that_but_for_rounding_is_a_rows_value_is_degenerate(
    run: RunChains, tmp_path: Path, values: tuple[float, ...], is_drawn: bool
) -> None:
    """The mean of 0.1, 0.2 and 0.3 is 0.20000000000000004: is 0.2 below it? That depends on who adds up."""
    few = [("a", value) for value in (*values, *values)]
    rows = [*few, *(("b", 50 + number / 8) for number in range(40))]
    path = tmp_path / "lengths.csv"
    pd.DataFrame(rows, columns=["kind", "length"]).assign(weight=range(46)).to_csv(path, index=False)
    found = find_file(path, license="none")
    loaded = profile_file(found), {found.file.parts[0].name: path}
    total, about_a = "aggregation/total_of_label", {"group": "kind", "level": "a"}
    first = link("aggregation/average_of_label", value="length", **about_a)
    below = Slot(name="filter", column="length", value="<", wired=0)
    second = link(total, Wire.FILTER, value="weight", filter=below, **about_a)
    (got,) = run(loaded, [firms(loaded, first, second)])
    assert ("but for rounding" not in got.detail) is is_drawn


def test_a_guard_drops_a_draw(run: RunChains, csv: Loaded) -> None:
    (found,) = run(
        csv,
        [
            firms(
                csv,
                link(
                    "aggregation/mean_above_threshold",
                    value="invest",
                    other="capital",
                    threshold=1e9,
                    side="above",
                ),
            )
        ],
    )
    assert found.fate is not Fate.GOOD


@pytest.mark.parametrize(
    ("python", "error"),
    [
        ("answer = df['no such column'].sum()", "KeyError"),
        ("np.linalg.lstsq(np.full((2, 1), np.nan), np.ones(2))", "LinAlgError"),
    ],
    ids=["no-such-column", "lapack-prints-beside-it"],
)
def test_a_program_that_fails_is_an_error_and_spares_the_others(
    run: RunChains, csv: Loaded, python: str, error: str
) -> None:
    good = link("aggregation/total_of_label", value="value", group="firm", level="IBM")
    bad = Link("aggregation", good.program.model_copy(update={"python": python}), good.slots)
    found = run(csv, [firms(csv, bad), firms(csv, good)])
    assert [one.fate for one in found] == [Fate.ERROR, Fate.GOOD]
    assert error in found[0].detail


def test_databases_are_answered_twice(run: RunChains, bundled: Callable[[str], Loaded]) -> None:
    loaded = bundled("company_investment.sqlite")
    rng = random.Random(7)
    drawn = draw(TAXONOMY.category("ranking"), loaded[0], rng)
    chains = [next(drawn) for _ in range(12)]
    longer = [found for chain in chains if (found := extend(chain, TAXONOMY, rng)) is not None]
    results = run(loaded, [*chains, *longer])
    assert not [found.detail for found in results if found.fate is Fate.ERROR]
    good = [found for found in results if found.good]
    assert len(good) >= 5
    assert all(found.answers[-1].columns for found in good)


def test_sql_that_disagrees_with_python_is_found_out(
    run: RunChains, bundled: Callable[[str], Loaded]
) -> None:
    loaded = bundled("company_investment.sqlite")
    drawn = draw(TAXONOMY.category("aggregation"), loaded[0], random.Random(3))
    chains = [chain for _, chain in zip(range(8), drawn, strict=False)]
    right = [found.chain for found in run(loaded, chains) if found.good]
    assert right
    spoilt = []
    for chain in right:
        sql = chain.last.program.sql
        assert sql is not None
        program = chain.last.program.model_copy(update={"sql": sql.replace("ROUND(", "2 * ROUND(", 1)})
        spoilt.append(replace(chain, links=(replace(chain.last, program=program),)))
    found = run(loaded, spoilt)
    assert [one.fate for one in found] == [Fate.ERROR] * len(right)
    assert all("disagree" in one.detail for one in found)


def test_claims_about_a_database_keep_their_statement(
    run: RunChains, bundled: Callable[[str], Loaded]
) -> None:
    loaded = bundled("company_investment.sqlite")
    program = TAXONOMY.program("fact_checking/rule_with_exceptions")
    drawn = (
        instantiate(program, view, "fact_checking", random.Random(seed))
        for view in list_views(loaded[0])
        for seed in range(4)
    )
    good = [found for found in run(loaded, [chain for chain in drawn if chain is not None]) if found.good]
    assert good
    for found in good:
        answer = found.answers[-1]
        assert answer.text.startswith("The rule ")
        assert answer.columns, "what is compared stays the result table"


def test_a_label_that_an_earlier_hop_took_away_is_no_error(run: RunChains, csv: Loaded) -> None:
    first = link("ranking/group_with_largest_total", group="firm", value="capital", end="largest")
    wired = Slot(name="filter", column="firm", value="==", wired=0)
    last = link(
        "aggregation/total_of_label", Wire.FILTER, value="value", group="year", level=1935, filter=wired
    )
    reads = "answer = df.groupby('firm').value.sum()['IBM']"
    last = replace(last, program=last.program.model_copy(update={"python": reads, "guards": ()}))
    (found,) = run(csv, [firms(csv, first, last)])
    assert found.fate is Fate.DEGENERATE
    assert "KeyError" in found.detail


def test_date_texts_of_sqlite_fill_date_slots(run: RunChains, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE sale (day DATE, amount REAL)")
        days = [f"20{20 + n // 24}-{n % 12 + 1:02}-{n % 27 + 1:02} 00:00:00" for n in range(72)]
        rows = [(day, 10.0 + n * n % 37) for n, day in enumerate(days)]
        connection.executemany("INSERT INTO sale VALUES (?, ?)", rows)
        connection.commit()
    found = find_file(path)
    loaded = (profile_file(found), {found.file.parts[0].name: path})
    (view,) = list_views(loaded[0])
    program = TAXONOMY.program("time_based_calculation/extreme_day_above_threshold")
    chain = instantiate(program, view, "time_based_calculation", random.Random(2))
    assert chain is not None
    (done,) = run(loaded, [chain])
    assert done.good, done.detail
    assert done.answers[-1].columns
