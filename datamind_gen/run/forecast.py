"""What a pipeline will ask, cost and keep, as intervals, before it is run.

`forecast` plays the waves through a thousand times, each time with another guess at what one query costs and
how often it is kept; the intervals hold nine in ten of them. The guesses come from queries that a preview
ran (`measured_yield`), or, where nothing was measured, from wide assumptions (`assumptions.py`). Pure
functions: the same input gives the same forecast. What is not known (a price, uncounted tokens) is None.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from datamind_gen.models.base import Role
from datamind_gen.models.settings import Prices
from datamind_gen.run.preview import Preview
from datamind_gen.run.waves import LEAST_YIELD

SCENARIOS = 1000
TAIL = 0.05
PRIOR_QUERIES = 2.0
"""How many queries' worth the first guess at the yield counts, beside what was measured."""
PRIOR_YIELD = 0.7
"""That first guess: queries with a kept trajectory, of those planned."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """Nine in ten scenarios lie between `low` and `high`, half below `middle`."""

    low: float
    middle: float
    high: float

    def scaled(self, by: float) -> Interval:
        """The same in another unit."""
        return Interval(self.low * by, self.middle * by, self.high * by)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one query costs at one role's model; None is unknown."""

    calls: float
    prompt_tokens: float | None
    completion_tokens: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Guess:
    """One scenario's idea of a query."""

    success: float
    """The share of queries that leave anything in the dataset."""
    kept: float
    """Trajectories that such a query leaves."""
    costs: Mapping[Role, Cost]
    turn_seconds: float | None
    """Of code, on one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A role's model, as far as money and time depend on it."""

    model: str
    endpoint: str
    prices: Prices | None
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a run goes on from wave to wave."""

    target: int
    waves: int
    planned: int
    """Queries of the first wave."""
    most: int
    """Queries that the files have room for, or `--limit`."""
    cores: int
    """Turns of code that run at once."""


@dataclass(frozen=True, slots=True)
class RoleForecast:
    """What one role's model will be asked."""

    role: Role
    model: str
    endpoint: str
    calls: Interval
    prompt_tokens: Interval | None
    completion_tokens: Interval | None
    usd: Interval | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run comes to. None is unknown, never zero."""

    measured: int
    """Queries that it reckons from; 0: from assumptions alone."""
    queries: Interval
    kept: Interval
    calls: Interval
    tokens: Interval | None
    usd: Interval | None
    hours: Interval | None
    roles: tuple[RoleForecast, ...]


def forecast(
    guess: Callable[[random.Random], Guess],
    seats: Mapping[Role, Seat],
    course: Course,
    *,
    measured: int,
    seed: int = 0,
) -> Forecast:
    """The forecast over many guesses; `guess` draws one."""
    rng = random.Random(seed)
    outcomes = [_play(guess(rng), seats, course, rng) for _ in range(SCENARIOS)]
    roles = tuple(
        RoleForecast(
            role=role,
            model=seat.model,
            endpoint=seat.endpoint,
            calls=_known([outcome.costs[role].calls for outcome in outcomes]),
            prompt_tokens=_interval([outcome.costs[role].prompt_tokens for outcome in outcomes]),
            completion_tokens=_interval([outcome.costs[role].completion_tokens for outcome in outcomes]),
            usd=_interval([outcome.usd[role] for outcome in outcomes]),
        )
        for role, seat in seats.items()
    )
    return Forecast(
        measured=measured,
        queries=_known([outcome.queries for outcome in outcomes]),
        kept=_known([outcome.kept for outcome in outcomes]),
        calls=_known([sum(cost.calls for cost in outcome.costs.values()) for outcome in outcomes]),
        tokens=_interval([_tokens(outcome) for outcome in outcomes]),
        usd=_interval([_add(outcome.usd.values()) for outcome in outcomes]),
        hours=_interval([outcome.hours for outcome in outcomes]),
        roles=roles,
    )


def measured_guess(preview: Preview) -> Callable[[random.Random], Guess]:
    """Guesses around what a preview measured; the fewer its queries, the wider. Needs two queries or more."""
    cases = preview.cases
    count = len(cases)
    successes = [case.kept for case in cases if case.kept]
    per_success = fmean(successes) if successes else 1.0
    samples = {
        role: [next((asked for asked in case.asked if asked.role is role), None) for case in cases]
        for role in Role
    }
    costs: dict[Role, Callable[[float], Cost]] = {}
    for role, asked in samples.items():
        made = [found for found in asked if found is not None]
        zeros = [0.0] * (count - len(made))
        columns = {
            "calls": [*zeros, *(float(found.calls) for found in made)],
            "prompt_tokens": _column(zeros, [found.prompt_tokens for found in made]),
            "completion_tokens": _column(zeros, [found.completion_tokens for found in made]),
            "seconds": _column(zeros, [found.seconds for found in made]),
        }
        costs[role] = _scaler(columns)

    usual_turns = costs[Role.EXPERT](0.0).calls

    def draw(rng: random.Random) -> Guess:
        success = rng.betavariate(
            len(successes) + PRIOR_QUERIES * PRIOR_YIELD,
            count - len(successes) + PRIOR_QUERIES * (1 - PRIOR_YIELD),
        )
        # Student's t: what few queries say of the mean.
        spread = rng.gauss(0, 1) / math.sqrt(rng.gammavariate((count - 1) / 2, 2) / (count - 1))
        drawn = {role: cost(spread) for role, cost in costs.items()}
        turns = drawn[Role.EXPERT].calls / usual_turns if usual_turns else 1.0
        return Guess(
            success=success,
            kept=per_success,
            costs=drawn,
            turn_seconds=preview.turn_seconds / count * turns,
        )

    return draw


def _column(zeros: list[float], values: Sequence[float | None]) -> list[float] | None:
    known = [float(value) for value in values if value is not None]
    return [*zeros, *known] if len(known) == len(values) else None


def _scaler(columns: Mapping[str, list[float] | None]) -> Callable[[float], Cost]:
    """The mean of each column, moved by so many of its standard errors; never below zero."""
    means = {name: None if values is None else fmean(values) for name, values in columns.items()}
    errors = {
        name: pstdev(values) / math.sqrt(max(len(values) - 1, 1)) / mean
        for name, values in columns.items()
        if values is not None and (mean := means[name])
    }

    def at(spread: float) -> Cost:
        def move(name: str) -> float | None:
            mean = means[name]
            return mean and mean * math.exp(max(min(spread * errors[name], 3.0), -3.0))

        return Cost(move("calls") or 0.0, move("prompt_tokens"), move("completion_tokens"), move("seconds"))

    return at


@dataclass(frozen=True, slots=True)
class _Outcome:
    queries: float
    kept: float
    costs: Mapping[Role, Cost]
    usd: Mapping[Role, float | None]
    hours: float | None


def _play(guess: Guess, seats: Mapping[Role, Seat], course: Course, rng: random.Random) -> _Outcome:
    queries, kept = _run_waves(guess, course, rng)
    costs = {role: _times(guess.costs[role], queries) for role in seats}
    usd = {role: _money(costs[role], seat.prices) for role, seat in seats.items()}
    return _Outcome(queries, kept, costs, usd, _hours(guess, costs, seats, course, queries))


def _run_waves(guess: Guess, course: Course, rng: random.Random) -> tuple[float, float]:
    """Queries asked and trajectories kept, as Waves.start_next would go on."""
    asked, kept = 0, 0.0
    batch = min(course.planned, course.most)
    for _ in range(course.waves):
        if batch <= 0:
            break
        noise = rng.gauss(0, math.sqrt(batch * guess.success * (1 - guess.success)))
        kept += guess.kept * min(max(batch * guess.success + noise, 0.0), batch)
        asked += batch
        if kept >= course.target:
            break
        per_query = max(kept / asked, LEAST_YIELD * guess.kept)
        batch = min(math.ceil((course.target - kept) / per_query), course.most - asked)
    return asked, kept


def _hours(
    guess: Guess, costs: Mapping[Role, Cost], seats: Mapping[Role, Seat], course: Course, queries: float
) -> float | None:
    """The slowest of what works side by side: each endpoint with its slots, and the cores."""
    if guess.turn_seconds is None:
        return None
    busy: dict[str, float] = {}
    for role, seat in seats.items():
        seconds = costs[role].seconds
        if seconds is None:
            return None
        busy[seat.endpoint] = busy.get(seat.endpoint, 0.0) + seconds / seat.concurrency
    return max(*busy.values(), queries * guess.turn_seconds / course.cores) / 3600


def _times(cost: Cost, queries: float) -> Cost:
    def times(value: float | None) -> float | None:
        return None if value is None else value * queries

    prompt, completion = times(cost.prompt_tokens), times(cost.completion_tokens)
    return Cost(cost.calls * queries, prompt, completion, times(cost.seconds))


def _money(cost: Cost, prices: Prices | None) -> float | None:
    if cost.calls == 0:
        return 0.0
    if prices is None:
        return None
    if prices.input == prices.output == 0:
        return 0.0
    if cost.prompt_tokens is None or cost.completion_tokens is None:
        return None
    return (cost.prompt_tokens * prices.input + cost.completion_tokens * prices.output) / MILLION


def _tokens(outcome: _Outcome) -> float | None:
    return _add(
        tokens for cost in outcome.costs.values() for tokens in (cost.prompt_tokens, cost.completion_tokens)
    )


def _add(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _interval(values: Sequence[float | None]) -> Interval | None:
    known = [value for value in values if value is not None]
    return _known(known) if len(known) == len(values) else None


def _known(values: Sequence[float]) -> Interval:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Interval(ordered[round(TAIL * last)], ordered[last // 2], ordered[round((1 - TAIL) * last)])
