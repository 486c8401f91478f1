"""`extends:` and `--set`: what wins, where each value came from, and how a mistake in one is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datamind_gen.spec.loader import LoadedPipeline, load_pipeline
from tests.spec.conftest import Check, Write

Load = Callable[..., LoadedPipeline]


def test_the_nearest_file_wins_and_each_value_keeps_its_place(write: Write, load: Load) -> None:
    write("a.yaml", "seed: 1\nsample:\n  samples: 5\n  turns: 4\n")
    write("b.yaml", "extends: a.yaml\nsample:\n  turns: 6\n")
    loaded = load("extends: b.yaml\nsample: {temperature: 0.2}\n", ["seed=9"])
    sample = loaded.spec.sample
    assert (loaded.spec.seed, sample.samples, sample.turns, sample.temperature) == (9, 5, 6, 0.2)
    places = {
        key: str(loaded.place_of(key)) for key in ("sample.samples", "sample.turns", "sample.temperature")
    }
    assert places == {
        "sample.samples": "a.yaml:3",
        "sample.turns": "b.yaml:3",
        "sample.temperature": "mine.yaml:2",
    }
    assert str(loaded.place_of("seed")) == "--set seed=9"
    assert [path.name for path in loaded.files] == ["mine.yaml", "b.yaml", "a.yaml"]


def test_lists_and_maps_of_shares_are_replaced_whole(write: Write, load: Load) -> None:
    write(
        "base.yaml",
        """
        rules: [format, language]
        queries: {hops: {1: 0.5, 2: 0.5}, author: {model: 0.5, program: 0.5}}
        coverage: {categories: {ranking: 1, counting: 1}}
        """,
    )
    spec = load(
        """
        extends: base.yaml
        rules: [secrets]
        queries: {hops: {3: 1}, author: {program: 1}}
        coverage: {categories: {ranking: 1}}
        """
    ).spec
    assert [rule.name for rule in spec.rules] == ["secrets"]
    assert spec.queries.hops == {3: 1}
    assert (spec.queries.author.model, spec.queries.author.program) == (0, 1)
    assert spec.coverage.categories == {"ranking": 1}


def test_another_provider_replaces_a_model_and_the_same_one_extends_it(write: Write, load: Load) -> None:
    write("base.yaml", "models: {expert: {provider: scripted, fault_rate: 0.1, seed: 4}}\n")
    extended = load("extends: base.yaml\nmodels: {expert: {fault_rate: 0.2}}\n")
    assert not extended.problems
    assert extended.spec.models.expert.model_dump()["fault_rate"] == 0.2
    assert extended.spec.models.expert.seed == 4
    replaced = load("extends: base.yaml\nmodels: {expert: {provider: openai, model: m}}\n")
    assert not replaced.problems
    assert replaced.spec.models.expert.model == "m"


def test_name_title_and_description_are_never_inherited(write: Write, load: Load) -> None:
    write("base.yaml", "name: other\ntitle: Other\ndescription: Other\n")
    spec = load("extends: base.yaml\n").spec
    assert (spec.name, spec.title, spec.description) == ("mine", "", "")


@pytest.mark.parametrize(
    "section", ["run:", "sample:", "models:\n  expert: {provider: scripted}\nrun:\n  budget:"]
)
def test_a_section_left_empty_says_nothing(check: Check, section: str) -> None:
    assert check(f"{section}\n") == []


def test_paths_are_relative_to_the_file_that_wrote_them(write: Write, load: Load) -> None:
    write("shared/data/x.csv", "a,b\n1,2\n")
    write("shared/base.yaml", "sources: [{path: data/x.csv}]\n")
    loaded = load("extends: shared/base.yaml\ntaxonomy: ./asking\n", whole=True)
    (source,) = loaded.spec.sources
    assert source.path == "shared/data/x.csv"
    assert loaded.resolve(source.path).read_text() == "a,b\n1,2\n"


def test_a_path_set_on_the_command_line_is_relative_to_where_one_stands(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = write("pipelines/p.yaml", "taxonomy: ../asking\n")
    loaded = load_pipeline(pipeline, overrides=["sources=[{path: data/sales.csv}]"])
    assert loaded.spec.sources[0].path == "../data/sales.csv"


def test_a_bundled_pipeline_is_extended_by_name(load: Load) -> None:
    loaded = load("extends: full\nsources: [{path: data/sales.csv}]\n", whole=True)
    assert [path.name for path in loaded.files] == ["mine.yaml", "full.yaml"]
    assert loaded.spec.taxonomy == "data_analysis"


def test_a_circle_is_named(write: Write, check: Check) -> None:
    write("a.yaml", "extends: b.yaml\n")
    write("b.yaml", "seed: 1\nextends: a.yaml\n")
    (problem,) = check("extends: a.yaml\n")
    assert str(problem.message).endswith("a.yaml -> b.yaml -> a.yaml")
    assert (problem.file, problem.line) == ("b.yaml", 2)


@pytest.mark.parametrize(
    ("extends", "nearest"),
    [pytest.param("bse.yaml", "base.yaml", id="sibling"), pytest.param("ful", "full", id="bundled")],
)
def test_an_unknown_parent_is_told_with_the_nearest(
    write: Write, check: Check, extends: str, nearest: str
) -> None:
    write("base.yaml", "")
    (problem,) = check(f"extends: {extends}\n")
    assert (problem.line, problem.key, problem.nearest) == (1, "extends", nearest)


def test_several_parents_are_refused_with_the_way_out(check: Check) -> None:
    (problem,) = check("extends: [a.yaml, b.yaml]\n")
    assert "let one extend the next" in problem.fix


@pytest.mark.parametrize(
    ("override", "read"),
    [
        pytest.param("sample.samples=5", lambda spec: spec.sample.samples == 5, id="number"),
        pytest.param("sample.top_p=", lambda spec: spec.sample.top_p is None, id="empty-is-null"),
        pytest.param("judge.methods=[model]", lambda spec: spec.judge.methods == ("model",), id="list"),
        pytest.param("judge.methods.0=model", lambda spec: spec.judge.methods[0] == "model", id="index"),
        pytest.param("rules.1=secrets", lambda spec: spec.rules[1].name == "secrets", id="append"),
        pytest.param(
            "queries.hops.2=0.9", lambda spec: spec.queries.hops == {1: 1, 2: 0.9}, id="number-as-key"
        ),
        pytest.param("run.budget.usd=2.5", lambda spec: spec.run.budget.usd == 2.5, id="new-section"),
        pytest.param("title=a=b", lambda spec: spec.title == "a=b", id="equals-in-value"),
        pytest.param(
            "models.expert={provider: openai, model: m}",
            lambda spec: spec.models.expert.model == "m",
            id="mapping",
        ),
    ],
)
def test_a_value_is_set(load: Load, override: str, read: Callable[[object], bool]) -> None:
    loaded = load("rules: [format]\njudge: {methods: [rule]}\nqueries: {hops: {1: 1}}\n", [override])
    assert not loaded.problems
    assert read(loaded.spec)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["provider-first", "provider-last"])
def test_setting_another_provider_drops_what_was_said_for_the_old(load: Load, order: tuple[int, int]) -> None:
    sets = ["models.expert.provider=openai", "models.expert.model=m"]
    text = "models: {expert: {provider: scripted, fault_rate: 0.1}}\n"
    loaded = load(text, [sets[index] for index in order])
    assert not loaded.problems
    assert loaded.spec.models.expert.model == "m"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        pytest.param("sample.samples", "not of the form key.path=value", id="no-equals"),
        pytest.param("sample..samples=3", "not of the form key.path=value", id="empty-part"),
        pytest.param("sample.smples=3", "unknown key `smples`", id="unknown-key"),
        pytest.param("sample.samples=many", "must be a whole number", id="wrong-type"),
        pytest.param("sources.5.path=x", "`sources.5` does not exist", id="index-too-large"),
        pytest.param("taxonomy.name=x", "`taxonomy.name` does not exist", id="below-a-value"),
        pytest.param("extends=full", "`extends` cannot be set here", id="extends"),
        pytest.param("seed=[", "not valid YAML", id="not-yaml"),
    ],
)
def test_a_wrong_override_is_told_as_it_was_typed(check: Check, override: str, said: str) -> None:
    (problem,) = check("", [override])
    assert problem.file == f"--set {override}"
    assert problem.line == 0
    assert said in problem.message
