"""A forecast's intervals hold what they promise, and what is unknown stays unknown."""

from __future__ import annotations

import random

import pytest

from datamind_gen.models.base import Role
from datamind_gen.models.settings import Prices
from datamind_gen.run.forecast import Course, Interval, Seat, forecast, measured_guess
from datamind_gen.run.preview import Preview
from datamind_gen.run.watching import Asked, Case

COURSE = Course(target=10_000, waves=1, planned=400, most=10_000, cores=2)
SEAT = Seat(model="m", endpoint="e", prices=Prices(input=1.0, output=2.0), concurrency=10)


def make_case(
    rng: random.Random, *, tokens: bool = True, calls: int | None = None, kept: int | None = None
) -> Case:
    """One query: about 12 calls, kept in three cases of four."""
    made = calls if calls is not None else max(round(rng.lognormvariate(2.4, 0.5)), 1)
    return Case(
        id=str(rng.random()),
        category="c",
        format="csv",
        hops=1,
        origin="program",
        query=None,
        group=None,
        ends=(),
        kept=kept if kept is not None else int(rng.random() < 0.75),
        asked=(
            Asked(
                role=Role.EXPERT,
                calls=made,
                prompt_tokens=made * 1000 if tokens else None,
                completion_tokens=made * 100 if tokens else None,
                seconds=made * 2.0,
            ),
        ),
    )


def make_preview(cases: list[Case]) -> Preview:
    return Preview(cases=tuple(cases), turn_seconds=0.1 * len(cases), replies=0, found=0)


@pytest.mark.parametrize("measured", [4, 12])
def test_nine_in_ten_intervals_hold_what_the_run_comes_to(measured: int) -> None:
    rng = random.Random(measured)
    trials, calls_held, kept_held = 100, 0, 0
    for trial in range(trials):
        preview = make_preview([make_case(rng) for _ in range(measured)])
        run = [make_case(rng) for _ in range(COURSE.planned)]
        told = forecast(measured_guess(preview), {Role.EXPERT: SEAT}, COURSE, measured=measured, seed=trial)
        calls = sum(case.asked[0].calls for case in run)
        kept = sum(case.kept for case in run)
        calls_held += told.calls.low <= calls <= told.calls.high
        kept_held += told.kept.low <= kept <= told.kept.high
    assert calls_held >= 0.84 * trials
    assert kept_held >= 0.84 * trials


def test_more_queries_tell_more() -> None:
    def width(count: int) -> float:
        rng = random.Random(0)
        preview = make_preview([make_case(rng) for _ in range(count)])
        told = forecast(measured_guess(preview), {Role.EXPERT: SEAT}, COURSE, measured=count)
        return told.calls.high / told.calls.low

    assert width(40) < width(10) < width(4)


@pytest.mark.parametrize(
    ("prices", "tokens"), [(None, True), (Prices(input=1, output=1), False)], ids=["price", "tokens"]
)
def test_what_is_unknown_is_never_zero(prices: Prices | None, tokens: bool) -> None:
    rng = random.Random(0)
    preview = make_preview([make_case(rng, tokens=tokens) for _ in range(5)])
    seat = Seat(model="m", endpoint="e", prices=prices, concurrency=1)
    told = forecast(measured_guess(preview), {Role.EXPERT: seat}, COURSE, measured=5)
    assert told.usd is None
    assert told.roles[0].usd is None
    assert (told.tokens is None) == (not tokens)


def test_a_role_that_nobody_asks_costs_nothing_even_without_a_price() -> None:
    rng = random.Random(0)
    preview = make_preview([make_case(rng) for _ in range(5)])
    seats = {Role.EXPERT: SEAT, Role.JUDGE: Seat(model="j", endpoint="j", prices=None, concurrency=1)}
    told = forecast(measured_guess(preview), seats, COURSE, measured=5)
    assert told.usd is not None
    assert told.usd.low > 0


def test_equal_queries_leave_nothing_to_guess_and_the_sums_are_right() -> None:
    rng = random.Random(0)
    preview = make_preview([make_case(rng, calls=10, kept=1) for _ in range(5)])
    told = forecast(measured_guess(preview), {Role.EXPERT: SEAT}, COURSE, measured=5)
    assert told.calls == Interval(4000, 4000, 4000)
    assert told.tokens is not None
    assert told.tokens.middle == pytest.approx(4000 * 1100)
    assert told.usd is not None
    assert told.usd.middle == pytest.approx((4000 * 1000 * 1.0 + 4000 * 100 * 2.0) / 1e6)
    assert told.hours is not None
    assert told.hours.middle == pytest.approx(4000 * 2.0 / 10 / 3600)


def test_later_waves_top_up_as_far_as_there_is_room() -> None:
    rng = random.Random(0)
    preview = make_preview([make_case(rng, calls=10, kept=int(number % 2)) for number in range(20)])
    course = Course(target=100, waves=3, planned=110, most=160, cores=2)
    told = forecast(measured_guess(preview), {Role.EXPERT: SEAT}, course, measured=20)
    assert told.queries.low >= 110
    assert told.queries.high == 160
    assert told.kept.middle == pytest.approx(80, rel=0.2)
