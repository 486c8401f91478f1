"""Mistakes in a pipeline: each found, at its place, in words that say what to write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datamind_gen.spec.loader import read_pipeline
from datamind_gen.spec.problems import InvalidPipeline, Problem, Severity, render_problems
from tests.spec.conftest import Check, Write

TEN_MISTAKES = """
extends: base.yaml
sources:
  - path: data/salse.csv
taxonomy: ./asking
queries:
  paraphrse: 0.2
  hops: {7: 1.0}
coverage:
  target: 100
  target: 200
  categories: {rankin: 1}
  formats: {xslx: 1}
models:
  expert: {provider: opnai, model: deepseek-chat}
  critic: {provider: scripted}
sample:
  samples: three
  on_error: rolback
judge:
  require: most
observation_chars: 100
"""

GOLDEN = """
base.yaml:2:3: error: unknown key `wall` in `sandbox`
  2 |   wall: 3
    = did you mean `wall_s`? valid here: allow_unsandboxed, cpu_s, directory_mb, file_mb, memory_mb, \
output_chars, processes, sql_rows, sql_timeout_s, stream_mb, threads, wall_s
mine.yaml:3:5: error: no such file: data/salse.csv
  3 |   - path: data/salse.csv
    = did you mean `data/sales.csv`? paths are relative to {folder}
mine.yaml:6:3: error: unknown key `paraphrse` in `queries`
  6 |   paraphrse: 0.2
    = did you mean `paraphrase`? valid here: attempts, author, duplicate_threshold, hops, paraphrase
mine.yaml:7:10: error: `7` cannot be a key of `queries.hops`
  7 |   hops: {7: 1.0}
    = it must be at most 5
mine.yaml:10:3: error: `target` stands here a second time; the first is on line 9
  10 |   target: 200
     = keep one of the two
mine.yaml:11:16: error: `rankin` is no category of the taxonomy `./asking`
  11 |   categories: {rankin: 1}
     = did you mean `ranking`? categories: counting, ranking
mine.yaml:12:13: error: `xslx` is no file format
  12 |   formats: {xslx: 1}
     = did you mean `xlsx`? formats: csv, xlsx, xls, ods, sqlite, duckdb, parquet, json, jsonl, folder
mine.yaml:14:12: error: `opnai` is no provider of models
  14 |   expert: {provider: opnai, model: deepseek-chat}
     = did you mean `openai`? one of openai, vllm, distilabel, scripted
mine.yaml:15:3: error: unknown key `critic` in `models`
  15 |   critic: {provider: scripted}
     = valid here: author, expert, judge
mine.yaml:17:3: error: `sample.samples` is 'three'; it must be a whole number
  17 |   samples: three
mine.yaml:18:3: error: `sample.on_error` cannot be 'rolback'
  18 |   on_error: rolback
     = did you mean `rollback`? one of rollback, keep
mine.yaml:20:3: error: `judge.require` is 'most'; it must be `all` or `majority` or a whole number
  20 |   require: most
mine.yaml:21:1: error: unknown key `observation_chars` at the top level
  21 | observation_chars: 100
     = `observation_chars` belongs under `sample:`
13 mistakes
"""


def test_all_mistakes_are_told_at_once_with_line_value_and_fix(check: Check, write: Write) -> None:
    base = write("base.yaml", "sandbox:\n  wall: 3\n")
    problems = check(TEN_MISTAKES, whole=True)
    shown = render_problems(problems).plain
    assert shown == GOLDEN.lstrip("\n").replace("{folder}", str(base.parent))


def test_json_says_the_same_as_the_terminal(check: Check, write: Write) -> None:
    write("base.yaml", "sandbox:\n  wall: 3\n")
    found = {problem.key: problem.as_json() for problem in check(TEN_MISTAKES, whole=True)}
    assert found["queries.paraphrse"] == {
        "severity": "error",
        "file": "mine.yaml",
        "line": 6,
        "column": 3,
        "key": "queries.paraphrse",
        "value": "0.2",
        "message": "unknown key `paraphrse` in `queries`",
        "nearest": "paraphrase",
        "fix": "valid here: attempts, author, duplicate_threshold, hops, paraphrase",
    }


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param(
            "sample: {samples: 0}", 1, "`sample.samples` is 0; it must be at least 1", id="too-small"
        ),
        pytest.param("sample: {temperature: 9}", 1, "it must be at most 2", id="too-large"),
        pytest.param("sample: {knowledge: perhaps}", 1, "it must be true or false", id="not-a-bool"),
        pytest.param("sample: 3", 1, "it must be a section", id="section-is-a-number"),
        pytest.param("rules: format", 1, "it must be a list", id="list-is-text"),
        pytest.param("rules:\n  - answer_length: 5", 2, "must be a mapping", id="rule-settings"),
        pytest.param(
            "rules:\n  - {format: {}, language: {}}", 2, "one rule a list item", id="two-rules-in-one"
        ),
        pytest.param("queries: {author: {model: 0, program: 0}}", 1, "shares are all zero", id="no-author"),
        pytest.param("run: {concurrency: 64-8}", 1, "not end below its start", id="range-falls"),
        pytest.param("run:\n  budget:\n    usd: -3", 3, "it must be more than 0", id="nested"),
        pytest.param("models:\n  judge: {model: x}", 2, "does not say which kind of model", id="no-provider"),
        pytest.param(
            "models:\n  judge: {provider: openai}", 2, "`models.judge` lacks `model`", id="missing-key"
        ),
        pytest.param("name: my run", 1, "must be text of the form", id="name-with-a-space"),
        pytest.param("judge: {methods: []}", 1, "no method is left", id="empty-methods"),
        pytest.param("judge: {methods: [rule, rule]}", 1, "a method stands twice", id="method-twice"),
        pytest.param("yes: 3", 1, "unknown key `yes`", id="boolean-key"),
        pytest.param("extend: full", 1, "unknown key `extend`", id="extend"),
        pytest.param("3: yes", 1, "unknown key `3`", id="number-key"),
    ],
)
def test_each_kind_of_mistake_has_its_words(check: Check, text: str, line: int, said: str) -> None:
    (problem,) = check(text + "\n")
    assert problem.line == line
    assert said in problem.message


def test_what_only_follows_from_a_misspelt_key_is_not_told(check: Check) -> None:
    (problem,) = check("queries: {author: {modell: 0.7}}\n")
    assert problem.nearest == "model"


def test_what_an_unknown_key_hid_is_told(check: Check) -> None:
    said = [problem.message for problem in check("read: {zzz: 1, min_rows: 50, max_rows: 10}\n")]
    assert len(said) == 2
    assert any("max_rows (10) is below min_rows (50)" in message for message in said)


def test_a_key_never_reaches_the_terminal(check: Check) -> None:
    problems = check("models:\n  expert: {provider: openai, model: m, api_key: sk-hush, apikey: sk-hush}\n")
    assert problems
    assert "sk-hush" not in render_problems(problems).plain
    assert "sk-hush" not in str([problem.as_json() for problem in problems])


def test_a_broken_list_item_leaves_the_others_in_their_places(check: Check) -> None:
    text = """
    taxonomy: ./asking
    sources:
      - {path: 1.csv, folder: two}
      - {path: data/missing.csv}
      - {path: data/sales.csv, bogus: 1, folder: two}
    """
    lines = [(problem.line, problem.key) for problem in check(text, whole=True)]
    assert lines == [
        (3, "sources.0"),
        (4, "sources.1.path"),
        (5, "sources.2"),
        (5, "sources.2.bogus"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param("sample: {samples: 3\n", 2, "not valid YAML", id="open-bracket"),
        pytest.param("sample:\n\tsamples: 3\n", 2, "not valid YAML", id="tab"),
        pytest.param("title: a: b\n", 1, "mapping values are not allowed", id="colon-in-text"),
        pytest.param("title: !python/object:os.system x\n", 1, "could not determine a constructor", id="tag"),
        pytest.param("- a\n- b\n", 1, "a pipeline is a mapping", id="list"),
        pytest.param("sample: &me {again: *me}\n", 1, "an alias stands inside", id="alias-circle"),
        pytest.param("? [a, b]\n: 3\n", 1, "a key must be a plain word", id="complex-key"),
        pytest.param("title: 2024-99-99\n", 1, "month must be in", id="no-date"),
    ],
)
def test_yaml_that_cannot_be_read_is_a_problem_too(check: Check, text: str, line: int, said: str) -> None:
    found = [problem for problem in check(text, whole=True) if said in problem.message]
    assert [problem.line for problem in found] == [line]


@pytest.mark.parametrize("text", ["seed: [1\n", "extends: nowhere.yaml\n"], ids=["unreadable", "no-parent"])
def test_what_an_unread_file_may_have_said_is_not_missed(check: Check, text: str) -> None:
    assert len(check(text, whole=True)) == 1


def test_a_file_that_is_no_text_names_the_line(write: Write, check: Check) -> None:
    write("base.yaml", "").write_bytes(b"title: x\ndescription: \xff\n")
    (problem,) = [one for one in check("extends: base.yaml\n") if one.file == "base.yaml"]
    assert (problem.line, problem.fix) == (2, "save the file as UTF-8")


def test_load_pipeline_raises_with_everything(write: Write) -> None:
    from datamind_gen.spec.loader import load_pipeline

    path = write("bad.yaml", "seed: -1\nsample: {turns: 0}\n")
    with pytest.raises(InvalidPipeline) as caught:
        load_pipeline(path)
    assert [problem.key for problem in caught.value.problems] == ["seed", "sources", "sample.turns"]
    assert "3 mistakes" in str(caught.value)


@pytest.mark.parametrize("name", ["fulll", "no/such/full.yaml"])
def test_a_pipeline_that_is_not_there_is_named_with_its_neighbours(folder: object, name: str) -> None:
    from datamind_gen.spec.loader import load_pipeline

    with pytest.raises(InvalidPipeline, match=f"there is no pipeline `{name}`") as caught:
        load_pipeline(name)
    assert "quickstart" in caught.value.problems[0].fix


@pytest.mark.parametrize(
    ("name", "meant"),
    [("mine", "mine/pipeline.yaml"), ("pipelines/full.yaml", "full"), ("pipelines/tinny.yaml", "tiny")],
    ids=["folder", "as in a clone", "misspelt"],
)
def test_a_pipeline_that_was_probably_meant_is_named(write: Write, name: str, meant: str) -> None:
    write("mine/pipeline.yaml", "seed: 1\n")
    with pytest.raises(InvalidPipeline) as caught:
        read_pipeline(name)
    assert caught.value.problems[0].nearest == meant


def test_a_check_of_ones_own_joins_the_rest(load: Callable[..., object]) -> None:
    from datamind_gen.spec.loader import LoadedPipeline, validate_pipeline

    loaded = load("sample: {turns: 3}\n")
    assert isinstance(loaded, LoadedPipeline)

    def check_turns(pipeline: LoadedPipeline) -> list[Problem]:
        return [pipeline.problem("sample.turns", "odd", severity=Severity.WARNING)]

    (problem,) = validate_pipeline(loaded, checks=[check_turns])
    assert (problem.file, problem.line, problem.excerpt) == ("mine.yaml", 1, "sample: {turns: 3}")
