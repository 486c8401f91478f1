"""What no single value shows: files that are missing, names unknown, settings that contradict each other."""

from __future__ import annotations

import pytest

from datamind_gen.spec.problems import Severity
from tests.spec.conftest import Check, Write


def test_a_sound_pipeline_has_nothing_wrong(check: Check) -> None:
    assert check("coverage: {categories: {ranking: 1}, formats: {csv: 1}}\n") == []


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        pytest.param("taxonomy: ./asking", "sources", "no source", id="no-sources"),
        pytest.param("taxonomy: ./asking\nsources: []", "sources", "no source", id="empty-sources"),
        pytest.param(
            "taxonomy: ./asking\nsources: [{glob: '*.xlsx'}]", "sources.0.glob", "no file matches", id="glob"
        ),
        pytest.param(
            "taxonomy: ./asking\nsources: [{folder: dta}]", "sources.0.folder", "no such folder", id="folder"
        ),
        pytest.param(
            "taxonomy: ./asking\nsources: [{path: data}]",
            "sources.0.path",
            "no such file",
            id="folder-as-path",
        ),
        pytest.param(
            "taxonomy: askin\nsources: [{path: data/sales.csv}]",
            "taxonomy",
            "no taxonomy `askin`",
            id="taxonomy",
        ),
        pytest.param(
            "prompts: mine\ntaxonomy: ./asking\nsources: [{path: data/sales.csv}]",
            "prompts",
            "no such folder",
            id="prompts",
        ),
    ],
)
def test_what_is_not_there_is_an_error(check: Check, text: str, key: str, said: str) -> None:
    (problem,) = check(text + "\n", whole=True)
    assert problem.is_error
    assert problem.key == key
    assert said in problem.message


def test_a_glob_and_a_folder_that_hold_files_pass(check: Check) -> None:
    text = "taxonomy: ./asking\nsources: [{glob: '**/*.csv'}, {folder: data, as_one: true}]\n"
    assert check(text, whole=True) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("sample: {samples: 1}", "sample.samples", id="one-sample"),
        pytest.param(
            "sample: {temperature: 0}\nmodels: {expert: {provider: openai, model: m}}",
            "sample.temperature",
            id="no-temperature",
        ),
        pytest.param(
            "judge: {methods: [rule]}\nmodels: {judge: {provider: openai, model: m}}",
            "models.judge",
            id="judge",
        ),
        pytest.param(
            "models: {author: {provider: openai, model: m}}", "models.author", id="author-never-asked"
        ),
        pytest.param(
            "models: {expert: {provider: openai, model: m, top_p: 0.5}}",
            "models.expert.top_p",
            id="stage-decides",
        ),
        pytest.param("reflect: {rounds: 0, samples: 5}", "reflect.samples", id="no-reflection"),
        pytest.param(
            "queries: {author: {model: 1}, paraphrase: 0.5}", "queries.paraphrase", id="nothing-to-paraphrase"
        ),
        pytest.param("run: {graph: local, ray: auto}", "run.ray", id="local-graph-on-ray"),
        pytest.param("rules: [format, language, format]", "rules.2", id="rule-twice"),
    ],
)
def test_what_is_configured_and_ignored_is_a_warning(check: Check, text: str, key: str) -> None:
    (problem,) = check(text + "\n")
    assert problem.severity is Severity.WARNING
    assert problem.key == key
    assert problem.advice


@pytest.mark.parametrize(
    "text",
    [
        "sample: {temperature: 0}",
        "queries: {author: {model: 1}}\nmodels: {author: {provider: openai, model: m}}",
        "queries: {paraphrase: 0.5}\nmodels: {author: {provider: openai, model: m}}",
        "sample: {top_p: null}\nmodels: {expert: {provider: openai, model: m, top_p: 0.5}}",
        "rules: [{answer_length: {max_tokens: 5}}, {answer_length: {max_tokens: 9}}]",
    ],
    ids=[
        "scripted-at-zero",
        "author-writes",
        "author-paraphrases",
        "stage-leaves-it",
        "rule-with-two-settings",
    ],
)
def test_what_has_an_effect_is_no_warning(check: Check, text: str) -> None:
    assert check(text + "\n") == []


def test_more_agreement_than_samples_is_an_error(check: Check) -> None:
    (problem,) = check("sample: {samples: 3}\njudge: {require: 4}\n")
    assert problem.is_error
    assert (problem.line, problem.key) == (2, "judge.require")


def test_a_prompt_that_replaces_nothing_is_told(check: Check, write: Write) -> None:
    write("mine/jugde.jinja", "{{ question }}")
    write("mine/judge.jinja", '{% include "shared.jinja" %}')
    write("mine/shared.jinja", "hello")
    (problem,) = check("prompts: mine\n")
    assert problem.severity is Severity.WARNING
    assert problem.value == "jugde.jinja"
    assert problem.nearest == "judge.jinja"
