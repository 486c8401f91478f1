"""Plans approach the wanted shares, keep to their caps, and are the same on every start."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from datamind_gen.rows import Level
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.diversity import measure_diversity, normalised_entropy
from datamind_gen.stages.matrix import GapCause, find_gaps, plan_matrix
from datamind_gen.stages.plan import Cell, SettledQuery, find_reach, list_cells, plan_wave
from datamind_gen.stages.write import WriteStage

FILES = ("firm_investment.csv", "state_crime_2009.csv", "company_investment.sqlite", "us_economy.xlsx")


def spec_of(**settings: object) -> PipelineSpec:
    return PipelineSpec.model_validate({"name": "t", **settings})


def plan(spec: PipelineSpec, taxonomy: Any, profiles: Any, settled: Any = (), **options: Any) -> Any:
    defaults = {"wave": 1, "seed": 0, "limit": None, "expected_kept_per_query": 1.0}
    return plan_wave(spec.coverage, spec.queries, taxonomy, profiles, settled, **(defaults | options))


def test_shares_are_approached_within_the_caps(taxonomy: Any, bundled: Any) -> None:
    profiles = [bundled(name)[0] for name in FILES]
    spec = spec_of(coverage={"target": 120, "per_file": 40}, queries={"hops": {1: 0.5, 2: 0.3, 3: 0.2}})
    found = plan(spec, taxonomy, profiles)
    assert len(found) == 120 == len({one.id for one in found})
    assert max(Counter(one.file_id for one in found).values()) <= 40
    hops = Counter(one.hops for one in found)
    assert all(abs(hops[number] / 120 - share) <= 0.01 for number, share in spec.queries.hops.items())
    counts, weights = Counter(one.category for one in found), taxonomy.weights()
    assert all(abs(counts[name] / 120 - share) <= 0.02 for name, share in weights.items())
    shuffled = random.Random(1).sample(profiles, len(profiles))
    assert {one.id for one in plan(spec, taxonomy, shuffled)} == {one.id for one in found}


def test_later_waves_go_where_it_is_missing(taxonomy: Any, bundled: Any) -> None:
    profiles = [bundled(name)[0] for name in FILES]
    weights = {"ranking": 1.0, "counting": 1.0}
    spec = spec_of(coverage={"target": 40, "per_file": 40, "categories": weights})
    first = plan(spec, taxonomy, profiles)
    formats = {profile.file.id: profile.file.format for profile in profiles}
    settled = [
        SettledQuery(
            category=one.category, format=formats[one.file_id], hops=one.hops, level=Level.EASY,
            file_id=one.file_id, kept_trajectories=int(one.category == "ranking"),
        )
        for one in first
    ]  # fmt: skip
    second = plan(spec, taxonomy, profiles, settled, wave=2)
    assert {one.category for one in second} == {"counting"}
    assert len(plan(spec, taxonomy, profiles, settled, wave=2, limit=45)) == 5
    done = [SettledQuery(category="ranking", format=formats[profiles[0].file.id], hops=1, level=Level.EASY,
                         file_id=profiles[0].file.id, kept_trajectories=40)]  # fmt: skip
    assert plan(spec, taxonomy, profiles, done, wave=2) == ()


def test_levels_are_wanted_where_hops_come_to_them_and_later_waves_ask_for_what_is_missing(
    taxonomy: Any, bundled: Any
) -> None:
    profiles = [bundled(name)[0] for name in FILES]
    shares = {"easy": 0.3, "medium": 0.3, "hard": 0.2, "very_hard": 0.2}
    spec = spec_of(
        coverage={"target": 100, "per_file": 60, "levels": shares},
        queries={"hops": {1: 0.5, 2: 0.3, 3: 0.2}},
    )
    first = plan(spec, taxonomy, profiles)
    counts = Counter(one.level for one in first)
    assert all(abs(counts[Level(name)] / 100 - share) <= 0.03 for name, share in shares.items()), counts
    assert {one.hops for one in first if one.level is Level.EASY} == {1}
    settled = settle(first, profiles)  # all of it came out easy
    more = spec_of(
        coverage={"target": 130, "per_file": 60, "levels": shares}, queries={"hops": {1: 0.5, 2: 0.3, 3: 0.2}}
    )
    second = plan(more, taxonomy, profiles, settled, wave=2)
    assert second
    assert Level.EASY not in {one.level for one in second}
    unasked = spec_of(coverage={"target": 20, "per_file": 60})
    assert {one.level for one in plan(unasked, taxonomy, profiles)} == {None}


def test_the_matrix_is_the_plan(taxonomy: Any, bundled: Any) -> None:
    profiles = [bundled(name)[0] for name in FILES]
    spec = spec_of(coverage={"target": 70, "per_file": 40}, queries={"author": {"model": 1, "program": 1}})
    matrix = plan_matrix(spec, taxonomy, profiles, expected_kept_per_query=0.7)
    assert matrix.planned == matrix.wanted == 100
    assert dict(matrix.origins) == {"model": 50, "program": 50}
    assert matrix.files == len(FILES)
    assert set(matrix.formats) == {"csv", "sqlite", "xlsx"}
    small = plan_matrix(spec_of(coverage={"target": 70, "per_file": 5}), taxonomy, profiles)
    assert small.planned == 20 < small.wanted
    assert small.empty_categories


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_authors_mix_as_wanted(taxonomy: Any, bundled: Any, seed: int) -> None:
    profiles = [bundled(name)[0] for name in FILES]
    spec = spec_of(
        coverage={"target": 100, "per_file": 60}, queries={"author": {"model": 0.7, "program": 0.3}}
    )
    found = plan(spec, taxonomy, profiles, seed=seed)
    assert Counter(one.origin.value for one in found) == {"model": 70, "program": 30}


def settle(assignments: Any, profiles: Any, *, refuses: Any = lambda cell: False) -> list[SettledQuery]:
    """What a wave leaves where everything is kept but the cells that refuse."""
    formats = {profile.file.id: profile.file.format for profile in profiles}
    return [
        SettledQuery(
            category=one.category,
            format=formats[one.file_id],
            hops=one.hops,
            level=Level.EASY,
            file_id=one.file_id,
            kept_trajectories=int(not refuses(Cell(one.category, formats[one.file_id].value, one.hops))),
        )
        for one in assignments
    ]


def test_every_cell_that_the_data_allow_gets_a_row_and_the_rest_say_why(taxonomy: Any, bundled: Any) -> None:
    profiles = [bundled(name)[0] for name in FILES]
    queries = {"hops": {1: 0.8, 3: 0.2}}
    spec = spec_of(coverage={"target": 10, "each_cell": 1, "per_file": 500}, queries=queries)
    reach = find_reach(spec.queries, taxonomy, profiles)
    allowed = list_cells(spec.coverage, spec.queries, taxonomy, profiles, reach)
    formats = {profile.file.id: profile.file.format.value for profile in profiles}
    first = plan(spec, taxonomy, profiles, reach=reach)
    assert {Cell(one.category, formats[one.file_id], one.hops) for one in first} == allowed
    assert all(reach(one.origin, one.file_id, one.category) >= one.hops for one in first)

    stubborn = Cell("ranking", "csv", 3)
    assert stubborn in allowed
    left = settle(first, profiles, refuses=lambda cell: cell == stubborn)
    second = plan(spec, taxonomy, profiles, left, wave=2, reach=reach)
    assert [(one.category, formats[one.file_id], one.hops) for one in second] == [stubborn] * 2
    kept = allowed - {stubborn}
    gaps = find_gaps(spec, taxonomy, profiles, kept, reach)
    assert {gap.cause for gap in gaps if (gap.category, gap.format, gap.hops) == stubborn} == {
        GapCause.NOT_REACHED
    }
    others = [gap for gap in gaps if (gap.category, gap.format, gap.hops) != stubborn]
    assert all(gap.cause is GapCause.NOT_ALLOWED for gap in others)
    assert len(gaps) + len(kept) == 18 * 3 * 2


def test_what_filtering_took_is_asked_where_it_is_missing(taxonomy: Any, bundled: Any) -> None:
    """Categories that lose most of their rows still end at their shares."""
    profiles = [bundled(name)[0] for name in FILES]
    spec = spec_of(coverage={"target": 300, "per_file": 400})
    reach = find_reach(spec.queries, taxonomy, profiles)
    rng = random.Random(3)
    settled: list[SettledQuery] = []
    for wave in range(1, 9):
        kept = sum(query.kept_trajectories for query in settled)
        found = plan(
            spec, taxonomy, profiles, settled, wave=wave, reach=reach,
            expected_kept_per_query=kept / len(settled) if settled else 1.0,
        )  # fmt: skip
        settled += settle(
            found, profiles, refuses=lambda cell: rng.random() < (0.7 if cell.category < "d" else 0.1)
        )
    counts = Counter(query.category for query in settled if query.kept_trajectories)
    total = counts.total()
    assert total >= 290
    for name, share in taxonomy.weights().items():
        assert abs(counts[name] / total - share) <= max(0.2 * share, 1.5 / total)


def test_diversity_is_a_function_of_the_set(
    do: Any, serve: Any, assign: Any, bundled: Any, taxonomy: Any
) -> None:
    loaded = bundled("firm_investment.csv")
    services = serve(loaded)
    names = [category.name for category in taxonomy.categories[:6]]
    queries = [do(WriteStage().run(assign(loaded, name), services))[0].row for name in names]
    queries = [query for query in queries if query is not None]
    found = measure_diversity(queries, [loaded[0]])
    assert found == measure_diversity(queries[::-1], [loaded[0]])
    assert found.template_entropy == pytest.approx(1)
    assert 0.2 <= found.column_coverage <= 1.0
    copies = measure_diversity([*queries, *queries], [loaded[0]])
    assert copies.distinct_3 == found.distinct_3 / 2
    assert copies.similarity_95 == 1.0 > found.similarity_95
    assert (found.exact_duplicates, copies.exact_duplicates) == (0, len(queries))
    nearly = [replace(query, id=f"{query.id}-2", question=f"{query.question} Now.") for query in queries]
    assert measure_diversity([*queries, *nearly], [loaded[0]]).near_duplicates == len(queries)


def test_entropy_of_shares() -> None:
    assert normalised_entropy([5, 5, 5]) == pytest.approx(1)
    assert normalised_entropy([]) == 0.0
    assert 0 < normalised_entropy([9, 1]) < 0.5
