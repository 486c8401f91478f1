"""The report, opened from disk in a real headless Chromium."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from datamind_gen.publish import Dropped, Finished, write_dataset
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.manifest import write_manifest
from datamind_gen.publish.report import Report, write_report
from datamind_gen.publish.report.cases import Case
from datamind_gen.publish.report.payload import pack
from datamind_gen.rows import Reason, Stage, Status, encode
from tests.publish.chromium import Page, find_chromium, open_browser
from tests.publish.samples import HOSTILE, make_manifest


@pytest.fixture(scope="module")
def report(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Report:
    run = tmp_path_factory.mktemp("reported run")
    published = write_dataset(run / "dataset", finished)
    (run / "funnel.json").write_text(json.dumps({"funnel": json.loads(encode(published.funnel))}))
    write_manifest(run, make_manifest())
    (run / "audit.json").write_text('{"lines": [{"name": "format", "precision": 1, "recall": 0.5}]}')
    return write_report(PublishedRun.open(run), run / "report.html")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with open_browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page, report: Report) -> Iterator[Page]:
    """The report, opened; at the end nothing may have gone wrong or out."""
    browser.problems.clear()
    browser.requests.clear()
    browser.resize(1280, 900)
    browser.open(report.path)
    yield browser
    assert browser.problems == []
    assert {url.split("#")[0] for url in browser.requests} <= {"about:blank", report.path.as_uri()}


def case_of(finished: Finished, status: Status) -> str:
    """A query with a kept trajectory, or one whose samples disagree."""
    if status is Status.KEPT:
        return finished.kept[0].query.id
    inconsistent = next(row for row in finished.dropped if row.reason is Reason.INCONSISTENT)
    return str(json.loads(inconsistent.payload)["query"]["id"])


@pytest.mark.browser
def test_overview_shows_the_figures(page: Page, finished: Finished) -> None:
    tiles = page.texts(".tile strong")
    assert tiles[:2] == [str(len(finished.kept)), str(len({row.query.id for row in finished.kept}))]
    assert [text.split()[0] for text in page.texts(".funnel-name")] == [
        "read", "write", "reflect", "filter", "publish",
    ]  # fmt: skip
    assert "not chosen 36" in page.texts(".reason")
    assert sum(int(text) for text in page.texts(".matrix .sum")) == len(finished.kept)
    cards = page.texts(".card h2")
    assert [
        name for name in ("Coverage", "Turns", "Over time", "Models and cost", "Audit") if name not in cards
    ] == []
    assert "unknown" in page.texts(".plain td"), "a cost that is not known is not zero"
    assert "stopped: the budget of 1 usd is spent" in page.texts(".banner")[0]
    assert page.evaluate("document.querySelectorAll('polyline').length") == 2
    assert "50.0 %" in page.texts(".plain td")


@pytest.mark.browser
def test_kept_case_shows_its_siblings_and_verdict(page: Page, finished: Finished) -> None:
    query_id = case_of(finished, Status.KEPT)
    row = finished.kept[0]
    page.go(f"case={query_id}")
    assert page.texts(".question") == [row.query.question]
    assert len(page.texts(".trajectory")) == 3
    assert page.texts(".trajectory header .chip")[0] == "kept"
    assert "rejected: not chosen" in page.texts(".trajectory header .chip")
    assert "All say the same." in page.texts(".verdict")[0]
    first = page.evaluate(
        f"[...[...document.querySelectorAll('.trajectory')].find(found => found.querySelector('.id')"
        f".textContent === {json.dumps(row.id)}).querySelectorAll('.turn')].map(turn =>"
        " [turn.querySelector('.thought')?.textContent, turn.querySelector('.code')?.textContent ?? null])"
    )
    assert [tuple(turn) for turn in first] == [(turn.thought, turn.code) for turn in row.trajectory.turns]
    assert page.texts(".trajectory.kept .answer")[0] == f"Answer {row.trajectory.answer}"
    assert len(page.texts(".hops li")) == len(row.query.hops)
    assert json.loads(page.texts(".fold .raw")[-1])["query"]["id"] == query_id
    assert page.evaluate("document.querySelectorAll('.py-keyword, .py-string').length") > 0


@pytest.mark.browser
def test_rejected_and_failed_rows_are_there_too(page: Page, finished: Finished) -> None:
    page.go(f"case={case_of(finished, Status.REJECTED)}")
    assert "The three answers differ." in page.texts(".verdict")[0]
    assert page.texts(".trajectory header .chip")[:1] == ["rejected: inconsistent"]
    unreadable = next(row for row in finished.dropped if row.stage is Stage.READ)
    page.go(f"case={unreadable.id}")
    assert "failed at read: corrupt (not a zip archive)" in page.texts(".ends li")
    assert json.loads(page.texts(".raw")[0])["name"] == "broken.xlsx"


@pytest.mark.browser
def test_search_and_filters_narrow_the_list(page: Page, finished: Finished) -> None:
    page.go("reader")
    everything = len(page.texts(".entry"))
    assert everything == len({row.query.id for row in finished.kept}) + 4 + 1

    def choose(name: str, value: str) -> list[str]:
        page.evaluate(
            f"(() => {{ const s = document.querySelector('select[aria-label={name}]'); s.value = '{value}';"
            " s.dispatchEvent(new Event('change')); })()"
        )
        return page.texts(".entry-question")

    assert choose("status", "failed") == ["broken.xlsx"]
    assert choose("status", "rejected") != []
    assert len(choose("reason", "inconsistent")) == 4
    assert choose("level", "easy") == []
    assert choose("reason", "") != []
    page.evaluate("document.querySelector('.clear').click()")
    assert len(page.texts(".entry")) == everything
    found = choose("category", "ranking")
    wanted = {row.query.question for row in finished.kept if row.query.category == "ranking"}
    assert wanted <= set(found)
    page.evaluate(
        "(() => { const s = document.getElementById('search'); s.value = 'QUESTION 12 sales';"
        " s.dispatchEvent(new Event('input')); })()"
    )
    assert page.texts(".entry") == []
    page.evaluate("document.querySelector('.clear').click()")
    page.evaluate(
        "(() => { const s = document.getElementById('search'); s.value = 'QUESTION 12 sales';"
        " s.dispatchEvent(new Event('input')); })()"
    )
    found = [text.split(" about")[0] for text in page.texts(".entry-question")]
    assert "Question 12" in found
    assert len(found) < everything


@pytest.mark.browser
def test_figures_open_the_rows_behind_them(page: Page) -> None:
    page.evaluate(
        "[...document.querySelectorAll('.reason')].find(b => b.textContent.startsWith('incons')).click()"
    )
    page.wait("!document.getElementById('reader-page').hidden")
    assert len(page.texts(".entry")) == 4
    page.go("overview")
    page.evaluate("document.querySelector('td.cell.pick').click()")
    page.wait("!document.getElementById('reader-page').hidden")
    assert page.texts(".entry")
    assert page.evaluate("document.querySelector('select[aria-label=category]').value") == "aggregation"


@pytest.mark.browser
def test_keys_walk_through_the_list(page: Page) -> None:
    page.go("reader")
    ids = page.evaluate("[...document.querySelectorAll('.entry')].map(e => e.getAttribute('href'))")
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        page.press(key)
        page.wait(f"document.body.dataset.ready === {json.dumps(ids[place])}")
    assert page.evaluate("document.querySelector('.entry.current').getAttribute('href')") == ids[0]


@pytest.mark.browser
def test_text_from_data_never_becomes_markup(page: Page, finished: Finished) -> None:
    hostile = next(row for row in finished.kept if HOSTILE in row.query.question)
    page.go(f"case={hostile.query.id}")
    assert HOSTILE in page.texts(".question")[0]
    assert HOSTILE in page.texts(".observation")[0]
    assert (
        page.evaluate("document.querySelectorAll('img, iframe, main script, object, .detail b b').length")
        == 0
    )
    assert page.evaluate("document.title") == "sample · run report"


@pytest.mark.browser
def test_policy_stops_a_script_that_got_in(browser: Page, report: Report, tmp_path: Path) -> None:
    """Were text ever put into the page as markup, its script would still not run."""
    infected = tmp_path / "infected.html"
    attack = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
    infected.write_text(report.path.read_text().replace("<main>", f"<main>{attack}"))
    browser.open(infected)
    assert browser.evaluate("document.title") == "sample · run report"
    assert any("Content Security Policy" in problem for problem in browser.problems)


@pytest.mark.browser
def test_dark_mode_follows_the_system_and_the_button(page: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.resize(1280, 900, dark=True)
    dark = page.evaluate(paper)
    assert light != dark
    page.evaluate("document.getElementById('theme').click()")
    assert page.evaluate(paper) == light
    page.evaluate("document.getElementById('theme').click()")
    assert page.evaluate(paper) == dark


@pytest.mark.browser
@pytest.mark.parametrize("place", ["overview", "reader", "case"])
def test_phone_width_has_no_sideways_scroll(place: str, page: Page, finished: Finished) -> None:
    page.resize(390, 844, mobile=True)
    page.go(place if place != "case" else f"case={finished.kept[0].query.id}")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    is_listed = page.evaluate("getComputedStyle(document.querySelector('.finder')).display") != "none"
    assert is_listed is (place != "case")


@pytest.mark.browser
def test_dataset_alone_is_enough(browser: Page, finished: Finished, tmp_path: Path) -> None:
    write_dataset(tmp_path / "just data", finished)
    report = write_report(PublishedRun.open(tmp_path / "just data"), tmp_path / "report.html")
    browser.problems.clear()
    browser.open(report.path)
    assert browser.texts(".tile strong")[0] == str(len(finished.kept))
    assert browser.texts(".funnel-name") == []
    assert browser.problems == []


@pytest.mark.browser
def test_payloads_of_any_shape_open(browser: Page, finished: Finished, tmp_path: Path) -> None:
    """NaN, a list, nothing, half a character: a report must open whatever was rejected."""
    shapes = ['{"value": NaN, "inner": [Infinity]}', "[1, 2]", "", '"\\ud800"']
    odd = tuple(
        Dropped(f"odd-{n}", Stage.WRITE, Status.FAILED, Reason.INTERNAL, HOSTILE, shape)
        for n, shape in enumerate(shapes)
    )
    write_dataset(tmp_path / "run" / "dataset", replace(finished, kept=(), dropped=odd))
    report = write_report(PublishedRun.open(tmp_path / "run"), tmp_path / "report.html")
    browser.problems.clear()
    browser.open(report.path)
    for number in range(len(shapes)):
        browser.go(f"case=odd-{number}")
        assert f"failed at write: internal ({HOSTILE})" in browser.texts(".ends li")
    assert browser.problems == []


def test_report_depends_on_nothing_but_the_run(report: Report, tmp_path: Path) -> None:
    again = write_report(PublishedRun.open(report.path.parent), tmp_path / "report.html")
    assert again.path.read_bytes() == report.path.read_bytes()


def test_what_does_not_fit_is_listed_without_its_text() -> None:
    rng = random.Random(1)
    cases = []
    for number in range(400):
        case = Case(f"case-{number:04d}", question=f"question {number}")
        case.rest = {"noise": "".join(rng.choices(string.printable, k=2_000))}
        cases.append(case)
    room = 200_000
    payload = pack(cases, room=room)
    assert room * 0.7 < len(payload.index) + sum(map(len, payload.chunks)) <= room
    assert 0 < payload.shown < len(cases)
    assert payload.shown % 32 == 0
    assert pack(cases, room=10_000_000).shown == len(cases)


@pytest.mark.browser
def test_case_left_out_says_where_it_is(
    browser: Page, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamind_gen.publish.report.pack", lambda cases: pack(cases, room=1))
    monkeypatch.setattr("datamind_gen.publish.report.payload._CHUNK_CASES", 5)
    small = write_report(PublishedRun.open(report.path.parent), tmp_path / "report.html")
    assert small.readable == 5 < small.listed == small.cases
    browser.open(small.path)
    browser.go("reader")
    href = browser.evaluate("[...document.querySelectorAll('.entry')].at(-1).getAttribute('href')")
    browser.go(href[1:])
    assert "left out" in browser.texts(".banner")[-1]
